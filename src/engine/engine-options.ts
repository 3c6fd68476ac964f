import type { Clock } from '../clock.ts'
import { ConfigError } from '../errors.ts'
import type { ExecutorLike } from '../executor/executor.ts'
import type { Filter } from '../filter/filter.ts'
import { checkOptions, describe, isSignal } from '../options.ts'
import type { RecordLogger } from '../record/record.ts'
import type { Transformer } from '../transformer/transformer.ts'
import type { LimitsOptions } from './limits.ts'

/** Options of an engine. */
export interface EngineOptions {
  /** Where tasks run that name no executor. @defaultValue `new InProcessExecutor()` */
  readonly executor?: ExecutorLike | undefined
  /** Executors by the names that tasks use in their option `executor`. */
  readonly executors?: Readonly<Record<string, ExecutorLike>> | undefined
  /** What tasks with a label may use together: slots, or `{ perSecond }`. */
  readonly limits?: LimitsOptions | undefined
  /**
   * How values travel by reference: in their place goes an identifier, and whoever needs a value gets it by that. An object is stored
   * once while tasks need it, as it was when it was submitted first. It is closed with the engine, so each engine has one of its own.
   * @defaultValue they do not
   */
  readonly transformer?: Transformer | undefined
  /** Which values do, where there is a transformer. @defaultValue all */
  readonly filter?: Filter | undefined
  /** Gets the record of each task. @defaultValue none */
  readonly recordLogger?: RecordLogger | undefined
  /** How many finished tasks `graph()` remembers. @defaultValue 1000 */
  readonly history?: number | undefined
  /** Cancels all tasks when it is aborted. */
  readonly signal?: AbortSignal | undefined
  /** What time the engine goes by. @defaultValue the system's */
  readonly clock?: Clock | undefined
  /**
   * In which order tasks of one priority start: as they became ready, or by chance, which shows what a workflow silently
   * relies on. @defaultValue 'fifo'
   */
  readonly order?: 'fifo' | 'random' | undefined
  /** A source of chance from 0 to 1, for the jitter of retries and a random order. @defaultValue Math.random */
  readonly random?: (() => number) | undefined
}

const hasMethods = (value: unknown, ...methods: string[]): boolean =>
  ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
  methods.every((method) => typeof (value as Record<string, unknown>)[method] === 'function')

const CHECKS: Readonly<Record<keyof EngineOptions, (value: unknown) => string | undefined>> = {
  executor: (value) => (hasMethods(value, 'submit') ? undefined : 'an executor, with a submit method'),
  executors: (value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) ? undefined : 'executors by name',
  limits: (value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) ? undefined : 'limits by label',
  transformer: (value) =>
    hasMethods(value, 'isIdentifier', 'transform', 'resolve')
      ? undefined
      : 'a transformer, with the methods isIdentifier, transform and resolve',
  filter: (value) => (typeof value === 'function' ? undefined : 'a filter, which is a function'),
  recordLogger: (value) => (hasMethods(value, 'log') ? undefined : 'a record logger, with a log method'),
  history: (value) => (Number.isInteger(value) && (value as number) >= 0 ? undefined : 'a whole number of at least 0'),
  signal: (value) => (isSignal(value) ? undefined : 'an AbortSignal'),
  clock: (value) =>
    hasMethods(value, 'now', 'setTimeout', 'clearTimeout')
      ? undefined
      : 'a clock, with now, setTimeout and clearTimeout',
  order: (value) => (value === 'fifo' || value === 'random' ? undefined : "'fifo' or 'random'"),
  random: (value) => (typeof value === 'function' ? undefined : 'a function'),
}

export function checkEngineOptions(options: unknown): asserts options is EngineOptions {
  if (hasMethods(options, 'submit')) {
    throw new ConfigError('Engine takes options, not an executor in their place: new Engine({ executor })')
  }
  checkOptions('Engine', options, CHECKS)
  for (const [name, executor] of Object.entries((options as EngineOptions).executors ?? {})) {
    if (!hasMethods(executor, 'submit')) {
      throw new ConfigError(
        `Engine: executors.${name} takes an executor, with a submit method, not ${describe(executor)}`,
      )
    }
  }
}
