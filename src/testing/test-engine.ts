import { Engine } from '../engine/engine.ts'
import type { EngineOptions } from '../engine/engine-options.ts'
import {
  type AnyBody,
  connectable,
  connectOf,
  type EngineSource,
  type Executor,
  type ExecutorFuture,
  type ReadyCall,
  type ShutdownOptions,
  type Slot,
} from '../executor/executor.ts'
import { InProcessExecutor } from '../executor/in-process.ts'
import type { Joined } from '../task/inputs.ts'
import { type TaskContext, taskContext } from '../task/task-context.ts'
import type { TaskRef } from '../task/task-ref.ts'
import { type Fault, FaultInjector, type InjectedFaultInfo } from './faults.ts'
import { seededRandom } from './seeded-random.ts'
import { VirtualClock } from './virtual-clock.ts'

/** Options of {@link TestEngine}: those of an engine, but for what makes it repeatable. */
export interface TestEngineOptions
  extends Omit<EngineOptions, 'executor' | 'executors' | 'clock' | 'order' | 'random'> {
  /** Decides the order in which ready tasks start, jitter and faults. @defaultValue 1 */
  readonly seed?: number | undefined
  /** How many bodies may run at the same time. @defaultValue Infinity */
  readonly concurrency?: number | undefined
  /** The names of executors that tasks ask for; all of them are this one. */
  readonly executors?: readonly string[] | undefined
  /** What time it goes by. @defaultValue one that starts at 0 and advances by itself */
  readonly clock?: VirtualClock | undefined
  /** What goes wrong, and how often. @defaultValue nothing */
  readonly faults?: readonly Fault[] | undefined
}

/** An attempt of a task. */
export interface TestCall {
  /** The task id, as in the record. */
  readonly taskId: string
  /** The name of the task. */
  readonly name: string
  /** 1 for the first one. */
  readonly attempt: number
  /** What the body was given: values, no futures. */
  readonly args: readonly unknown[]
  /** On the engine's clock, in ms. */
  readonly time: number
}

/**
 * An engine for unit tests of workflows: the same seed gives the same run. Ready tasks start in an order left to chance, so
 * that what depends on the order shows; no real time passes; faults can be injected.
 *
 * @example
 * ```ts
 * await using engine = new TestEngine({ seed: 7, faults: [{ kind: 'fail', task: 'download', rate: 0.2 }] })
 * const report = await crawl(engine, urls)
 * expect(engine.callsOf(download)).toHaveLength(urls.length)
 * ```
 */
export class TestEngine extends Engine {
  /** The engine's clock: also `taskContext().clock`. */
  readonly clock: VirtualClock
  /** The seed, to be told when a test fails. */
  readonly seed: number
  readonly #calls: TestCall[]
  readonly #faults: FaultInjector

  constructor(options: TestEngineOptions = {}) {
    const { seed = 1, concurrency, executors = [], clock = new VirtualClock(), faults = [], ...rest } = options
    const injector = new FaultInjector(faults, seededRandom(seed + 1))
    const calls: TestCall[] = []
    const executor = new TestExecutor(concurrency, (fn) => (...args) => {
      calls.push(describeCall(taskContext(), args))
      return injector.around(fn)(...args)
    })
    super({
      ...rest,
      executor,
      executors: Object.fromEntries(executors.map((name) => [name, executor])),
      clock,
      order: 'random',
      random: seededRandom(seed),
    })
    this.clock = clock
    this.seed = seed
    this.#calls = calls
    this.#faults = injector
  }

  /** Every attempt so far, in the order in which they began. */
  get calls(): readonly TestCall[] {
    return this.#calls
  }

  /** The attempts of one task, by the task or its name. */
  callsOf(task: { readonly ref: TaskRef } | string): readonly TestCall[] {
    const name = typeof task === 'string' ? task : task.ref.name
    return this.#calls.filter((call) => call.name === name)
  }

  /** The faults that were injected so far. */
  get injectedFaults(): readonly InjectedFaultInfo[] {
    return this.#faults.injected
  }
}

function describeCall({ id, name, attempt, clock }: TaskContext, args: readonly unknown[]): TestCall {
  return { taskId: id, name, attempt, args: [...args], time: clock.now() }
}

/** Runs bodies in this process, each wrapped. */
class TestExecutor implements Executor {
  readonly #inner: InProcessExecutor

  constructor(concurrency: number | undefined, around: (fn: AnyBody) => AnyBody) {
    this.#inner = new InProcessExecutor({ concurrency })
    const connect = connectOf(this.#inner) as NonNullable<ReturnType<typeof connectOf>>
    connectable(this, (source) => connect(new WrappingSource(source, around)))
  }

  get concurrency(): number {
    return this.#inner.concurrency
  }

  submit<A extends readonly unknown[], R>(fn: (...args: A) => R, ...args: A): ExecutorFuture<Joined<R>> {
    return this.#inner.submit(fn, ...args)
  }

  shutdown(options?: ShutdownOptions): Promise<void> {
    return this.#inner.shutdown(options)
  }
}

class WrappingSource implements EngineSource {
  readonly #source: EngineSource
  readonly #around: (fn: AnyBody) => AnyBody

  constructor(source: EngineSource, around: (fn: AnyBody) => AnyBody) {
    this.#source = source
    this.#around = around
  }

  get size(): number {
    return this.#source.size
  }

  get idPrefix(): string {
    return this.#source.idPrefix
  }

  get plane(): EngineSource['plane'] {
    return this.#source.plane
  }

  take(): ReadyCall | undefined {
    const call = this.#source.take()
    if (call === undefined) return undefined
    return {
      runHere: (slot: Slot) => call.runHere(slot, this.#around),
      forEachRemote: (visit) => call.forEachRemote(visit),
    }
  }
}
