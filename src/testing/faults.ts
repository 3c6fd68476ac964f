import { ConfigError } from '../errors.ts'
import type { AnyBody } from '../executor/executor.ts'
import { checkOptions, describe } from '../options.ts'
import { isTask } from '../task/task.ts'
import { type TaskContext, taskContext } from '../task/task-context.ts'
import type { TaskRef } from '../task/task-ref.ts'

/** Which tasks a fault concerns: by the name of a task, a pattern, or whatever is asked of its context. */
export type TaskMatch = string | RegExp | { readonly ref: TaskRef } | ((context: TaskContext) => boolean)

/** A fault to inject. */
export interface Fault {
  /**
   * - `fail`: the attempt fails, and the body is not run
   * - `delay`: the body is run after `ms` milliseconds on the engine's clock
   * - `hang`: nothing happens until the task is cancelled or its time is up
   */
  readonly kind: 'fail' | 'delay' | 'hang'
  /** Which tasks it concerns. @defaultValue all */
  readonly task?: TaskMatch | undefined
  /** The share of attempts that it strikes, from 0 to 1. @defaultValue 1 */
  readonly rate?: number | undefined
  /** How often it strikes at the most. @defaultValue Infinity */
  readonly times?: number | undefined
  /** `fail`: what the attempt fails with. @defaultValue an {@link InjectedFault} */
  readonly error?: unknown
  /** `delay`: how long, in milliseconds. @defaultValue 1000 */
  readonly ms?: number | undefined
}

/** A fault that was injected. */
export interface InjectedFaultInfo {
  /** What was done to it. */
  readonly kind: Fault['kind']
  /** The task id, as in the record. */
  readonly taskId: string
  /** The name of the task. */
  readonly name: string
  /** 1 for the first attempt. */
  readonly attempt: number
}

/** What an attempt fails with that a fault of kind `fail` strikes. */
export class InjectedFault extends Error {
  /** The name of the class. */
  override readonly name = 'InjectedFault'
}

/** Strikes attempts with faults, by chance but repeatably, and writes down each one. */
export class FaultInjector {
  readonly injected: InjectedFaultInfo[] = []
  readonly #faults: readonly Fault[]
  readonly #strikes: number[]
  readonly #random: () => number

  constructor(faults: readonly Fault[], random: () => number) {
    if (!Array.isArray(faults)) throw new ConfigError(`faults takes a list of faults, not ${describe(faults)}`)
    faults.forEach(checkFault)
    this.#faults = faults
    this.#strikes = faults.map(() => 0)
    this.#random = random
  }

  /** The function to run in the place of `fn`; to be called in the context of the task. */
  around(fn: AnyBody): AnyBody {
    const context = taskContext()
    const fault = this.#strike(context)
    if (fault === undefined) return fn
    this.injected.push({ kind: fault.kind, taskId: context.id, name: context.name, attempt: context.attempt })
    return faulty(fault, fn, context)
  }

  #strike(context: TaskContext): Fault | undefined {
    return this.#faults.find((fault, i) => {
      const { rate = 1, times = Infinity } = fault
      if (!matches(fault.task, context) || (this.#strikes[i] as number) >= times) return false
      // A rate of 1 needs no chance: other faults keep theirs when one is added.
      if (rate < 1 && this.#random() >= rate) return false
      this.#strikes[i] = (this.#strikes[i] as number) + 1
      return true
    })
  }
}

function faulty(fault: Fault, fn: AnyBody, { name, signal, clock }: TaskContext): AnyBody {
  if (fault.kind === 'delay') {
    return async (...args) => {
      await clock.sleep(fault.ms ?? 1000)
      return fn(...args)
    }
  }
  if (fault.kind === 'hang') {
    return () =>
      new Promise((_, reject) => {
        if (signal.aborted) reject(signal.reason)
        signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      })
  }
  return () => {
    throw 'error' in fault ? fault.error : new InjectedFault(`An injected fault of ${name}`)
  }
}

function matches(match: TaskMatch | undefined, context: TaskContext): boolean {
  if (match === undefined) return true
  if (typeof match === 'string') return match === context.name
  if (match instanceof RegExp) return match.test(context.name)
  return isTask(match) ? match.ref.name === context.name : (match as (context: TaskContext) => boolean)(context)
}

function checkFault(fault: Fault, i: number): void {
  const share = (value: unknown): boolean => typeof value === 'number' && value >= 0 && value <= 1
  checkOptions(`faults[${i}]`, fault, {
    kind: (value) => (['fail', 'delay', 'hang'].includes(value as string) ? undefined : "'fail', 'delay' or 'hang'"),
    task: (value) =>
      typeof value === 'string' || typeof value === 'function' || value instanceof RegExp
        ? undefined
        : 'a task, a name, a pattern or a function',
    rate: (value) => (share(value) ? undefined : 'a number from 0 to 1'),
    times: (value) => (typeof value === 'number' && value >= 0 ? undefined : 'a number of at least 0'),
    error: () => undefined,
    ms: (value) => (typeof value === 'number' && value >= 0 ? undefined : 'milliseconds of at least 0'),
  })
  if (fault.kind === undefined)
    throw new ConfigError(`faults[${i}]: kind takes 'fail', 'delay' or 'hang', not undefined`)
}
