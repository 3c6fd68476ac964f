import { checkOptions } from '../options.ts'
import type { Joined } from '../task/inputs.ts'
import type { TaskSpec } from '../task/task.ts'
import type { Given, PlaneRecipe } from '../transformer/data-plane.ts'
import type { Encoded } from '../worker/packet.ts'

/** How to shut down. */
export interface ShutdownOptions {
  /** Wait until everything has ended. @defaultValue true */
  readonly wait?: boolean | undefined
  /** Cancel what has not started. @defaultValue false */
  readonly cancelFutures?: boolean | undefined
}

const aBoolean = (value: unknown): string | undefined => (typeof value === 'boolean' ? undefined : 'true or false')

/** @throws ConfigError for an unknown or wrong option */
export function checkShutdownOptions(options: unknown): asserts options is ShutdownOptions {
  checkOptions('shutdown', options, { wait: aBoolean, cancelFutures: aBoolean })
}

/** A promise; `cancel` is true only if the call will never run, or was stopped. */
export type ExecutorFuture<R> = PromiseLike<R> & { cancel?(reason?: unknown): boolean }

/** Runs calls whose arguments are all values: no futures reach it. This is all that a third party writes. */
export interface Executor {
  /**
   * Runs `fn(...args)` once, elsewhere or here, as soon as there is room.
   * - What the call throws comes back with its name, message, code and cause; in this process, as the same object.
   * - Throws only for wrong use of itself; all else, also a call after `shutdown`, rejects (`ExecutorShutdownError`).
   * - One that leaves the process sends `fn.ref` (see `Task`), and refuses a function that has none (`NotShippableError`).
   */
  submit<A extends readonly unknown[], R>(fn: (...args: A) => R, ...args: A): ExecutorFuture<Joined<R>>
  /** Waits for running calls and releases what it holds. Safe to call twice. */
  shutdown?(options?: ShutdownOptions): Promise<void>
}

/**
 * What an engine accepts as an executor: an {@link Executor}, or any pool with a `submit` like its own, whatever its types
 * say: `{ submit: (fn, ...args) => limit(() => fn(...args)) }`.
 */
export interface ExecutorLike {
  /** Runs `fn(...args)` once. */
  submit(fn: (...args: readonly unknown[]) => unknown, ...args: readonly unknown[]): PromiseLike<unknown>
  /** Waits for running calls and releases what it holds. */
  shutdown?(options?: ShutdownOptions): Promise<void>
}

/** A place for one body at a time. */
export interface Slot {
  /** Whether others wait for it when it is taken: if not, there is no use in lending it. */
  readonly isScarce: boolean
  /** The body has ended, or waits for a future. Another body may start, but not before the next turn. */
  free(): void
  /** A body that gave its slot away goes on: `granted` is called with a slot, before new bodies get one. */
  reclaim(granted: (slot: Slot) => void): void
}

/** A call for an executor that runs it in this process. */
export interface LocalCall {
  /**
   * Runs the body in this process.
   * @param around - replaces the function, for tests that inject faults
   * @returns whether it has ended already; if not, it calls `slot.free()` when it has, or when it waits
   */
  runHere(slot: Slot, around?: (fn: AnyBody) => AnyBody): boolean
}

/** One call, or several, for an executor that runs them elsewhere. */
export interface RemoteCalls {
  /** Visits each call that is to run elsewhere: one, or the elements of a chunk, which stay together. */
  forEachRemote(visit: (call: RemoteCall) => void): void
}

/** A call that is ready, as executors of this library take it: no promise and no closure per call. */
export interface ReadyCall extends LocalCall, RemoteCalls {}

/** A call that is to run elsewhere. */
export interface RemoteCall {
  readonly spec: TaskSpec
  readonly priority: number
  /** Counts the calls of its source; 0 where there is no task id. */
  readonly seq: number
  /** How many attempts there were; the one on its way counts. */
  readonly attempts: number
  /** Whether it is still to run: not cancelled meanwhile. */
  readonly isReady: boolean
  /** Cancels it. */
  cancel(reason?: unknown): boolean
  /** The arguments, as the executor's `encode` made them. */
  readonly payload: Encoded
  /** Whether its arguments may be needed again, for another attempt. */
  readonly mayRunAgain: boolean
  /**
   * It is on its way.
   * @param stop - takes it back, or tells it to stop: true if it will never run
   * @returns whom to tell what becomes of it
   */
  leave(stop: { cancel(reason?: unknown): boolean }): RemoteRun
}

/** Where a call runs: one object for all calls of a worker. */
export interface WorkerPlace {
  /** The machine. */
  readonly host: string
  /** The worker there: `process 4711`, `thread 3`. */
  readonly worker: string
}

/** What errors say of the place where it happened, where that is known. */
export function at(place: WorkerPlace | undefined): string {
  return place === undefined ? '' : ` (${place.worker} on ${place.host})`
}

/** Whom an executor tells what becomes of a call. */
export interface RemoteRun {
  /** Times of the body, in ms since the epoch. @param place - where it ran, if it did and that is known */
  ended(isSuccess: boolean, outcome: unknown, start: number, end: number, place?: WorkerPlace): void
  /** Its time is up. What it ends with is told all the same. */
  timeUp(place?: WorkerPlace): void
}

/** The function of a task, whatever its types. */
export type AnyBody = (...args: readonly unknown[]) => unknown

/** Who has calls: an engine, or an executor's own `submit`. It keeps them until they are taken. */
export interface CallSource<Call> {
  /** How many calls wait, at the most. */
  readonly size: number
  /** The next call by priority and age, of those whose limits allow it now. To be asked inside of a turn only. */
  take(): Call | undefined
}

/** Who has calls that run elsewhere. */
export interface RemoteSource extends CallSource<RemoteCalls> {
  /** Of the ids of its tasks; empty where they have none. */
  readonly idPrefix: string
  /** How workers make its data plane for themselves, where it has one. */
  readonly plane: PlaneRecipe | undefined
}

/** An engine, as executors of this library see it. */
export interface EngineSource extends CallSource<ReadyCall> {
  readonly idPrefix: string
  readonly plane: PlaneRecipe | undefined
}

/** Something to wake. */
export interface Waker {
  /** Whether it has been shut down, and takes nothing that becomes ready later. */
  readonly isClosed: boolean
  wake(): void
  /** How arguments leave the process; undefined where they stay. */
  readonly shipping?: Shipping | undefined
}

/** Copies what leaves the process. */
export interface Shipping {
  /** @throws NotShippableError for a function that cannot leave */
  check(spec: TaskSpec): void
  /** Arguments, in the form in which they leave. @throws NotShippableError for a function that cannot, SerializationError */
  encode(spec: TaskSpec, args: readonly unknown[] | Given): Encoded
  /** Values, as `encode` would copy them. @throws SerializationError */
  copy(values: readonly unknown[]): readonly unknown[]
}

/** The second, small interface of an executor: it takes the calls of an engine when it has room for them. */
type Connect = (source: EngineSource) => Waker

const CONNECT = Symbol('taps-sdk.connect')

/** Lets an executor take calls from engines: `connect` is given a source, and answers what to wake when that has calls. */
export function connectable(executor: Executor, connect: Connect): void {
  // By hand, so that no public type has it.
  Object.defineProperty(executor, CONNECT, { value: connect })
}

/** How an executor takes calls from engines; undefined for one that is only given them. */
export function connectOf(executor: ExecutorLike): Connect | undefined {
  return (executor as { [CONNECT]?: Connect })[CONNECT]
}
