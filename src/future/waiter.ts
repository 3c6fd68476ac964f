import { TimeoutError } from '../errors.ts'
import { beginWait } from '../task/task-context.ts'
import type { BaseFuture, Observer } from './future.ts'
import { isElsewhere, settledValue } from './reference.ts'
import { CANCELLED, SUCCEEDED } from './state.ts'

/** The value of a future, or what it failed with as a rejection. */
export function resultOf<T>(future: BaseFuture<T>, timeout: number | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    new Waiter(resolve as (value: unknown) => void, reject, false).start(future, timeout)
  })
}

/** What a future failed with, as a value; a cancellation as a rejection. */
export function exceptionOf(future: BaseFuture<unknown>, timeout: number | undefined): Promise<unknown> {
  return new Promise((resolve, reject) => {
    new Waiter(resolve, reject, true).start(future, timeout)
  })
}

/** Settles a promise when a future is done, or its time is over. The slots of the body that waits go to others meanwhile. */
class Waiter implements Observer {
  readonly #resolve: (value: unknown) => void
  readonly #reject: (error: unknown) => void
  readonly #wantsError: boolean
  #resume: ((goOn: () => void) => void) | undefined = undefined
  #stopTimer: (() => void) | undefined = undefined
  /** The time was up while the value was fetched. */
  #isOver = false

  constructor(resolve: (value: unknown) => void, reject: (error: unknown) => void, wantsError: boolean) {
    this.#resolve = resolve
    this.#reject = reject
    this.#wantsError = wantsError
  }

  start(future: BaseFuture<unknown>, timeout: number | undefined): void {
    if (!future.done()) this.#resume = beginWait([future], timeout === undefined ? 'for all' : 'in time')
    // What is done may still have to be fetched.
    if (timeout !== undefined && !(future.done() && this.#isHere(future))) this.#startTimer(future, timeout)
    future.observe(this)
  }

  settled(future: BaseFuture<unknown>): void {
    if (this.#isHere(future)) {
      this.#stopTimer?.()
      // No function for those that nobody has to be granted a slot for: nearly all.
      if (this.#resume === undefined) this.#finish(future)
      else this.#resume(() => this.#finish(future))
      return
    }
    Promise.resolve(settledValue(future.outcome)).then(
      (value) => this.#fetched(() => this.#resolve(value)),
      (error) => this.#fetched(() => this.#reject(error)),
    )
  }

  /** Whether there is nothing to fetch. */
  #isHere({ state, outcome }: BaseFuture<unknown>): boolean {
    return this.#wantsError || state !== SUCCEEDED || !isElsewhere(outcome)
  }

  #fetched(finish: () => void): void {
    if (this.#isOver) return
    this.#stopTimer?.()
    this.#goOn(finish)
  }

  #goOn(finish: () => void): void {
    if (this.#resume === undefined) finish()
    else this.#resume(finish)
  }

  #finish({ state, outcome }: BaseFuture<unknown>): void {
    if (this.#wantsError ? state === CANCELLED : state !== SUCCEEDED) this.#reject(outcome)
    else this.#resolve(this.#wantsError && state === SUCCEEDED ? undefined : outcome)
  }

  #startTimer(future: BaseFuture<unknown>, timeout: number): void {
    const timer = future.clock.setTimeout(() => {
      future.unobserve(this)
      const giveUp = (): void => this.#reject(new TimeoutError(`${future.taskName} is not done after ${timeout} ms`))
      this.#isOver = true
      this.#goOn(giveUp)
    }, timeout)
    this.#stopTimer = () => future.clock.clearTimeout(timer)
  }
}
