/** What the tests of futures and engines share. */
import type { Executor } from '../../src/index.ts'

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
