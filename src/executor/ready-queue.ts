/** What a {@link ReadyQueue} holds: the entry is its own list node, so that a place in the queue costs no memory. */
export interface Queued<Self> {
  readonly priority: number
  /** Whether it is still to run. Others, cancelled meanwhile, are passed over. */
  readonly isReady: boolean
  nextReady: Self | undefined
}

/** First in, first out, among entries of one priority. */
class Line<T extends Queued<T>> {
  readonly priority: number
  first: T | undefined
  last: T | undefined

  constructor(priority: number) {
    this.priority = priority
  }
}

/** A queue by priority, higher first, and by age; or, for tests, by chance among those of one priority. */
export class ReadyQueue<T extends Queued<T>> {
  /** By falling priority; there are seldom more than a few. */
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
    const line = this.#line(entry.priority)
    if (line.last === undefined) line.first = entry
    else line.last.nextReady = entry
    line.last = entry
    this.#size++
  }

  /** Puts an entry before all others of its priority. */
  unshift(entry: T): void {
    const line = this.#line(entry.priority)
    entry.nextReady = line.first
    line.first = entry
    line.last ??= entry
    this.#size++
  }

  /** The oldest of those that `shift` may take. */
  peek(): T | undefined {
    for (const line of this.#lines) {
      while (line.first !== undefined && !line.first.isReady) this.#dropFirst(line, line.first)
      if (line.first !== undefined) return line.first
    }
    return undefined
  }

  shift(): T | undefined {
    for (const line of this.#lines) {
      for (let first = line.first; first !== undefined; first = line.first) {
        if (this.#random !== undefined) this.#bringForward(line, this.#random)
        first = line.first as T
        this.#dropFirst(line, first)
        if (first.isReady) return first
      }
    }
    return undefined
  }

  #dropFirst(line: Line<T>, first: T): void {
    line.first = first.nextReady
    if (line.first === undefined) line.last = undefined
    first.nextReady = undefined
    this.#size--
  }

  /** Moves any one entry of the line to its head. */
  #bringForward(line: Line<T>, random: () => number): void {
    const entries: T[] = []
    for (let entry = line.first; entry !== undefined; entry = entry.nextReady) entries.push(entry)
    const i = Math.floor(random() * entries.length)
    const chosen = entries[i] as T
    if (i === 0) return
    ;(entries[i - 1] as T).nextReady = chosen.nextReady
    if (line.last === chosen) line.last = entries[i - 1]
    chosen.nextReady = line.first
    line.first = chosen
  }

  #line(priority: number): Line<T> {
    const lines = this.#lines
    let i = 0
    for (; i < lines.length; i++) {
      const line = lines[i] as Line<T>
      if (line.priority === priority) return line
      if (line.priority < priority) break
    }
    const line = new Line<T>(priority)
    lines.splice(i, 0, line)
    return line
  }
}
