import type { Clock } from '../../src/index.ts'
import { quiet } from './quiet.ts'

interface Timer {
  readonly at: number
  readonly order: number
  readonly callback: () => void
}

/** A clock that moves only when a test says so: `new Engine({ clock })`. */
export class ManualClock implements Clock {
  /** What was asked of `setTimeout`, in order. */
  readonly delays: number[] = []
  readonly #timers: Set<Timer> = new Set()
  #now: number
  #count = 0

  constructor(start = 1_700_000_000_000) {
    this.#now = start
  }

  now(): number {
    return this.#now
  }

  setTimeout(callback: () => void, ms: number): unknown {
    this.delays.push(ms)
    const timer = { at: this.#now + ms, order: this.#count++, callback }
    this.#timers.add(timer)
    return timer
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as Timer)
  }

  /** How many timers have been set, and neither fired nor been forgotten. */
  get pending(): number {
    return this.#timers.size
  }

  /** Lets `ms` milliseconds pass: what is due is called at its time, and all that follows from it happens before the next. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await quiet()
    for (let timer = this.#next(end); timer !== undefined; timer = this.#next(end)) {
      this.#timers.delete(timer)
      this.#now = timer.at
      timer.callback()
      await quiet()
    }
    this.#now = end
  }

  /** Lets time pass until the next timer is due, if there is any. */
  async advanceToNext(): Promise<void> {
    const next = this.#next(Infinity)
    if (next !== undefined) await this.advance(next.at - this.#now)
  }

  #next(end: number): Timer | undefined {
    const due = [...this.#timers].filter((timer) => timer.at <= end)
    return due.sort((a, b) => a.at - b.at || a.order - b.order)[0]
  }
}
