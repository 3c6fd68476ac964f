import type { TaskInfo } from '../record/record.ts'

/** Marks a future, in every copy of this library that a program may have loaded. */
export const FUTURE: unique symbol = Symbol.for('taps-sdk.TaskFuture') as never

/** Marks a list or a dictionary of futures: can be awaited, but is a container first. */
export const FUTURE_CONTAINER: unique symbol = Symbol.for('taps-sdk.FutureContainer') as never

/** How long a call may wait. */
export interface TimeoutOptions {
  /** Milliseconds from the call; the default is no limit. */
  readonly timeout?: number | undefined
}

/**
 * The handle of one run of a task: awaitable, and an argument of other tasks. `submit` returns it; nobody constructs one.
 *
 * A failure that nobody observes never crashes the process: the engine reports it when it shuts down.
 */
export interface TaskFuture<T> extends PromiseLike<T> {
  /** The brand. */
  readonly [FUTURE]: true
  /** What is known of the task so far; complete once the future is done. */
  readonly info: TaskInfo
  /** Like `Promise.prototype.then`. */
  then<F = T, R = never>(
    onFulfilled?: ((value: T) => F | PromiseLike<F>) | null,
    onRejected?: ((reason: unknown) => R | PromiseLike<R>) | null,
  ): Promise<F | R>
  /** Like `Promise.prototype.catch`. */
  catch<R = never>(onRejected?: ((reason: unknown) => R | PromiseLike<R>) | null): Promise<T | R>
  /** Like `Promise.prototype.finally`. */
  finally(onFinally?: (() => void) | null): Promise<T>
  /** The value, once it is there. Rejects with what the task failed with, or with `TimeoutError`; the task itself goes on then. */
  result(options?: TimeoutOptions): Promise<T>
  /**
   * What the task failed with, or `undefined` if it succeeded.
   * Rejects with `CancelledError` if it was cancelled, with `TimeoutError` if it is not done in time.
   */
  exception(options?: TimeoutOptions): Promise<unknown>
  /**
   * True only if the task will never run, or was stopped. One that waits or is queued is cancelled at once, and its
   * children with it. One that runs gets its `AbortSignal` fired, and goes on as far as it likes: false.
   * @param reason - becomes the `cause` of the `CancelledError`, and the `reason` of the signal
   */
  cancel(reason?: unknown): boolean
  /** Whether it succeeded, failed or was cancelled. */
  done(): boolean
  /** Whether its body runs (or, behind a foreign executor, whether it was handed over). */
  running(): boolean
  /** Whether it was cancelled. */
  cancelled(): boolean
  /** Calls back with this future, once, when it is done; at once if it is. What `fn` throws is contained. */
  addDoneCallback(fn: (future: TaskFuture<T>) => void): void
  /** A view of one property of the value. It costs no task, fails as this future fails, and cancels it. */
  pick<K extends keyof T>(key: K): TaskFuture<T[K]>
  /** A view of one element of an array; negative indices count from the end. */
  at<E>(this: TaskFuture<readonly E[]>, index: number): TaskFuture<E>
  /** A view of what `fn` makes of the value: called once, in this process, not as a task. */
  map<U>(fn: (value: T) => U): TaskFuture<Awaited<U>>
}

/** Whether a value is a future, of whichever copy of this library. */
export function isFuture(value: unknown): value is TaskFuture<unknown> {
  return typeof value === 'object' && value !== null && hasMark(value, FUTURE)
}

/** Whether an object carries a mark of this library. One that refuses to be asked, as strict proxies do, carries none. */
export function hasMark(value: object, mark: symbol): boolean {
  try {
    return (value as Record<symbol, unknown>)[mark] === true
  } catch {
    return false
  }
}

/** Whether `await` would call a method of it. Throws what a getter named `then` throws. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  )
}
