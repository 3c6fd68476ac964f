import type { Clock } from '../clock.ts'
import { type DependencyError, type TaskName, withoutStack } from '../errors.ts'
import { BaseFuture, cancelledError, type Dependent } from '../future/future.ts'
import { BLOCKED, CANCELLED, checkStep, FAILED, isFinal, READY, type State, SUCCEEDED } from '../future/state.ts'
import type { Encoded } from '../worker/packet.ts'
import { copyBeside, fillIn, findFutures, type Search } from './arguments.ts'
import type { Chunk } from './chunk.ts'
import { dependencyError } from './dependency-error.ts'
import { fillOutcomes } from './fill.ts'
import type { Join } from './join.ts'
import { Parcel } from './parcel.ts'
import { type ParentKeys, parentKeys } from './parents.ts'
import { StepFuture } from './references.ts'
import type { Plan } from './scheduler.ts'
import { NOT_YET } from './task-info.ts'

/** What few tasks need. */
export interface Extras {
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

/** A task before its body begins: waits for the futures among its arguments, and brings these into the form in which they are needed. */
export abstract class WaitingTask extends BaseFuture<unknown> implements Dependent {
  readonly plan: Plan
  /** Counts the tasks of the engine. */
  readonly seq: number
  /** As they were given; undefined once they are not needed any more. */
  args: unknown[] | undefined
  /** As they leave the process, where they do: the copy that was made of them. */
  protected encoded: Encoded | undefined = undefined
  /** Where futures stand in the arguments. */
  protected holders: readonly object[] | undefined = undefined
  protected parents: ParentKeys = undefined
  /** Parents that are not done. */
  protected waitingFor = 0
  /** In ms since the epoch, as all times here. */
  readonly submitTime: number
  /** `NOT_YET` before it is. */
  protected readyTime: number = NOT_YET
  protected extras: Extras | undefined = undefined

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

  override get failurePath(): readonly TaskName[] {
    return this.state === BLOCKED ? (this.outcome as DependencyError).path : super.failurePath
  }

  override get failureCause(): unknown {
    return this.state === BLOCKED ? (this.outcome as DependencyError).cause : this.outcome
  }

  /** It is ready, and has no chunk to wait for. */
  protected abstract push(): void

  /** Tells those who listen to the engine. */
  protected abstract tell(event: 'submitted' | 'ready'): void

  /** Waits for the futures among its arguments, or is ready. */
  prepare(chunk?: Chunk): void {
    if (chunk !== undefined) this.extra().chunk = chunk
    let search: Search | undefined
    try {
      search = this.#search()
    } catch (error) {
      this.tell('submitted')
      return this.settle(FAILED, error)
    }
    this.holders = search?.holders
    this.tell('submitted')
    if (search === undefined) return this.#ship() ? this.enqueue(this.submitTime) : undefined
    if (this.plan.outlet.shipping !== undefined && !this.#copyValues(search)) return
    this.#waitFor(search.futures)
  }

  /** What stands among the arguments in the place of values. Throws what reading them throws, or `TransformError`. */
  #search(): Search | undefined {
    const args = this.args as unknown[]
    const search = findFutures(args)
    if (search !== undefined) this.parents = parentKeys(this.plan.scheduler, search.futures)
    const { references } = this.plan.scheduler
    // Identifiers mean nothing to a function of another language: it is given the values.
    if (references === undefined || this.plan.spec.body.foreign !== undefined) return search
    const parcel = new Parcel(references, this.taskName, args)
    this.extra().parcel = parcel
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
        this.waitingFor++
        future.addDependent(this)
      } else if (this.#isFatal(future)) failed ??= future
    }
    if (failed !== undefined) this.#parentFailed(failed)
    else if (this.waitingFor === 0) this.#becomeReady()
  }

  #isFatal(future: BaseFuture<unknown>): boolean {
    return future.state !== SUCCEEDED && (!this.plan.spec.isSettling || future instanceof StepFuture)
  }

  parentSettled(parent: BaseFuture<unknown>): void {
    if (isFinal(this.state)) return
    if (this.#isFatal(parent)) this.#parentFailed(parent)
    else if (--this.waitingFor === 0) this.#becomeReady()
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
    const holders = this.holders
    if (holders !== undefined) {
      const { scheduler, spec } = this.plan
      const { isSettling } = spec
      const parcel = this.extras?.parcel
      const references = parcel === undefined ? undefined : scheduler.references
      const steps = fillOutcomes(holders, { isSettling, references, parcel })
      if (steps.length > 0) return this.#waitFor(steps)
      this.holders = undefined
    }
    if (!this.#storeLate() && this.#ship()) this.enqueue(this.clock.now())
  }

  /** Arguments that held futures may travel by reference too. @returns whether there is something to wait for, or it has failed */
  #storeLate(): boolean {
    const parcel = this.extras?.parcel
    if (parcel === undefined) return false
    try {
      const steps = parcel.storeLate()
      if (steps.length === 0) return false
      this.holders = [this.args as unknown[]]
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
      this.encoded = outlet.shipping.encode(spec, this.extras?.parcel?.pack() ?? (this.args as unknown[]))
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

  protected enqueue(now: number): void {
    this.readyTime = now
    this.step(READY)
    this.tell('ready')
    const chunk = this.extras?.chunk
    if (chunk === undefined) this.push()
    else chunk.arrive()
  }

  protected step(to: State): void {
    checkStep(this, to)
    this.state = to
  }

  protected extra(): Extras {
    this.extras ??= {}
    return this.extras
  }
}

/** The reason of a cancellation; what is no error, or cannot be read, has none. */
export function causeOf(error: unknown): unknown {
  try {
    return (error as Error | undefined)?.cause
  } catch {
    return undefined
  }
}
