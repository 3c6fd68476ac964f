import type { Clock } from '../clock.ts'
import {
  type DependencyError,
  type ExecutorShutdownError,
  type TaskName,
  TimeoutError,
  withoutStack,
} from '../errors.ts'
import type { AnyBody, ExecutorLike, ReadyCall, RemoteCall, RemoteRun, Slot } from '../executor/executor.ts'
import type { Queued } from '../executor/ready-queue.ts'
import { BaseFuture, cancelledError, type Dependent } from '../future/future.ts'
import {
  BLOCKED,
  CANCELLED,
  checkStep,
  FAILED,
  isFinal,
  READY,
  RUNNING,
  type State,
  SUCCEEDED,
  WAITING,
} from '../future/state.ts'
import { isThenable } from '../future/task-future.ts'
import type { TaskInfo } from '../record/record.ts'
import type { TaskSpec } from '../task/task.ts'
import type { RetryPolicy } from '../task/task-options.ts'
import { isLazy, type LazyPositions } from '../transformer/lazy.ts'
import { Moved } from '../transformer/moved.ts'
import type { Encoded } from '../worker/packet.ts'
import { copyBeside, fillIn, findFutures, futuresIn, type Search } from './arguments.ts'
import { Attempt, type Handle } from './attempt.ts'
import type { Chunk } from './chunk.ts'
import { dependencyError } from './dependency-error.ts'
import { fillOutcomes } from './fill.ts'
import { Join } from './join.ts'
import type { Share } from './limits.ts'
import { submitTo } from './outlet.ts'
import { Parcel } from './parcel.ts'
import { type ParentKeys, parentKeys } from './parents.ts'
import { withAttempt, withHistory } from './past-attempts.ts'
import { StepFuture } from './references.ts'
import { mayRetry, retryDelay } from './retry.ts'
import { closesRing, ringError } from './rings.ts'
import type { Plan } from './scheduler.ts'
import { NOT_YET, taskInfo } from './task-info.ts'

/** What few tasks need. */
interface Extras {
  /** The delay before the next attempt. */
  timer?: unknown
  /** The other elements of its chunk. */
  chunk?: Chunk | undefined
  /** The futures that its result consists of. */
  join?: Join | undefined
  /** What became of earlier attempts, and their times. */
  history?: readonly string[] | undefined
  queuedMs?: number
  runMs?: number
  /** What cancels it. */
  signal?: AbortSignal
  /** Its share is taken, and no attempt has it yet. */
  hasShare?: boolean
  /** Its arguments, where the engine has a data plane. */
  parcel?: Parcel
}

/**
 * One run of a task: the future, the call, the place in the queues and the edge of the graph in one object, so that a
 * million of them may wait.
 */
export class TaskRun extends BaseFuture<unknown> implements Dependent, ReadyCall, RemoteCall, Queued<TaskRun> {
  readonly plan: Plan
  /** Counts the tasks of the engine. */
  readonly seq: number
  /** As they were given; undefined once they are not needed any more. */
  args: unknown[] | undefined
  /** As they leave the process, where they do: the copy that was made of them. */
  #encoded: Encoded | undefined = undefined
  /** Where futures stand in the arguments. */
  #holders: readonly object[] | undefined = undefined
  #parents: ParentKeys = undefined
  /** Parents that are not done. */
  #waitingFor = 0
  attempts = 0
  attempt: Attempt | undefined = undefined
  /** In ms since the epoch, as all times here; those of an attempt are `NOT_YET` before it comes so far. */
  readonly submitTime: number
  #readyTime = NOT_YET
  startTime = NOT_YET
  #endTime = NOT_YET
  #receivedTime = NOT_YET
  #extras: Extras | undefined = undefined
  /** The unfinished tasks of the engine, as a list. */
  previous: TaskRun | undefined = undefined
  next: TaskRun | undefined = undefined
  nextReady: TaskRun | undefined = undefined

  constructor(plan: Plan, args: unknown[], seq: number) {
    super()
    this.plan = plan
    this.args = args
    this.seq = seq
    this.submitTime = plan.scheduler.clock.now()
  }

  override get id(): string {
    return this.plan.scheduler.toId(this.seq)
  }

  override get taskName(): string {
    return this.plan.spec.name
  }

  override get clock(): Clock {
    return this.plan.scheduler.clock
  }

  get share(): Share | undefined {
    return this.plan.share
  }

  get priority(): number {
    return this.plan.spec.priority
  }

  get isReady(): boolean {
    return this.state === READY
  }

  override get failurePath(): readonly TaskName[] {
    return this.state === BLOCKED ? (this.outcome as DependencyError).path : super.failurePath
  }

  override get failureCause(): unknown {
    return this.state === BLOCKED ? (this.outcome as DependencyError).cause : this.outcome
  }

  override running(): boolean {
    return this.state === RUNNING
  }

  /** Whether a future is that of a task, of whichever engine, or a view of it. */
  isTask(future: BaseFuture<unknown>): boolean {
    return future.origin instanceof TaskRun
  }

  // --- Before it runs

  /** Waits for the futures among its arguments, or is ready. */
  prepare(chunk?: Chunk): void {
    if (chunk !== undefined) this.#extra().chunk = chunk
    let search: Search | undefined
    try {
      search = this.#search()
    } catch (error) {
      this.plan.scheduler.emit('submitted', this)
      return this.settle(FAILED, error)
    }
    this.#holders = search?.holders
    this.plan.scheduler.emit('submitted', this)
    if (search === undefined) return this.#ship() ? this.#enqueue(this.submitTime) : undefined
    if (this.plan.outlet.shipping !== undefined && !this.#copyValues(search)) return
    this.#waitFor(search.futures)
  }

  /** What stands among the arguments in the place of values. Throws what reading them throws, or `TransformError`. */
  #search(): Search | undefined {
    const args = this.args as unknown[]
    const search = findFutures(args)
    if (search !== undefined) this.#parents = parentKeys(this.plan.scheduler, search.futures)
    const { references } = this.plan.scheduler
    if (references === undefined) return search
    const parcel = new Parcel(references, this.taskName, args)
    this.#extra().parcel = parcel
    try {
      return parcel.store(search)
    } catch (error) {
      for (const future of search?.futures ?? []) future.markObserved()
      throw error
    }
  }

  /** Waits until all of them are done, then it is ready. */
  #waitFor(futures: readonly BaseFuture<unknown>[]): void {
    let failed: BaseFuture<unknown> | undefined
    for (const future of futures) {
      future.markObserved()
      if (!future.done()) {
        this.#waitingFor++
        future.addDependent(this)
      } else if (this.#isFatal(future)) failed ??= future
    }
    if (failed !== undefined) this.#parentFailed(failed)
    else if (this.#waitingFor === 0) this.#becomeReady()
  }

  #isFatal(future: BaseFuture<unknown>): boolean {
    return future.state !== SUCCEEDED && (!this.plan.spec.isSettling || future instanceof StepFuture)
  }

  parentSettled(parent: BaseFuture<unknown>): void {
    if (isFinal(this.state)) return
    if (this.state === RUNNING) this.#joinedSettled(parent)
    else if (this.#isFatal(parent)) this.#parentFailed(parent)
    else if (--this.#waitingFor === 0) this.#becomeReady()
  }

  #parentFailed(parent: BaseFuture<unknown>): void {
    if (parent instanceof StepFuture) this.settle(FAILED, parent.outcome)
    else if (parent.state !== CANCELLED) this.settle(BLOCKED, dependencyError(this, parent))
    else {
      const cause = causeOf(parent.outcome)
      this.settle(
        CANCELLED,
        withoutStack(() => cancelledError(this.taskName, cause)),
      )
    }
  }

  #becomeReady(): void {
    const holders = this.#holders
    if (holders !== undefined) {
      const { scheduler, spec } = this.plan
      const { isSettling } = spec
      const steps = fillOutcomes(holders, {
        isSettling,
        references: scheduler.references,
        parcel: this.#extras?.parcel,
      })
      if (steps.length > 0) return this.#waitFor(steps)
      this.#holders = undefined
    }
    if (!this.#storeLate() && this.#ship()) this.#enqueue(this.clock.now())
  }

  /** Arguments that held futures may travel by reference too. @returns whether there is something to wait for, or it has failed */
  #storeLate(): boolean {
    const parcel = this.#extras?.parcel
    if (parcel === undefined) return false
    try {
      const steps = parcel.storeLate()
      if (steps.length === 0) return false
      this.#holders = [this.args as unknown[]]
      this.#waitFor(steps)
    } catch (error) {
      this.settle(FAILED, error)
    }
    return true
  }

  /** Copies the arguments into the form in which they leave the process, if they do. @returns false if they cannot */
  #ship(): boolean {
    const { outlet, spec } = this.plan
    if (outlet.shipping === undefined) return true
    try {
      this.#encoded = outlet.shipping.encode(spec, this.#extras?.parcel?.pack() ?? (this.args as unknown[]))
      this.args = undefined
      return true
    } catch (error) {
      this.settle(FAILED, error)
      return false
    }
  }

  /** Copies the values that stand beside futures: the caller may change his own while this waits. @returns false if they cannot leave */
  #copyValues({ futures, holders, copies }: Search): boolean {
    const { shipping } = this.plan.outlet
    try {
      shipping?.check(this.plan.spec)
      copyBeside(copies, (values) => shipping?.copy(values) ?? values)
      return true
    } catch (error) {
      for (const future of futures) future.markObserved()
      // Once more, for the path to what cannot travel.
      fillIn(holders, () => null)
      if (this.#ship()) this.settle(FAILED, error)
      return false
    }
  }

  #enqueue(now: number): void {
    this.#readyTime = now
    this.#step(READY)
    this.plan.scheduler.emit('ready', this)
    const chunk = this.#extras?.chunk
    if (chunk === undefined) this.plan.outlet.push(this)
    else chunk.arrive()
  }

  #step(to: State): void {
    checkStep(this, to)
    this.state = to
  }

  // --- While it runs

  runHere(slot: Slot, around?: (fn: AnyBody) => AnyBody): boolean {
    return this.begin(slot).callHere(around)
  }

  /** It is ready, and its executor is closed. */
  refuse(error: ExecutorShutdownError): void {
    this.settle(FAILED, error)
  }

  /** Has another executor run the body. */
  handOver(executor: ExecutorLike): void {
    const attempt = this.begin(undefined)
    attempt.withInput(undefined, (args) => {
      const future = submitTo(executor, attempt, this.plan.spec.fn, args)
      attempt.handle = future
      attempt.follow(future)
      return false
    })
  }

  /** The arguments for a body: values all of them. Throws, or rejects with, `TransformError`. */
  input(lazy: LazyPositions): readonly unknown[] | Promise<readonly unknown[]> {
    const parcel = this.#extras?.parcel
    if (parcel === undefined) return this.args as unknown[]
    return parcel.take({ name: this.taskName, lazy }, this.clock)
  }

  /** An attempt begins, here or in another executor. */
  begin(slot: Slot | undefined, remote?: Handle): Attempt {
    this.#step(RUNNING)
    this.attempts++
    this.startTime = this.clock.now()
    if (this.#extras?.hasShare === true) this.#extras.hasShare = false
    this.attempt = new Attempt(this, slot, remote)
    this.plan.scheduler.emit('started', this)
    return this.attempt
  }

  forEachRemote(visit: (call: RemoteCall) => void): void {
    if (this.plan.share !== undefined) this.#extra().hasShare = true
    visit(this)
  }

  get #isRemote(): boolean {
    return this.#encoded !== undefined
  }

  get spec(): TaskSpec {
    return this.plan.spec
  }

  get payload(): Encoded {
    return this.#encoded as Encoded
  }

  get mayRunAgain(): boolean {
    return this.plan.spec.retries !== undefined
  }

  leave(stop: Handle): RemoteRun {
    return this.begin(undefined, stop)
  }

  /** What a worker tells of the body: never before it left, nor after it came back. */
  ranElsewhere(attempt: Attempt, start: number, end: number): void {
    if (this.attempt !== attempt || isFinal(this.state)) return
    const now = this.clock.now()
    // Its clock may be a little ahead or behind.
    this.startTime = between(start, this.startTime, now)
    this.#endTime = between(end, this.startTime, now)
  }

  giveBackShare(): void {
    if (this.plan.share !== undefined) this.plan.scheduler.limits.giveBack(this.plan.share)
  }

  reclaimShare(goOn: () => void): void {
    if (this.plan.share === undefined) goOn()
    else this.plan.scheduler.limits.reclaim(this.plan.share, goOn)
  }

  attemptEnded(attempt: Attempt, isSuccess: boolean, outcome: unknown): void {
    // Not of interest any more: its time was up, or the task was cancelled.
    if (this.attempt !== attempt || isFinal(this.state)) return this.#discard(outcome)
    if (!this.#isRemote) this.#endTime = this.clock.now()
    if (isSuccess) this.#succeed(outcome)
    else if (attempt.isStop(outcome)) this.settle(CANCELLED, cancelledError(this.taskName, attempt.signal.reason))
    else if (attempt.wasCancelledThere) this.settle(CANCELLED, cancelledError(this.taskName, causeOf(outcome)))
    // Who cancelled it does not want another attempt.
    else if (attempt.isAborted) this.settle(FAILED, outcome)
    else this.#fail(outcome)
  }

  #discard(outcome: unknown): void {
    if (Moved.is(outcome) && outcome.left?.isNew === true) this.plan.scheduler.references?.discard(outcome.value)
  }

  timeUp(attempt: Attempt): void {
    if (this.attempt !== attempt || isFinal(this.state) || attempt.hasEnded) return
    this.#endTime = this.clock.now()
    const error = new TimeoutError(`Task ${this.taskName} (${this.id}) ran longer than ${this.plan.spec.timeout} ms`)
    this.attempt = undefined
    attempt.stop(error)
    attempt.abort(error)
    this.#fail(error)
  }

  /** A result that is a future, or an array with futures, is joined: the task ends when they do, and holds no slot. */
  #succeed(value: unknown): void {
    let join: Join | undefined
    try {
      join = Join.of(value)
    } catch (error) {
      return this.#fail(error)
    }
    if (join === undefined) return this.#leave(value)
    this.#extra().join = join
    if (closesRing(this, join.futures)) return this.settle(FAILED, ringError(this))
    for (const future of join.futures) {
      future.markObserved()
      if (future.done()) this.#joinedSettled(future)
      else future.addDependent(this)
    }
  }

  /** A value that is to travel by reference is left here, unless it was left by the worker. */
  #leave(value: unknown): void {
    const parcel = this.#extras?.parcel
    if (parcel === undefined && this.plan.spec.lazy === undefined) return this.settle(SUCCEEDED, value)
    try {
      const outcome = parcel === undefined ? this.#extracted(value) : this.#leaveWith(parcel, value)
      if (!isThenable(outcome)) return this.#left(outcome)
      outcome.then(
        (left) => this.#left(left),
        (error) => this.#failLate(error),
      )
    } catch (error) {
      this.#fail(error)
    }
  }

  #leaveWith(parcel: Parcel, value: unknown): unknown {
    return this.#isRemote ? parcel.arrived(value) : parcel.leave(value, this.clock)
  }

  /** Without a data plane a lazy value has nowhere to go but here. */
  #extracted(value: unknown): unknown {
    return isLazy(value) ? value.get() : value
  }

  #left(outcome: unknown): void {
    // It was cancelled meanwhile, and written down.
    if (isFinal(this.state)) return
    if (!this.#isRemote) this.#endTime = this.clock.now()
    this.#succeedBy(outcome)
  }

  /** It may have been cancelled meanwhile. */
  #failLate(error: unknown): void {
    if (!isFinal(this.state)) this.#fail(error)
  }

  #joinedSettled({ state, outcome }: BaseFuture<unknown>): void {
    const join = this.#extras?.join
    if (join === undefined || isFinal(this.state)) return
    if (state !== SUCCEEDED) this.settle(state === CANCELLED ? CANCELLED : FAILED, outcome)
    else if (join.countDown()) this.#succeedBy(join.value)
  }

  /** @param outcome - the value, or what refers to it */
  #succeedBy(outcome: unknown): void {
    this.#extras?.parcel?.countResult(outcome)
    this.settle(SUCCEEDED, outcome)
  }

  // --- Failure

  #fail(error: unknown): void {
    let failure = error
    try {
      const { retries } = this.plan.spec
      if (mayRetry(retries, this.attempts, error)) return this.#retry(retries, error)
    } catch (thrown) {
      failure = thrown
    }
    this.settle(FAILED, withHistory(failure, this.attempts, this.#extras?.history))
  }

  #retry(policy: RetryPolicy, error: unknown): void {
    const extras = this.#extra()
    extras.history = withAttempt(extras.history, this.attempts, error)
    extras.queuedMs = (extras.queuedMs ?? 0) + this.startTime - this.#readyTime
    extras.runMs = (extras.runMs ?? 0) + this.#endTime - this.startTime
    extras.chunk = undefined
    this.attempt = undefined
    this.#step(WAITING)
    this.plan.scheduler.emit('retried', this, error)
    this.#readyTime = this.startTime = this.#endTime = NOT_YET
    const delay = retryDelay(policy, this.attempts, this.plan.scheduler.random)
    if (delay === 0) this.#enqueue(this.clock.now())
    else {
      extras.timer = this.clock.setTimeout(() => {
        if (this.state === WAITING) this.#enqueue(this.clock.now())
      }, delay)
    }
  }

  // --- Its end

  override cancel(reason?: unknown): boolean {
    if (this.state === CANCELLED) return true
    if (isFinal(this.state)) return false
    if (this.state !== RUNNING || this.attempt?.hasEnded === true || this.attempt?.stop(reason) === true) {
      this.settle(CANCELLED, cancelledError(this.taskName, reason))
      return true
    }
    this.attempt?.abort(reason ?? cancelledError(this.taskName, undefined))
    return false
  }

  /** Cancels it as soon as the signal is aborted. */
  cancelWith(signal: AbortSignal): void {
    if (signal.aborted) {
      this.cancel(signal.reason)
      return
    }
    this.plan.scheduler.signals.add(signal, this)
    this.#extra().signal = signal
  }

  override settle(state: State, outcome: unknown): void {
    if (isFinal(this.state)) return
    checkStep(this, state)
    super.settle(state, outcome)
  }

  protected override onSettled(): void {
    const hasEndedNow = this.#endTime !== NOT_YET && this.#extras?.join === undefined && !this.#isRemote
    this.#receivedTime = hasEndedNow ? this.#endTime : this.clock.now()
    this.args = undefined
    // Not undefined: that it left the process is to be known.
    if (this.#isRemote) this.#encoded = ''
    this.#holders = undefined
    this.attempt = undefined
    if (this.#extras !== undefined) this.#letGo(this.#extras)
    this.plan.scheduler.settled(this)
  }

  #letGo(extras: Extras): void {
    if (extras.timer !== undefined) this.clock.clearTimeout(extras.timer)
    if (extras.signal !== undefined) this.plan.scheduler.signals.remove(extras.signal, this)
    if (extras.hasShare === true) this.giveBackShare()
    extras.parcel?.letGo(this.outcome)
    extras.join = extras.history = undefined
    const { chunk } = extras
    extras.chunk = undefined
    if (this.#readyTime === NOT_YET) chunk?.arrive()
  }

  protected override hasNews(): boolean {
    return this.observers !== undefined || this.plan.scheduler.wantsRecords
  }

  override deliver(): void {
    this.plan.scheduler.record(this)
    super.deliver()
  }

  override reportThrown(error: unknown): void {
    this.plan.scheduler.events.warn(`A done callback of ${this.taskName} threw`, error)
  }

  protected override onObserved(): void {
    if (this.state === FAILED || this.state === BLOCKED) this.plan.scheduler.unobserved.remove(this)
  }

  // --- What is known of it

  get parentKeys(): ParentKeys {
    return this.#parents
  }

  override waitsFor(): Iterable<BaseFuture<unknown>> {
    if (this.state !== RUNNING) return this.#waitingFor > 0 ? futuresIn(this.#holders ?? []) : []
    const { attempt } = this
    if (attempt === undefined || attempt.hasEnded) return this.#extras?.join?.futures ?? []
    // An engine behind this one has a run of its own for the call.
    return attempt.handle instanceof BaseFuture ? [attempt.handle, ...attempt.awaited] : attempt.awaited
  }

  override get info(): TaskInfo {
    const { queuedMs = 0, runMs = 0 } = this.#extras ?? {}
    return taskInfo(this, {
      ready: this.#readyTime,
      ended: this.#endTime,
      received: this.#receivedTime,
      isRemote: this.#isRemote,
      parcel: this.#extras?.parcel,
      pastQueuedMs: queuedMs,
      pastRunMs: runMs,
    })
  }

  #extra(): Extras {
    this.#extras ??= {}
    return this.#extras
  }
}

/** The reason of a cancellation; what is no error, or cannot be read, has none. */
function causeOf(error: unknown): unknown {
  try {
    return (error as Error | undefined)?.cause
  } catch {
    return undefined
  }
}

function between(time: number, earliest: number, latest: number): number {
  return Math.min(Math.max(time, earliest), latest)
}
