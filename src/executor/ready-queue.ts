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

/** A queue by priority, higher first, and by age. */
export class ReadyQueue<T extends Queued<T>> {
  /** By falling priority; there are seldom more than a few. */
  readonly #lines: Line<T>[] = []
  #size = 0

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

  /** The entry that `shift` would take. */
  peek(): T | undefined {
    for (const line of this.#lines) {
      while (line.first !== undefined && !line.first.isReady) this.#drop(line, line.first)
      if (line.first !== undefined) return line.first
    }
    return undefined
  }

  shift(): T | undefined {
    for (const line of this.#lines) {
      for (let first = line.first; first !== undefined; first = line.first) {
        this.#drop(line, first)
        if (first.isReady) return first
      }
    }
    return undefined
  }

  #drop(line: Line<T>, first: T): void {
    line.first = first.nextReady
    if (line.first === undefined) line.last = undefined
    first.nextReady = undefined
    this.#size--
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
