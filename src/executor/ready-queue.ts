/** What a {@link ReadyQueue} holds: the entry is its own list node, so that a place in the queue costs no memory. */
export interface Queued<Self> {
  readonly priority: number
  /** Whether it is still to run. Others, cancelled meanwhile, are passed over. */
  readonly isReady: boolean
  nextReady: Self | undefined
}

/** Entries of one priority. */
interface Line<T> {
  readonly priority: number
  readonly isEmpty: boolean
  push(entry: T): void
  unshift(entry: T): void
  /** The next entry, or in a line by chance any one. */
  peek(): T | undefined
  /** Removes the entry that `peek` gives. */
  drop(): void
  shift(): T | undefined
}

/** First in, first out: a list that goes through the entries themselves. */
class OrderedLine<T extends Queued<T>> implements Line<T> {
  readonly priority: number
  #first: T | undefined
  #last: T | undefined

  constructor(priority: number) {
    this.priority = priority
  }

  get isEmpty(): boolean {
    return this.#first === undefined
  }

  push(entry: T): void {
    if (this.#last === undefined) this.#first = entry
    else this.#last.nextReady = entry
    this.#last = entry
  }

  unshift(entry: T): void {
    entry.nextReady = this.#first
    this.#first = entry
    this.#last ??= entry
  }

  peek(): T | undefined {
    return this.#first
  }

  drop(): void {
    this.shift()
  }

  shift(): T | undefined {
    const first = this.#first
    if (first === undefined) return undefined
    this.#first = first.nextReady
    if (this.#first === undefined) this.#last = undefined
    first.nextReady = undefined
    return first
  }
}

/** Any entry may be the next one. */
class RandomLine<T> implements Line<T> {
  readonly priority: number
  readonly #random: () => number
  readonly #entries: T[] = []

  constructor(priority: number, random: () => number) {
    this.priority = priority
    this.#random = random
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0
  }

  push(entry: T): void {
    this.#entries.push(entry)
  }

  unshift(entry: T): void {
    this.#entries.push(entry)
  }

  peek(): T | undefined {
    return this.#entries.at(-1)
  }

  drop(): void {
    this.#entries.pop()
  }

  shift(): T | undefined {
    const entries = this.#entries
    if (entries.length === 0) return undefined
    const i = Math.floor(this.#random() * entries.length)
    const chosen = entries[i] as T
    entries[i] = entries.at(-1) as T
    entries.pop()
    return chosen
  }
}

/** A queue by priority, higher first, and by age; or, for tests, by chance among those of one priority. */
export class ReadyQueue<T extends Queued<T>> {
  /** By falling priority; none of them empty, but for the one that was used last. */
  readonly #lines: Line<T>[] = []
  readonly #random: (() => number) | undefined
  #size = 0

  /** @param random - if it is given, which of one priority goes first is left to it: from 0 to 1 */
  constructor(random?: () => number) {
    this.#random = random
  }

  /** How many entries there are; those that were cancelled count until they are passed over. */
  get size(): number {
    return this.#size
  }

  push(entry: T): void {
    this.#line(entry.priority).push(entry)
    this.#size++
  }

  /** Puts an entry before all others of its priority. */
  unshift(entry: T): void {
    this.#line(entry.priority).unshift(entry)
    this.#size++
  }

  /** One of those that `shift` may take: by age the oldest. */
  peek(): T | undefined {
    for (let line = this.#firstLine(); line !== undefined; line = this.#firstLine()) {
      const entry = line.peek() as T
      if (entry.isReady) return entry
      line.drop()
      this.#size--
    }
    return undefined
  }

  shift(): T | undefined {
    for (let line = this.#firstLine(); line !== undefined; line = this.#firstLine()) {
      const entry = line.shift() as T
      this.#size--
      if (entry.isReady) return entry
    }
    return undefined
  }

  /** The first line that is not empty. */
  #firstLine(): Line<T> | undefined {
    const lines = this.#lines
    while (lines.length > 1 && lines[0]?.isEmpty) lines.shift()
    return lines[0]?.isEmpty === false ? lines[0] : undefined
  }

  #line(priority: number): Line<T> {
    const lines = this.#lines
    if (lines.length > 0 && lines[0]?.priority === priority) return lines[0]
    const i = this.#place(priority)
    const known = lines[i]
    if (known?.priority === priority) return known
    const line = this.#random === undefined ? new OrderedLine<T>(priority) : new RandomLine<T>(priority, this.#random)
    lines.splice(i, 0, line)
    return line
  }

  /** Where the line of a priority is, or belongs. */
  #place(priority: number): number {
    let [low, high] = [0, this.#lines.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#lines[middle] as Line<T>).priority > priority) low = middle + 1
      else high = middle
    }
    return low
  }
}
