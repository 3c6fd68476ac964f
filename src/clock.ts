/** What time an engine goes by: the system's, or a virtual one in a test. */
export interface Clock {
  /** Milliseconds since the epoch, with fractions; never goes back. */
  now(): number
  /** Calls back once, after `ms` milliseconds at the earliest. */
  setTimeout(callback: () => void, ms: number): unknown
  /** Forgets a call that has not been made. */
  clearTimeout(timer: unknown): void
}

// Not Date.now: it can step back, and has no fractions. Looked up each time, as setTimeout is: fake timers replace both.
const origin: number = Date.now() - performance.now()

/** What `systemClock` told last: for those who need no more than an idea of the time, and ask often. */
export let lastReading: number = origin

/** The system's clock. */
export const systemClock: Clock = {
  now: () => {
    lastReading = origin + performance.now()
    return lastReading
  },
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
}

/** The longest delay that timers take, in ms; a longer one would fire at once. */
export const MAX_DELAY: number = 2 ** 31 - 1

/** Waits on a clock. Rejects with the signal's reason as soon as the signal is aborted. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    const abort = (): void => {
      clock.clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = clock.setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', abort, { once: true })
  })
}
