import { type Clock, systemClock } from '../clock.ts'
import { contain } from '../contain.ts'
import { CancelledError, type TaskName } from '../errors.ts'
import type { TaskInfo } from '../record/record.ts'
import { type Notice, notify } from '../turn.ts'
import { timeoutOf } from './deadline.ts'
import { isElsewhere, Reference, type Step, settledValue, walk } from './reference.ts'
import { CANCELLED, FAILED, isFinal, STATUS, type State, SUCCEEDED, WAITING } from './state.ts'
import { FUTURE, isThenable, type TaskFuture, type TimeoutOptions } from './task-future.ts'
import { exceptionOf, resultOf } from './waiter.ts'

/** What goes on at once when a future settles: children, views, joins. Never user code. */
export interface Dependent {
  parentSettled(parent: BaseFuture<unknown>): void
}

/** What is told in the next turn, after the record was written: promises and callbacks. */
export interface Observer {
  settled(future: BaseFuture<unknown>): void
}

/** Goes on with `parentSettled` of one dependent after the other, at any depth, without recursion. */
const propagating: BaseFuture<unknown>[] = []
let isPropagating = false

function propagate(future: BaseFuture<unknown>): void {
  propagating.push(future)
  if (isPropagating) return
  isPropagating = true
  try {
    // By index, because the list grows meanwhile.
    for (let i = 0; i < propagating.length; i++) (propagating[i] as BaseFuture<unknown>).tellDependents()
  } finally {
    // A clock of a user's that throws must not stop all engines for good.
    propagating.length = 0
    isPropagating = false
  }
}

/** All that futures share: an outcome that is settled once, those who depend on it, and those who await it. */
export abstract class BaseFuture<T> implements TaskFuture<T>, Notice {
  state: State = WAITING
  /** The value, or what it failed with. */
  outcome: unknown = undefined
  /** Whether somebody has asked for the outcome, or depends on it. */
  observed = false
  /** Whether the observers have been told; later ones are told at once. */
  announced = false
  /** The last search of arguments that met this future; see `arguments.ts`. */
  stamp = 0
  dependents: Dependent | Dependent[] | undefined = undefined
  observers: Observer | Observer[] | undefined = undefined

  get [FUTURE](): true {
    return true
  }

  abstract get info(): TaskInfo
  abstract cancel(reason?: unknown): boolean
  abstract running(): boolean
  /** The id of the task; empty where there is none. */
  abstract get id(): string
  /** What to call it in an error. */
  abstract get taskName(): string

  get clock(): Clock {
    return systemClock
  }

  /** What it stands for among parents: itself, or the origin of a view. */
  get origin(): BaseFuture<unknown> {
    return this
  }

  /** What it waits for now. */
  waitsFor(): Iterable<BaseFuture<unknown>> {
    return []
  }

  /** The path to the failure, for a child's `DependencyError`. */
  get failurePath(): readonly TaskName[] {
    return [{ id: this.origin.id, name: this.origin.taskName }]
  }

  /** What the root of the failure failed with. */
  get failureCause(): unknown {
    return this.outcome
  }

  done(): boolean {
    return isFinal(this.state)
  }

  cancelled(): boolean {
    return this.state === CANCELLED
  }

  /** The only way to an outcome. What has one keeps it. */
  settle(state: State, outcome: unknown): void {
    if (isFinal(this.state)) return
    this.state = state
    this.outcome = outcome
    this.onSettled()
    if (this.hasNews()) notify(this)
    else this.announced = true
    if (this.dependents !== undefined) propagate(this)
  }

  /** Book-keeping of the moment, before anybody else knows. */
  protected onSettled(): void {}

  /** Whether there is anybody to tell of the outcome. */
  protected hasNews(): boolean {
    return this.observers !== undefined
  }

  /** Tells the observers, in the order of registration. */
  deliver(): void {
    this.announced = true
    const { observers } = this
    this.observers = undefined
    if (observers === undefined) return
    if (Array.isArray(observers)) for (const observer of observers) observer.settled(this)
    else observers.settled(this)
  }

  tellDependents(): void {
    const { dependents } = this
    this.dependents = undefined
    if (Array.isArray(dependents)) for (const dependent of dependents) dependent.parentSettled(this)
    else dependents?.parentSettled(this)
  }

  /** Called once, when somebody first takes an interest in the outcome. */
  protected onObserved(): void {}

  markObserved(): void {
    if (this.observed) return
    this.observed = true
    this.onObserved()
  }

  addDependent(dependent: Dependent): void {
    const { dependents } = this
    if (dependents === undefined) this.dependents = dependent
    else if (Array.isArray(dependents)) dependents.push(dependent)
    else this.dependents = [dependents, dependent]
  }

  observe(observer: Observer): void {
    this.markObserved()
    if (this.announced) {
      observer.settled(this)
      return
    }
    const { observers } = this
    if (observers === undefined) this.observers = observer
    else if (Array.isArray(observers)) observers.push(observer)
    else this.observers = [observers, observer]
  }

  /** Takes back an `observe`. */
  unobserve(observer: Observer): void {
    const { observers } = this
    if (observers === observer) this.observers = undefined
    else if (Array.isArray(observers)) this.observers = observers.filter((other) => other !== observer)
  }

  // biome-ignore lint/suspicious/noThenProperty: a future can be awaited
  then<F = T, R = never>(
    onFulfilled?: ((value: T) => F | PromiseLike<F>) | null,
    onRejected?: ((reason: unknown) => R | PromiseLike<R>) | null,
  ): Promise<F | R> {
    return this.result().then(onFulfilled, onRejected)
  }

  catch<R = never>(onRejected?: ((reason: unknown) => R | PromiseLike<R>) | null): Promise<T | R> {
    return this.result().catch(onRejected)
  }

  finally(onFinally?: (() => void) | null): Promise<T> {
    return this.result().finally(onFinally)
  }

  result(options?: TimeoutOptions): Promise<T> {
    return resultOf(this, timeoutOf('result', options))
  }

  exception(options?: TimeoutOptions): Promise<unknown> {
    return exceptionOf(this, timeoutOf('exception', options))
  }

  addDoneCallback(fn: (future: TaskFuture<T>) => void): void {
    if (typeof fn !== 'function') throw new TypeError(`addDoneCallback takes a function, not ${typeof fn}`)
    const call = (): void =>
      contain(
        () => fn(this),
        (error) => this.reportThrown(error),
      )
    // At once, unless others that came before are still to be called.
    if (this.done() && this.observers === undefined) {
      this.markObserved()
      call()
    } else this.observe({ settled: call })
  }

  reportThrown(error: unknown): void {
    console.warn('A done callback threw:', error)
  }

  pick<K extends keyof T>(key: K): TaskFuture<T[K]> {
    return new PathView<T[K]>(this, ['pick', key]).attach()
  }

  at<E>(this: TaskFuture<readonly E[]>, index: number): TaskFuture<E> {
    if (!Number.isInteger(index)) throw new TypeError(`at takes a whole number, not ${String(index)}`)
    return new PathView<E>(this as unknown as BaseFuture<unknown>, ['at', index]).attach()
  }

  map<U>(fn: (value: T) => U): TaskFuture<Awaited<U>> {
    if (typeof fn !== 'function') throw new TypeError(`map takes a function, not ${typeof fn}`)
    return new MapView(this, fn as (value: unknown) => U).attach()
  }

  /** For who puts a future where its value was meant. */
  toString(): string {
    return `[a future of ${this.taskName}, not its value: await it, or pass it as it is to submit()]`
  }

  toJSON(): string {
    return this.toString()
  }

  [Symbol.toPrimitive](): string {
    return this.toString()
  }

  get [Symbol.toStringTag](): string {
    return 'TaskFuture'
  }
}

/** What Node prints: not the whole graph behind it. */
Object.defineProperty(BaseFuture.prototype, Symbol.for('nodejs.util.inspect.custom'), {
  value(this: BaseFuture<unknown>): string {
    return `TaskFuture { ${[this.taskName, this.id, STATUS[this.state]].filter((part) => part !== '').join(' ')} }`
  },
})

/** A future made from another one: as a parent it is transparent, and it fails and is cancelled with its source. */
abstract class View<T> extends BaseFuture<T> implements Dependent {
  readonly source: BaseFuture<unknown>
  /** Kept, rather than asked of the source: views of views may be any number deep. */
  readonly #origin: BaseFuture<unknown>

  constructor(source: BaseFuture<unknown>) {
    super()
    this.source = source
    this.#origin = source.origin
  }

  /** Apart from the constructor, because the view of a finished future reads at once. */
  attach(): this {
    if (this.source.done()) this.parentSettled(this.source)
    else this.source.addDependent(this)
    return this
  }

  /** What becomes of the value of the source. */
  protected abstract take(value: unknown): void

  parentSettled(source: BaseFuture<unknown>): void {
    if (source.state === SUCCEEDED) this.take(source.outcome)
    else this.settle(source.state, source.outcome)
  }

  override get info(): TaskInfo {
    return this.#origin.info
  }

  override get id(): string {
    return this.#origin.id
  }

  override get taskName(): string {
    return this.#origin.taskName
  }

  override get clock(): Clock {
    return this.#origin.clock
  }

  override get origin(): BaseFuture<unknown> {
    return this.#origin
  }

  override waitsFor(): Iterable<BaseFuture<unknown>> {
    return [this.source]
  }

  override get failurePath(): readonly TaskName[] {
    const failed = this.#whereItFailed()
    return failed instanceof View ? super.failurePath : failed.failurePath
  }

  override get failureCause(): unknown {
    const failed = this.#whereItFailed()
    return failed instanceof View ? this.outcome : failed.failureCause
  }

  /** The origin, unless that succeeded: then the first view that could not be made of it. */
  #whereItFailed(): BaseFuture<unknown> {
    let failed: BaseFuture<unknown> = this as BaseFuture<unknown>
    while (failed instanceof View && failed.source.state !== SUCCEEDED) failed = failed.source
    return failed
  }

  override cancel(reason?: unknown): boolean {
    return this.#origin.cancel(reason)
  }

  override running(): boolean {
    return this.#origin.running()
  }

  protected override onObserved(): void {
    this.#origin.markObserved()
  }

  override reportThrown(error: unknown): void {
    this.#origin.reportThrown(error)
  }
}

/** One property or element of the value of its source. */
class PathView<T> extends View<T> {
  readonly #step: Step

  constructor(source: BaseFuture<unknown>, step: Step) {
    super(source)
    this.#step = step
  }

  protected take(value: unknown): void {
    try {
      this.settle(SUCCEEDED, this.#take(value))
    } catch (error) {
      this.settle(FAILED, error)
    }
  }

  #take(value: unknown): unknown {
    // Taken where the value is.
    if (Reference.is(value)) return value.part(this.#step)
    if (value !== undefined && value !== null) return walk(value, [this.#step])
    throw new TypeError(`Cannot read ${String(this.#step[1])} of the value of ${this.taskName}, which is ${value}`)
  }
}

/** What a function makes of the value of its source. */
class MapView<U> extends View<Awaited<U>> {
  readonly fn: (value: unknown) => U

  constructor(source: BaseFuture<unknown>, fn: (value: unknown) => U) {
    super(source)
    this.fn = fn
  }

  protected take(value: unknown): void {
    if (!isElsewhere(value)) notify({ deliver: () => this.#call(value) })
    else
      Promise.resolve(settledValue(value)).then(
        (there) => this.#call(there),
        (error) => this.settle(FAILED, error),
      )
  }

  #call(value: unknown): void {
    try {
      const result = this.fn(value)
      if (!isThenable(result)) this.settle(SUCCEEDED, result)
      else {
        Promise.resolve(result).then(
          (resolved) => this.settle(SUCCEEDED, resolved),
          (error) => this.settle(FAILED, error),
        )
      }
    } catch (error) {
      this.settle(FAILED, error)
    }
  }
}

/** The error of a cancelled future. */
export function cancelledError(name: string, reason: unknown): CancelledError {
  return new CancelledError(`Task ${name} was cancelled`, reason === undefined ? undefined : { cause: reason })
}
