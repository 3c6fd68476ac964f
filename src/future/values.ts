import { CancelledError, isInstance } from '../errors.ts'
import { exceptionInfo } from '../record/exception-info.ts'
import type { TaskInfo } from '../record/record.ts'
import { BaseFuture } from './future.ts'
import { CANCELLED, FAILED, isFinal, STATUS, SUCCEEDED } from './state.ts'
import { isFuture, type TaskFuture } from './task-future.ts'

/** A future that is no task's: a constant, or a promise among arguments. */
export class ValueFuture<T> extends BaseFuture<T> {
  readonly #since: number = this.clock.now()

  /** One that is done. */
  static of<T>(value: T): ValueFuture<T> {
    const future = new ValueFuture<T>()
    future.settle(SUCCEEDED, value)
    return future
  }

  /** One that has failed. */
  static failed(error: unknown): ValueFuture<never> {
    const future = new ValueFuture<never>()
    future.settle(FAILED, error)
    return future
  }

  /** One that takes over the outcome of a promise, a foreign thenable, or a future of another copy of this library. */
  static adopt(thenable: PromiseLike<unknown>): ValueFuture<unknown> {
    const future = new ValueFuture<unknown>()
    // The language's own resolution: it calls `then` later, once, and survives a thenable that misbehaves.
    Promise.resolve(thenable).then(
      (value) => future.settle(SUCCEEDED, value),
      (error) => {
        const isCancelled = isInstance(error, CancelledError) || wasCancelled(thenable)
        future.settle(isCancelled ? CANCELLED : FAILED, error)
      },
    )
    return future
  }

  override get id(): string {
    return ''
  }

  override get taskName(): string {
    return 'value'
  }

  override get info(): TaskInfo {
    const isDone = isFinal(this.state)
    return {
      taskId: '',
      name: this.taskName,
      parentTaskIds: [],
      submitTime: this.#since,
      receivedTime: isDone ? this.#since : null,
      success: isDone ? this.state === SUCCEEDED : null,
      exception: isDone && this.state !== SUCCEEDED ? exceptionInfo(this.outcome) : null,
      execution: null,
      status: STATUS[this.state] ?? 'waiting',
      attempts: 0,
      times: { waitingMs: 0, queuedMs: 0, transferMs: 0, runMs: 0 },
      executor: '',
      host: null,
      worker: null,
      labels: {},
      bytes: 0,
    }
  }

  /** Nothing to stop: a promise cannot be cancelled. */
  override cancel(): boolean {
    return this.cancelled()
  }

  override running(): boolean {
    return false
  }
}

/** Whether it is a future of another copy of this library, and cancelled. What carries the brand only may lack the method. */
export function wasCancelled(thenable: unknown): boolean {
  try {
    return isFuture(thenable) && thenable.cancelled()
  } catch {
    return false
  }
}

/** A future that is done: stands for `value` where a future is wanted. The value is not searched for futures. */
export function constant<T>(value: T): TaskFuture<T> {
  return ValueFuture.of(value)
}

/**
 * An argument in which futures are not searched, at any depth of the arguments: the task gets `value` itself, be it a
 * promise, a future or a large structure that is not worth the search. A constant does just that.
 */
export function opaque<T>(value: T): TaskFuture<T> {
  return constant(value)
}
