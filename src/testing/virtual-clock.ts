import type { Clock } from '../clock.ts'
import { checkOptions } from '../options.ts'

/** Options of {@link VirtualClock}. */
export interface VirtualClockOptions {
  /** What time it is at first: milliseconds since the epoch. @defaultValue 0 */
  readonly start?: number | undefined
  /**
   * Whether time jumps to the next timer by itself once everything that can happen now has happened; else it stands still
   * until `advance` is called. Real I/O is not waited for: what depends on it belongs on a clock that stands still.
   * @defaultValue true
   */
  readonly auto?: boolean | undefined
}

interface Timer {
  readonly due: number
  readonly callback: () => void
}

// Taken now, so that a test runner's fake timers do not stop the clock.
const { setImmediate, setTimeout } = globalThis as unknown as Record<string, ((fn: () => void) => unknown) | undefined>
const afterMicrotasks = (setImmediate ?? setTimeout) as (fn: () => void) => unknown

/** A clock without real time: minutes of delays and timeouts pass at once, and in a fixed order. */
export class VirtualClock implements Clock {
  #now: number
  readonly #isAuto: boolean
  /** In the order in which they are due; of the same time, in the order in which they were set. */
  readonly #timers: Timer[] = []
  #isScheduled = false

  constructor(options: VirtualClockOptions = {}) {
    checkOptions('VirtualClock', options, {
      start: (value) => (Number.isFinite(value) ? undefined : 'milliseconds since the epoch'),
      auto: (value) => (typeof value === 'boolean' ? undefined : 'true or false'),
    })
    this.#now = options.start ?? 0
    this.#isAuto = options.auto ?? true
  }

  /** Milliseconds since the epoch. */
  now(): number {
    return this.#now
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.length
  }

  /** Calls back when the time has come. */
  setTimeout(callback: () => void, ms: number): unknown {
    const timer = { due: this.#now + Math.max(0, ms), callback }
    const later = this.#timers.findIndex(({ due }) => due > timer.due)
    this.#timers.splice(later === -1 ? this.#timers.length : later, 0, timer)
    if (this.#isAuto) this.#schedule()
    return timer
  }

  /** Forgets a timer. */
  clearTimeout(timer: unknown): void {
    const i = this.#timers.indexOf(timer as Timer)
    if (i !== -1) this.#timers.splice(i, 1)
  }

  /** Lets `ms` milliseconds pass: each timer on the way fires at its time, and all that follows from it happens before the next. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await settled()
    for (let next = this.#timers[0]; next !== undefined && next.due <= end; next = this.#timers[0]) {
      this.#fireNext()
      await settled()
    }
    this.#now = end
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    afterMicrotasks(() => {
      this.#isScheduled = false
      this.#fireNext()
      if (this.#timers.length > 0) this.#schedule()
    })
  }

  #fireNext(): void {
    const timer = this.#timers.shift()
    if (timer === undefined) return
    this.#now = Math.max(this.#now, timer.due)
    timer.callback()
  }
}

/** After all microtasks, those that they start included. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    afterMicrotasks(resolve)
  })
}
