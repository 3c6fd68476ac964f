import { type Clock, systemClock } from '../clock.ts'
import { ConfigError, ExecutorShutdownError } from '../errors.ts'
import { checkShutdownOptions, type ExecutorLike, type ShutdownOptions } from '../executor/executor.ts'
import { InProcessExecutor } from '../executor/in-process.ts'
import type { BaseFuture } from '../future/future.ts'
import { BLOCKED, CANCELLED, FAILED, STATUS } from '../future/state.ts'
import { ValueFuture } from '../future/values.ts'
import type { RecordLogger } from '../record/record.ts'
import { specOf, specOfHandedOver, type TaskSpec } from '../task/task.ts'
import { currentBody } from '../task/task-context.ts'
import { taskId } from '../task/task-id.ts'
import { notify } from '../turn.ts'
import { findFutures } from './arguments.ts'
import { Attempt } from './attempt.ts'
import { Chunk } from './chunk.ts'
import type { EngineOptions } from './engine-options.ts'
import { Events } from './events.ts'
import { type Graph, type GraphNode, graphNode, History } from './history.ts'
import { zip } from './iterables.ts'
import { Limits, type Share } from './limits.ts'
import { isHandedOver, Outlet } from './outlet.ts'
import { parentIds } from './parents.ts'
import { References } from './references.ts'
import { ringError } from './rings.ts'
import { Signals } from './signals.ts'
import { TaskRun } from './task-run.ts'
import { Unobserved } from './unobserved.ts'

/** The name of the executor that tasks run on that name none. */
const DEFAULT = 'default'

/** What is common to all calls of a task in an engine. */
export interface Plan {
  readonly scheduler: Scheduler
  readonly spec: TaskSpec
  readonly outlet: Outlet
  /** The limits that it comes under. */
  readonly share: Share | undefined
}

/** What is behind an `Engine` and a `FutureDependencyExecutor`: takes calls, resolves what they depend on, hands over what is ready. */
export class Scheduler {
  readonly clock: Clock
  readonly random: () => number
  readonly limits: Limits
  readonly events: Events = new Events()
  readonly unobserved: Unobserved = new Unobserved()
  readonly signals: Signals = new Signals()
  readonly #options: EngineOptions
  readonly #recordLogger: RecordLogger | undefined
  /** Its data plane; undefined without a transformer. */
  readonly references: References | undefined
  readonly #plans: WeakMap<TaskSpec, Plan> = new WeakMap()
  /** The plan used last: most calls are of the same task as the one before. */
  #lastPlan: Plan | undefined
  readonly #outlets: Map<string, Outlet> = new Map()
  readonly #default: Outlet
  readonly #history: History
  readonly idPrefix: string
  /** How many tasks have been submitted. */
  submitted = 0
  /** The unfinished tasks, oldest first. */
  #first: TaskRun | undefined
  #last: TaskRun | undefined
  #unfinished = 0
  #isClosed = false
  #closing: Promise<void> | undefined
  #onDrained: (() => void) | undefined
  #stopListening: (() => void) | undefined

  constructor(options: EngineOptions) {
    this.#options = options
    this.#recordLogger = options.recordLogger
    this.clock = options.clock ?? systemClock
    this.random = options.random ?? Math.random
    this.limits = new Limits(options.limits ?? {}, this.clock, () => this.#retryLimited())
    this.#history = new History(options.history ?? 1000)
    this.idPrefix = makePrefix(systemClock.now())
    this.references = this.#makeReferences(options)
    for (const [name, executor] of Object.entries(options.executors ?? {}))
      this.#outlets.set(name, this.#makeOutlet(name, executor))
    this.#default = this.#makeDefault(options.executor ?? new InProcessExecutor())
    if (options.signal !== undefined) this.#cancelWith(options.signal)
  }

  #makeReferences({ transformer, filter }: EngineOptions): References | undefined {
    if (transformer === undefined) return undefined
    return new References(transformer, filter, (message, error) => this.events.warn(message, error))
  }

  #makeOutlet(name: string, executor: ExecutorLike): Outlet {
    const random = this.#options.order === 'random' ? this.random : undefined
    return new Outlet(name, executor, this.idPrefix, this.limits, random, this.references)
  }

  /** An executor that is also named is one and the same outlet. */
  #makeDefault(executor: ExecutorLike): Outlet {
    for (const outlet of this.#outlets.values()) if (outlet.executor === executor) return outlet
    const outlet = this.#makeOutlet(DEFAULT, executor)
    if (!this.#outlets.has(DEFAULT)) this.#outlets.set(DEFAULT, outlet)
    return outlet
  }

  toId(key: number | string): string {
    return typeof key === 'string' ? key : taskId(this.idPrefix, key)
  }

  // --- Submitting

  submit(fn: unknown, args: unknown[]): BaseFuture<unknown> {
    const run = this.#accept(this.#planOf(fn), args)
    if (run instanceof TaskRun) this.#prepare(run)
    return run
  }

  /** One call for each tuple of elements, in chunks if the task says so. */
  submitAll(fn: unknown, iterables: readonly Iterable<unknown>[]): BaseFuture<unknown>[] {
    // Before the iterables are read: they may be endless.
    const plan = this.#planOf(fn)
    const runs = zip(iterables).map((args) => this.#accept(plan, args))
    const { chunkSize = 1 } = plan.spec.options
    for (let i = 0; i < runs.length; i += chunkSize) {
      const members = runs.slice(i, i + chunkSize).filter((run) => run instanceof TaskRun)
      const chunk = members.length > 1 ? new Chunk(members) : undefined
      for (const run of members) this.#prepare(run, chunk)
    }
    return runs
  }

  #planOf(fn: unknown): Plan {
    if (isHandedOver(fn, this)) return this.#planFor(specOfHandedOver(fn))
    if (this.#lastPlan !== undefined && this.#lastPlan.spec.fn === fn) return this.#lastPlan
    return this.#planFor(specOf(fn))
  }

  #planFor(spec: TaskSpec): Plan {
    let plan = this.#plans.get(spec)
    if (plan === undefined) {
      const share = spec.labels === undefined ? undefined : this.limits.share(spec.labels, spec.name)
      plan = { scheduler: this, spec, outlet: this.#outletOf(spec), share }
      this.#plans.set(spec, plan)
    }
    this.#lastPlan = plan
    return plan
  }

  #accept(plan: Plan, args: unknown[]): BaseFuture<unknown> {
    if (this.#isClosed) return refuse(args)
    const run = new TaskRun(plan, args, ++this.submitted)
    this.#link(run)
    return run
  }

  #prepare(run: TaskRun, chunk?: Chunk): void {
    run.prepare(chunk)
    const { signal } = run.plan.spec.options
    if (signal !== undefined && !run.done()) run.cancelWith(signal)
    if (this.#options.signal?.aborted) run.cancel(this.#options.signal.reason)
  }

  #outletOf({ options: { executor } }: TaskSpec): Outlet {
    if (executor === undefined) return this.#default
    const outlet = this.#outlets.get(executor)
    if (outlet !== undefined) return outlet
    throw new ConfigError(
      `There is no executor ${JSON.stringify(executor)}; there are ${[...this.#outlets.keys()].join(', ')}`,
    )
  }

  /** How many bodies the executor of a task runs at the same time, if it tells. */
  slotsOf(fn: unknown): number {
    const { executor } = this.#planOf(fn).outlet
    const { concurrency } = executor as { concurrency?: unknown }
    return typeof concurrency === 'number' ? concurrency : Infinity
  }

  #retryLimited(): void {
    for (const outlet of this.#outlets.values()) outlet.retryLimited()
    this.#default.retryLimited()
  }

  // --- Unfinished tasks

  #link(run: TaskRun): void {
    run.previous = this.#last
    if (this.#last === undefined) this.#first = run
    else this.#last.next = run
    this.#last = run
    this.#unfinished++
  }

  #unlink(run: TaskRun): void {
    const { previous, next } = run
    if (previous === undefined) this.#first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    run.previous = run.next = undefined
    this.#unfinished--
  }

  *#all(): Iterable<TaskRun> {
    for (let run = this.#first; run !== undefined; run = run.next) yield run
  }

  /** A task has its outcome. Nobody else knows yet. */
  settled(run: TaskRun): void {
    this.#unlink(run)
    this.#history.add(run.seq, run.taskName, run.state, run.parentKeys)
    if ((run.state === FAILED || run.state === BLOCKED) && !run.observed) this.unobserved.add(run)
    // It may have kept a label from those behind it.
    if (run.plan.share !== undefined && run.state === CANCELLED) this.#retryLimited()
    if (this.#unfinished === 0 && this.#onDrained !== undefined) this.#tellDrained()
  }

  cancelAll(reason: unknown, which: (run: TaskRun) => boolean): void {
    for (const run of [...this.#all()]) if (which(run)) run.cancel(reason)
  }

  #cancelWith(signal: AbortSignal): void {
    const abort = (): void => this.cancelAll(signal.reason, () => true)
    signal.addEventListener('abort', abort, { once: true })
    this.#stopListening = () => signal.removeEventListener('abort', abort)
  }

  // --- Telling

  /** Whether anybody wants to hear of each task that settles. */
  get wantsRecords(): boolean {
    return this.#recordLogger !== undefined || (this.events.inUse && this.events.has('settled'))
  }

  record(run: TaskRun): void {
    if (!this.wantsRecords) return
    const { info } = run
    const recordLogger = this.#recordLogger
    if (recordLogger !== undefined) this.events.contain('The record logger failed', () => recordLogger.log(info))
    this.events.emit('settled', info)
  }

  emit(event: 'submitted' | 'ready' | 'started' | 'retried', run: TaskRun, error?: unknown): void {
    if (!this.events.inUse || !this.events.has(event)) return
    const { info } = run
    notify({ deliver: () => this.events.emit(event as 'retried', info, error) })
  }

  graph(): Graph {
    const toId = (key: number | string): string => this.toId(key)
    const nodes: (GraphNode & { readonly seq: number })[] = this.#history.nodes(toId)
    for (const run of this.#all()) {
      nodes.push({
        seq: run.seq,
        ...graphNode(run.id, run.taskName, STATUS[run.state] ?? 'waiting', parentIds(run.parentKeys, toId)),
      })
    }
    nodes.sort((a, b) => a.seq - b.seq)
    return { nodes: nodes.map(({ seq: _, ...node }) => node) }
  }

  // --- The end

  shutdown(options: ShutdownOptions): Promise<void> {
    checkShutdownOptions(options)
    const { wait = true, cancelFutures = false } = options
    const body = currentBody()
    if (wait && body instanceof Attempt && !body.hasEnded && body.run.plan.scheduler === this)
      return Promise.reject(ringError(body.run))
    if (this.#closing === undefined) {
      this.#isClosed = cancelFutures || !wait
      this.#closing = this.#close(cancelFutures)
      if (!wait) this.#closing.catch((error) => this.events.warn('Closing failed', error))
    }
    return wait ? this.#closing : Promise.resolve()
  }

  async #close(cancelFutures: boolean): Promise<void> {
    if (cancelFutures) this.cancelAll(undefined, (run) => !run.running())
    await this.#drained()
    this.#isClosed = true
    this.#stopListening?.()
    this.limits.close()
    const failures: unknown[] = []
    const attempt = async (close: () => unknown): Promise<void> => {
      try {
        await close()
      } catch (error) {
        failures.push(error)
      }
    }
    for (const executor of this.#executors()) await attempt(() => executor.shutdown?.({ wait: true, cancelFutures }))
    await attempt(() => this.references?.close())
    await attempt(() => this.#recordLogger?.close?.())
    this.#reportUnobserved()
    if (failures.length === 1) throw failures[0]
    if (failures.length > 1) throw new AggregateError(failures, 'Several parts of the engine could not be closed')
  }

  #executors(): Set<ExecutorLike> {
    return new Set([this.#default, ...this.#outlets.values()].map(({ executor }) => executor))
  }

  async #drained(): Promise<void> {
    // Again and again, because callbacks of the last task may submit more.
    while (this.#unfinished > 0) {
      await new Promise<void>((resolve) => {
        this.#onDrained = resolve
      })
    }
  }

  #tellDrained(): void {
    const resolve = this.#onDrained as () => void
    this.#onDrained = undefined
    // After the record of the last task was written.
    notify({ deliver: resolve })
  }

  #reportUnobserved(): void {
    const { count, sample } = this.unobserved
    if (count === 0) return
    this.events.emit('unobserved', count, sample)
    const examples = sample
      .map(({ name, exception }) => `${name}: ${exception?.type}: ${exception?.message}`)
      .join('; ')
    const more = count > sample.length ? '; …' : ''
    console.warn(`taps-sdk: ${count} failed ${count === 1 ? 'task' : 'tasks'} that nobody awaited: ${examples}${more}`)
  }
}

/** Takes over the promises among the arguments all the same: their rejections must not crash the process. */
function refuse(args: unknown[]): BaseFuture<unknown> {
  try {
    findFutures(args)
  } catch {
    // What cannot be read is not used either.
  }
  return ValueFuture.failed(new ExecutorShutdownError())
}

/** Sorts by time; unique through chance. 16 characters in base 36. */
function makePrefix(now: number): string {
  const time = Math.floor(now).toString(36).padStart(9, '0')
  const chance = Math.floor(Math.random() * 36 ** 7)
  return time + chance.toString(36).padStart(7, '0')
}
