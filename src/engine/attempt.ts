import { CancelledError, isInstance } from '../errors.ts'
import type { AnyBody, RemoteRun, Slot, WorkerPlace } from '../executor/executor.ts'
import { BaseFuture } from '../future/future.ts'
import { isElsewhere, settledValue } from '../future/reference.ts'
import { SUCCEEDED } from '../future/state.ts'
import { isThenable } from '../future/task-future.ts'
import { wasCancelled } from '../future/values.ts'
import { enter, type HowLong, inside, type RunningBody, type TaskContext, taskClock } from '../task/task-context.ts'
import { type LazyPositions, lazyArguments } from '../transformer/lazy.ts'
import { closesRing, ringError } from './rings.ts'
import type { TaskRun } from './task-run.ts'

/** What stops a call in another executor. */
export interface Handle {
  cancel?(reason?: unknown): boolean
}

/** What few attempts need. */
interface Extras {
  timer?: unknown
  controller?: AbortController
  /** That the body was told to stop. */
  abort?: { readonly reason: unknown }
  context?: TaskContext
  /** What the body awaits now: one list for each wait, because it may await a future more than once. */
  waits?: Set<readonly BaseFuture<unknown>[]>
  /** How many of these are for futures of its own engine. */
  taskWaits?: number
  /** What goes on once slot and share are there again. */
  resuming?: (() => void)[] | undefined
}

/**
 * One execution of a body. It outlives its task's interest in it: a body whose time is up, or that was cancelled, keeps
 * its slot until it returns.
 */
export class Attempt implements RunningBody, RemoteRun {
  readonly run: TaskRun
  readonly number: number
  /** Undefined where another executor runs the body. */
  slot: Slot | undefined
  /** What another executor gave for the call. */
  handle: Handle | undefined
  /** Whether slot and share are there; not while they are lent. */
  #holds = true
  #hasEnded = false
  #extras: Extras | undefined = undefined

  /** @param remote - of an executor that sees to the time limit, since it knows when the body begins */
  constructor(run: TaskRun, slot: Slot | undefined, remote?: Handle) {
    this.run = run
    this.number = run.attempts
    this.slot = slot
    this.handle = remote
    const { timeout } = run.plan.spec
    if (timeout !== Infinity && remote === undefined)
      this.#extra().timer = run.clock.setTimeout(() => run.timeUp(this), timeout)
  }

  /** Calls the function in the context of its task. @returns whether the body has ended, and the slot was not lent */
  callHere(around?: (fn: AnyBody) => AnyBody): boolean {
    const { scheduler, spec } = this.run.plan
    if (scheduler.references === undefined) return this.#call(this.run.args as unknown[], around)
    return this.withInput(spec.lazy, (args) => this.#call(args, around))
  }

  /**
   * Goes on with the values of the arguments: at once, where they are there.
   * @returns what `goOn` does: whether the body has ended; false if the values are still to come
   */
  withInput(lazy: LazyPositions, goOn: (args: readonly unknown[]) => boolean): boolean {
    let input: readonly unknown[] | Promise<readonly unknown[]>
    try {
      input = this.run.input(lazy)
    } catch (error) {
      this.#end(false, error)
      return this.#holds
    }
    if (!isThenable(input)) return goOn(input)
    input.then(
      (args) => {
        // It may have been told to stop meanwhile.
        const { abort } = this.#extra()
        if (abort !== undefined) this.#endLater(false, abort.reason)
        else if (inside(this, () => goOn(args))) this.slot?.free()
      },
      (error) => this.#endLater(false, error),
    )
    return false
  }

  #call(given: readonly unknown[], around?: (fn: AnyBody) => AnyBody): boolean {
    const { body, lazy } = this.run.plan.spec
    const args = lazyArguments(given, lazy) as unknown[]
    enter(this)
    let result: unknown
    try {
      result =
        around === undefined
          ? body.fn.apply(body.owner, args)
          : around((...all) => body.fn.apply(body.owner, all as unknown[]))(...args)
      // A future, or an array of them, is joined: without the slot.
      if (!(result instanceof BaseFuture) && !Array.isArray(result) && isThenable(result)) {
        this.follow(result)
        return false
      }
    } catch (error) {
      this.#end(false, error)
      return this.#holds
    }
    this.#end(true, result)
    return this.#holds
  }

  /** Ends as the promise does, and frees the slot then. */
  follow(promise: PromiseLike<unknown>): void {
    if (promise instanceof BaseFuture) {
      // At once, because it may be searched for rings before a `then` would be called.
      promise.observe({ settled: ({ state, outcome }) => this.#endAs(state === SUCCEEDED, outcome) })
      return
    }
    const native = promise instanceof Promise ? promise : Promise.resolve(promise)
    native.then(
      (value) => this.#endLater(true, value),
      (error) => this.#endLater(false, error),
    )
  }

  /** References of another engine are of no use to this one. */
  #endAs(isSuccess: boolean, outcome: unknown): void {
    if (isElsewhere(outcome)) this.follow(Promise.resolve(settledValue(outcome)))
    else this.#endLater(isSuccess, outcome)
  }

  ended(isSuccess: boolean, outcome: unknown, start: number, end: number, place?: WorkerPlace): void {
    this.run.ranElsewhere(this, start, end, place)
    this.#end(isSuccess, outcome)
  }

  timeUp(place?: WorkerPlace): void {
    this.run.timeUp(this, place)
  }

  #endLater(isSuccess: boolean, outcome: unknown): void {
    const holds = this.#holds
    this.#end(isSuccess, outcome)
    if (holds) this.slot?.free()
  }

  #end(isSuccess: boolean, outcome: unknown): void {
    this.#release()
    this.run.attemptEnded(this, isSuccess, outcome)
  }

  #release(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    if (this.#extras?.timer !== undefined) this.run.clock.clearTimeout(this.#extras.timer)
    if (this.#holds) this.run.giveBackShare()
  }

  /** What the body awaits now. */
  get awaited(): readonly BaseFuture<unknown>[] {
    return [...(this.#extras?.waits ?? [])].flat()
  }

  get #isWaiting(): boolean {
    return (this.#extras?.taskWaits ?? 0) > 0
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** Has a foreign executor stop the call. @returns whether it did */
  stop(reason: unknown): boolean {
    try {
      if (this.handle?.cancel?.(reason) !== true) return false
    } catch {
      return false
    }
    // Whether its promise is ever settled is the executor's affair now.
    this.#release()
    return true
  }

  /** Tells the body to stop. */
  abort(reason: unknown): void {
    const extras = this.#extra()
    if (extras.abort !== undefined) return
    extras.abort = { reason }
    extras.controller?.abort(reason)
  }

  /** Whether an error means that the body stopped because it was told to. */
  isStop(error: unknown): boolean {
    const abort = this.#extras?.abort
    if (abort === undefined) return false
    if (error === abort.reason || isInstance(error, CancelledError)) return true
    try {
      const { name, cause } = (error ?? {}) as { name?: unknown; cause?: unknown }
      return cause === abort.reason || name === 'AbortError'
    } catch {
      // An error that cannot be read is some other failure.
      return false
    }
  }

  /** Whether the executor cancelled the call, of its own accord. */
  get wasCancelledThere(): boolean {
    return wasCancelled(this.handle)
  }

  /** Whether the body was told to stop. */
  get isAborted(): boolean {
    return this.#extras?.abort !== undefined
  }

  get signal(): AbortSignal {
    const extras = this.#extra()
    if (extras.controller === undefined) {
      // Made only when somebody asks: most tasks never do.
      extras.controller = new AbortController()
      if (extras.abort !== undefined) extras.controller.abort(extras.abort.reason)
    }
    return extras.controller.signal
  }

  get context(): TaskContext {
    const extras = this.#extra()
    extras.context ??= this.#makeContext()
    return extras.context
  }

  #makeContext(): TaskContext {
    const { run, number } = this
    const signal = (): AbortSignal => this.signal
    return {
      id: run.id,
      name: run.taskName,
      attempt: number,
      labels: run.plan.spec.labels ?? {},
      clock: taskClock(run.clock, signal),
      get signal() {
        return signal()
      },
    }
  }

  awaits(futures: Iterable<object>, howLong: HowLong = 'for all'): ((goOn: () => void) => void) | undefined {
    if (this.#hasEnded) return undefined
    const awaited: BaseFuture<unknown>[] = []
    let isForTask = false
    for (const future of futures) {
      if (!(future instanceof BaseFuture) || future.done()) continue
      awaited.push(future)
      isForTask ||= this.run.isTask(future)
      if (howLong !== 'for all' && awaited.length === 2) break
    }
    if (awaited.length === 0) return undefined
    // With two left, or a deadline, the wait may end although one of them never does.
    const isEndless = howLong === 'for all' || (howLong === 'for any' && awaited.length === 1)
    if (isEndless && closesRing(this.run, awaited)) throw ringError(this.run)
    const extras = this.#extra()
    extras.waits ??= new Set()
    if (isEndless) extras.waits.add(awaited)
    if (isForTask) this.#beginWait(extras)
    return (goOn) => {
      extras.waits?.delete(awaited)
      if (isForTask) this.#endWait(extras, goOn)
      else goOn()
    }
  }

  #beginWait(extras: Extras): void {
    extras.taskWaits = (extras.taskWaits ?? 0) + 1
    if (this.#holds) this.#lend()
  }

  #endWait(extras: Extras, goOn: () => void): void {
    extras.taskWaits = (extras.taskWaits ?? 1) - 1
    this.#goOn(goOn)
  }

  /** The body stands still: others may have its place. */
  #lend(): void {
    if (this.slot?.isScarce !== true && this.run.plan.share === undefined) return
    this.#holds = false
    this.run.giveBackShare()
    this.slot?.free()
  }

  #goOn(goOn: () => void): void {
    // While it awaits something else too, it goes on without a slot: it could be what others of its waits depend on.
    if (this.#holds || this.#hasEnded || this.#isWaiting) return goOn()
    // Two waits ended at once: one slot for both, since the body may need both to go on.
    const extras = this.#extra()
    if (extras.resuming !== undefined) {
      extras.resuming.push(goOn)
      return
    }
    extras.resuming = [goOn]
    this.run.reclaimShare(() => {
      if (this.slot === undefined) this.#resume(undefined)
      else this.slot.reclaim((slot) => this.#resume(slot))
    })
  }

  #resume(slot: Slot | undefined): void {
    this.slot = slot
    this.#holds = true
    const extras = this.#extra()
    const resuming = extras.resuming ?? []
    extras.resuming = undefined
    for (const goOn of resuming) goOn()
    if (this.#hasEnded || this.#isWaiting) this.#lend()
  }

  #extra(): Extras {
    this.#extras ??= {}
    return this.#extras
  }
}
