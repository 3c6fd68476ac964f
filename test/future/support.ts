/** What the tests of futures and engines share. */
import type { Clock, Executor } from '../../src/index.ts'

/** A promise, and the functions that settle it. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (reason: unknown) => void
}

export function deferred<T = void>(): Deferred<T> {
  let resolve!: (value: T) => void
  let reject!: (reason: unknown) => void
  const promise = new Promise<T>((...settle) => {
    ;[resolve, reject] = settle
  })
  // Tests may reject it before anybody listens.
  promise.catch(() => {})
  return { promise, resolve, reject }
}

/** A clock on which time passes only in `advance`. */
export class ManualClock implements Clock {
  #now = 1_000_000
  readonly #timers = new Set<{ readonly callback: () => void; readonly at: number }>()

  /** How many timers are set: none may be left behind. */
  get timers(): number {
    return this.#timers.size
  }

  now(): number {
    return this.#now
  }

  setTimeout(callback: () => void, ms: number): unknown {
    const timer = { callback, at: this.#now + ms }
    this.#timers.add(timer)
    return timer
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as { callback: () => void; at: number })
  }

  advance(ms: number): void {
    this.#now += ms
    for (const timer of [...this.#timers].sort((a, b) => a.at - b.at)) {
      if (timer.at > this.#now || !this.#timers.delete(timer)) continue
      timer.callback()
    }
  }
}

/** The executor that a third party would write, with a list of what it was given. */
export function foreignExecutor(): Executor & { readonly calls: { readonly fn: unknown; readonly args: unknown[] }[] } {
  const calls: { fn: unknown; args: unknown[] }[] = []
  return {
    calls,
    submit(fn, ...args) {
      calls.push({ fn, args: [...args] })
      return Promise.resolve().then(() => fn(...args)) as never
    },
  }
}

/** What a promise or a future rejects with; throws if it does not. */
export async function reasonOf(promise: PromiseLike<unknown>): Promise<unknown> {
  let value: unknown
  try {
    value = await promise
  } catch (error) {
    return error
  }
  throw new Error(`Fulfilled with ${String(value)}, where a rejection was expected`)
}
