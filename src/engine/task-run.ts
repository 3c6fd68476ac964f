import { type ExecutorShutdownError, TimeoutError } from '../errors.ts'
import type {
  AnyBody,
  ExecutorLike,
  ReadyCall,
  RemoteCall,
  RemoteRun,
  Slot,
  WorkerPlace,
} from '../executor/executor.ts'
import type { Queued } from '../executor/ready-queue.ts'
import { BaseFuture, cancelledError } from '../future/future.ts'
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
import { futuresIn } from './arguments.ts'
import { Attempt, type Handle } from './attempt.ts'
import { Join } from './join.ts'
import type { Share } from './limits.ts'
import { submitTo } from './outlet.ts'
import type { Parcel } from './parcel.ts'
import type { ParentKeys } from './parents.ts'
import { withAttempt, withHistory } from './past-attempts.ts'
import { mayRetry, retryDelay } from './retry.ts'
import { closesRing, ringError } from './rings.ts'
import { NOT_YET, taskInfo } from './task-info.ts'
import { causeOf, type Extras, WaitingTask } from './waiting-task.ts'

/**
 * One run of a task: the future, the call, the place in the queues and the edge of the graph in one object, so that a
 * million of them may wait.
 */
export class TaskRun extends WaitingTask implements ReadyCall, RemoteCall, Queued<TaskRun> {
  attempts = 0
  attempt: Attempt | undefined = undefined
  /** Of an attempt: `NOT_YET` before it comes so far. */
  startTime = NOT_YET
  #endTime = NOT_YET
  #receivedTime = NOT_YET
  /** Where a worker ran it. */
  #place: WorkerPlace | undefined = undefined
  /** The unfinished tasks of the engine, as a list. */
  previous: TaskRun | undefined = undefined
  next: TaskRun | undefined = undefined
  nextReady: TaskRun | undefined = undefined

  get share(): Share | undefined {
    return this.plan.share
  }

  get priority(): number {
    return this.plan.spec.priority
  }

  get isReady(): boolean {
    return this.state === READY
  }

  override running(): boolean {
    return this.state === RUNNING
  }

  /** Whether a future is that of a task, of whichever engine, or a view of it. */
  isTask(future: BaseFuture<unknown>): boolean {
    return future.origin instanceof TaskRun
  }

  // --- While it runs

  override parentSettled(parent: BaseFuture<unknown>): void {
    if (this.state === RUNNING) this.#joinedSettled(parent)
    else super.parentSettled(parent)
  }

  protected override push(): void {
    this.plan.outlet.push(this)
  }

  protected override tell(event: 'submitted' | 'ready' | 'started'): void {
    this.plan.scheduler.emit(event, this)
  }

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
    const parcel = this.extras?.parcel
    if (parcel === undefined) return this.args as unknown[]
    return parcel.take({ name: this.taskName, lazy }, this.clock)
  }

  /** An attempt begins, here or in another executor. */
  begin(slot: Slot | undefined, remote?: Handle): Attempt {
    this.step(RUNNING)
    this.attempts++
    this.startTime = this.clock.now()
    if (this.extras?.hasShare === true) this.extras.hasShare = false
    this.attempt = new Attempt(this, slot, remote)
    this.tell('started')
    return this.attempt
  }

  forEachRemote(visit: (call: RemoteCall) => void): void {
    if (this.plan.share !== undefined) this.extra().hasShare = true
    visit(this)
  }

  get #isRemote(): boolean {
    return this.encoded !== undefined
  }

  get spec(): TaskSpec {
    return this.plan.spec
  }

  get payload(): Encoded {
    return this.encoded as Encoded
  }

  get mayRunAgain(): boolean {
    return this.plan.spec.retries !== undefined
  }

  leave(stop: Handle): RemoteRun {
    return this.begin(undefined, stop)
  }

  /** What a worker tells of the body: never before it left, nor after it came back. */
  ranElsewhere(attempt: Attempt, start: number, end: number, place: WorkerPlace | undefined): void {
    if (this.attempt !== attempt || isFinal(this.state)) return
    this.#place = place
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

  timeUp(attempt: Attempt, place?: WorkerPlace): void {
    if (this.attempt !== attempt || isFinal(this.state) || attempt.hasEnded) return
    this.#place = place
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
    this.extra().join = join
    if (closesRing(this, join.futures)) return this.settle(FAILED, ringError(this))
    for (const future of join.futures) {
      future.markObserved()
      if (future.done()) this.#joinedSettled(future)
      else future.addDependent(this)
    }
  }

  /** A value that is to travel by reference is left here, unless it was left by the worker. */
  #leave(value: unknown): void {
    const parcel = this.extras?.parcel
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
    const join = this.extras?.join
    if (join === undefined || isFinal(this.state)) return
    if (state !== SUCCEEDED) this.settle(state === CANCELLED ? CANCELLED : FAILED, outcome)
    else if (join.countDown()) this.#succeedBy(join.value)
  }

  /** @param outcome - the value, or what refers to it */
  #succeedBy(outcome: unknown): void {
    this.extras?.parcel?.countResult(outcome)
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
    this.settle(FAILED, withHistory(failure, this.attempts, this.extras?.history))
  }

  #retry(policy: RetryPolicy, error: unknown): void {
    const extras = this.extra()
    extras.history = withAttempt(extras.history, this.attempts, error)
    extras.queuedMs = (extras.queuedMs ?? 0) + this.startTime - this.readyTime
    extras.runMs = (extras.runMs ?? 0) + this.#endTime - this.startTime
    extras.chunk = undefined
    this.attempt = this.#place = undefined
    this.step(WAITING)
    this.plan.scheduler.emit('retried', this, error)
    this.readyTime = this.startTime = this.#endTime = NOT_YET
    const delay = retryDelay(policy, this.attempts, this.plan.scheduler.random)
    if (delay === 0) this.enqueue(this.clock.now())
    else {
      extras.timer = this.clock.setTimeout(() => {
        if (this.state === WAITING) this.enqueue(this.clock.now())
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
    this.extra().signal = signal
  }

  override settle(state: State, outcome: unknown): void {
    if (isFinal(this.state)) return
    checkStep(this, state)
    super.settle(state, outcome)
  }

  protected override onSettled(): void {
    const hasEndedNow = this.#endTime !== NOT_YET && this.extras?.join === undefined && !this.#isRemote
    this.#receivedTime = hasEndedNow ? this.#endTime : this.clock.now()
    this.args = undefined
    // Not undefined: that it left the process is to be known.
    if (this.#isRemote) this.encoded = ''
    this.holders = undefined
    this.attempt = undefined
    if (this.extras !== undefined) this.#letGo(this.extras)
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
    if (this.readyTime === NOT_YET) chunk?.arrive()
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
    return this.parents
  }

  override waitsFor(): Iterable<BaseFuture<unknown>> {
    if (this.state !== RUNNING) return this.waitingFor > 0 ? futuresIn(this.holders ?? []) : []
    const { attempt } = this
    if (attempt === undefined || attempt.hasEnded) return this.extras?.join?.futures ?? []
    // An engine behind this one has a run of its own for the call.
    return attempt.handle instanceof BaseFuture ? [attempt.handle, ...attempt.awaited] : attempt.awaited
  }

  override get info(): TaskInfo {
    const { queuedMs = 0, runMs = 0 } = this.extras ?? {}
    return taskInfo(this, {
      ready: this.readyTime,
      ended: this.#endTime,
      received: this.#receivedTime,
      isRemote: this.#isRemote,
      place: this.#place,
      parcel: this.extras?.parcel,
      pastQueuedMs: queuedMs,
      pastRunMs: runMs,
    })
  }
}

function between(time: number, earliest: number, latest: number): number {
  return Math.min(Math.max(time, earliest), latest)
}
