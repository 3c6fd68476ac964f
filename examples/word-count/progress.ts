/** Where progress is written: standard error, or a stand-in for it. */
export interface Screen {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  write(text: string): unknown
}

const BAR = 24
/** Milliseconds between two pictures on a terminal, and between two lines elsewhere. */
const PICTURE = 50
const LINE = 2_000
/** Elsewhere there is a line for each quarter, too. */
const STEP = 0.25

/** Shows how far a job is: on a terminal in one line that changes, elsewhere with a line every so often. */
export class Progress {
  readonly #screen: Screen
  readonly #total: number
  readonly #now: () => number
  #shownAt: number
  #shown = 0

  constructor(screen: Screen, total: number, now: () => number = () => performance.now()) {
    this.#screen = screen
    this.#total = total
    this.#now = now
    this.#shownAt = now()
  }

  update(done: number): void {
    const isTerminal = this.#screen.isTTY === true
    const now = this.#now()
    const isDue =
      done === this.#total ||
      now - this.#shownAt >= (isTerminal ? PICTURE : LINE) ||
      (!isTerminal && (done - this.#shown) / this.#total >= STEP)
    if (!isDue) return
    this.#shown = done
    this.#shownAt = now
    this.#screen.write(isTerminal ? `\r${this.#picture(done)}\x1b[K` : `${this.#line(done)}\n`)
  }

  /** Takes the line off the terminal, for what is written next. */
  end(): void {
    if (this.#screen.isTTY === true) this.#screen.write('\r\x1b[K')
  }

  #line(done: number): string {
    const percent = Math.floor((100 * done) / this.#total)
    return `${String(percent).padStart(3)} %  ${format(done)} of ${format(this.#total)} files`
  }

  #picture(done: number): string {
    const filled = Math.floor((BAR * done) / this.#total)
    const picture = `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)} ${this.#line(done)}`
    // A line that wraps could not be written over.
    return picture.slice(0, (this.#screen.columns ?? 80) - 1)
  }
}

function format(count: number): string {
  return count.toLocaleString('en')
}
