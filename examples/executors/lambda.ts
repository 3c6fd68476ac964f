import type { Executor } from 'taps-sdk'

/** Runs calls in this process, in whatever way a function does: with a limiter, behind a lock, one after the other. */
export function lambdaExecutor(run: (call: () => unknown) => PromiseLike<unknown>): Executor {
  return {
    submit: (fn, ...args) => run(() => fn(...args)) as PromiseLike<never>,
  }
}
