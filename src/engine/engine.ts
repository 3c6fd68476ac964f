import { ConfigError } from '../errors.ts'
import type { Executor, ExecutorLike, ShutdownOptions } from '../executor/executor.ts'
import { type FutureList, futureList } from '../future/future-list.ts'
import type { TaskFuture } from '../future/task-future.ts'
import type { Input, Inputs, Joined } from '../task/inputs.ts'
import { checkEngineOptions, type EngineOptions } from './engine-options.ts'
import type { EngineEvents } from './events.ts'
import type { Graph } from './history.ts'
import { Scheduler } from './scheduler.ts'
import { type StreamOptions, streamOf } from './stream.ts'

/**
 * Takes tasks, resolves what they depend on, and hands what is ready to executors. It is an executor itself.
 *
 * @example
 * ```ts
 * await using engine = new Engine()
 * const squares = engine.map(square, [1, 2, 3])
 * console.log(await engine.submit(sum, squares))
 * ```
 */
export class Engine implements Executor {
  readonly #scheduler: Scheduler

  /** @throws ConfigError for an unknown or wrong option */
  constructor(options: EngineOptions = {}) {
    checkEngineOptions(options)
    this.#scheduler = new Scheduler(options)
  }

  /** How many tasks have been submitted. */
  get tasksExecuted(): number {
    return this.#scheduler.submitted
  }

  /**
   * Runs a task as soon as the futures and promises among its arguments are done; never before this returns.
   * Whatever becomes of its parents is told by the future, never thrown here.
   * @throws TypeError for what is no function; ConfigError for an unknown executor or a weight above its limit
   */
  submit<A extends readonly unknown[], R>(task: (...args: A) => R, ...args: Inputs<A>): TaskFuture<Joined<R>> {
    return this.#scheduler.submit(task, args as unknown[]) as unknown as TaskFuture<Joined<R>>
  }

  /**
   * Runs a task once for each element, or each tuple of elements up to the end of the shortest iterable; futures may be
   * among them. All are submitted at once; the list keeps their order.
   */
  map<A extends readonly unknown[], R>(
    task: (...args: A) => R,
    ...iterables: { [I in keyof A]: Iterable<Input<A[I]>> }
  ): FutureList<Joined<R>> {
    return futureList(this.#scheduler.submitAll(task, iterables)) as unknown as FutureList<Joined<R>>
  }

  /**
   * The results of a task over a source, which may be endless: only a window of it is in flight. The first failure throws
   * and cancels the rest, as leaving the loop does.
   */
  stream<T, R>(
    task: (item: T) => R,
    source: Iterable<Input<T>> | AsyncIterable<Input<T>>,
    options: StreamOptions = {},
  ): AsyncIterableIterator<Joined<R>> {
    return streamOf(this.#scheduler, task, source, options) as AsyncIterableIterator<Joined<R>>
  }

  /** Listens to an event. What a listener throws is reported as a `warning`. */
  on<E extends keyof EngineEvents>(event: E, listener: EngineEvents[E]): this {
    this.#scheduler.events.add(event, listener, false)
    return this
  }

  /** Listens to an event once. */
  once<E extends keyof EngineEvents>(event: E, listener: EngineEvents[E]): this {
    this.#scheduler.events.add(event, listener, true)
    return this
  }

  /** Listens no more. */
  off<E extends keyof EngineEvents>(event: E, listener: EngineEvents[E]): this {
    this.#scheduler.events.remove(event, listener)
    return this
  }

  /** The unfinished tasks and the last finished ones, oldest first, with what they depend on. */
  graph(): Graph {
    return this.#scheduler.graph()
  }

  /**
   * Lets every submitted task end, then closes the executors and the record logger, whatever fails; rejects with what
   * failed there. A second call changes nothing.
   */
  shutdown(options: ShutdownOptions = {}): Promise<void> {
    return this.#scheduler.shutdown(options)
  }

  /** Shuts down, and waits. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown()
  }
}

/**
 * Gives any executor dependency resolution: futures may be among the arguments. It is an engine without anything else.
 */
export class FutureDependencyExecutor implements Executor {
  readonly #scheduler: Scheduler

  constructor(executor: ExecutorLike) {
    if (executor === undefined)
      throw new ConfigError('FutureDependencyExecutor takes an executor, with a submit method')
    checkEngineOptions({ executor })
    this.#scheduler = new Scheduler({ executor, history: 0 })
  }

  /** Like `Engine.submit`. */
  submit<A extends readonly unknown[], R>(fn: (...args: A) => R, ...args: Inputs<A>): TaskFuture<Joined<R>> {
    return this.#scheduler.submit(fn, args as unknown[]) as unknown as TaskFuture<Joined<R>>
  }

  /** Like `Engine.map`. */
  map<A extends readonly unknown[], R>(
    fn: (...args: A) => R,
    ...iterables: { [I in keyof A]: Iterable<Input<A[I]>> }
  ): FutureList<Joined<R>> {
    return futureList(this.#scheduler.submitAll(fn, iterables)) as unknown as FutureList<Joined<R>>
  }

  /** Like `Engine.shutdown`: closes the executor too. */
  shutdown(options: ShutdownOptions = {}): Promise<void> {
    return this.#scheduler.shutdown(options)
  }

  /** Shuts down, and waits. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown()
  }
}
