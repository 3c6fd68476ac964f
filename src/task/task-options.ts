import { MAX_DELAY } from '../clock.ts'
import { ConfigError } from '../errors.ts'
import { type Check, checkOptions, isObject, isSignal, oneOf } from '../options.ts'

/** When and how often to try a task again that fails. Crashes and timeouts count as failures; cancellation and failed parents do not. */
export interface RetryOptions {
  /** How many attempts follow the first one. */
  readonly limit: number
  /** Milliseconds before the first retry. @defaultValue 0 */
  readonly delay?: number | undefined
  /** By what the delay is multiplied after each retry. @defaultValue 1 */
  readonly backoff?: number | undefined
  /** How much of each delay is left to chance, from 0 to 1. @defaultValue 0 */
  readonly jitter?: number | undefined
  /** Whether to try again; asked before each retry with the error and the number of the attempt that failed. What it throws is final. */
  readonly when?: ((error: unknown, attempt: number) => boolean) | undefined
}

/** What can be said of a call. */
export interface CallOptions {
  /** The executor to run on, by its name in the engine's `executors`. */
  readonly executor?: string | undefined
  /** What the engine's `limits` go by: a label, several, or weights by label (1 where none is given). */
  readonly labels?: string | readonly string[] | Readonly<Record<string, number>> | undefined
  /** Among tasks that are ready, higher goes first. @defaultValue 0 */
  readonly priority?: number | undefined
  /** Milliseconds for each attempt, from the start of its body. @defaultValue no limit */
  readonly timeout?: number | undefined
  /**
   * Milliseconds that a body in a worker has to end in after its time is up and its signal was aborted; then the worker is
   * replaced. @defaultValue that of the executor, 1000
   */
  readonly killAfter?: number | undefined
  /** How often, or how, to try again after a failure. @defaultValue 0 */
  readonly retries?: number | RetryOptions | undefined
  /** Cancels the task when it is aborted. */
  readonly signal?: AbortSignal | undefined
  /**
   * How many elements of a `map` run one after the other in one slot, or travel as one call. They start when all of them are
   * ready. @defaultValue 1
   */
  readonly chunkSize?: number | undefined
}

/** What can be said of a task. */
export interface TaskOptions extends CallOptions {
  /** What the task is called in records, errors and graphs. @defaultValue the name of the function */
  readonly name?: string | undefined
  /** The URL of the module that declares the task: `import.meta.url`. @defaultValue found from the call of `task()`, where possible */
  readonly module?: string | undefined
  /**
   * What becomes of this task when a parent fails or is cancelled: by default it never runs; with `'settle'` its
   * function gets a `PromiseSettledResult` in the place of each future.
   */
  readonly onParentFailure?: 'settle' | undefined
  /** The positions of the parameters that the function takes as `Lazy` values, or `true` for all. @defaultValue none */
  readonly lazy?: true | readonly number[] | undefined
}

const isNumber = (value: unknown, min: number, max = Infinity): boolean =>
  typeof value === 'number' && value >= min && value <= max
const isName = (value: unknown): boolean => typeof value === 'string' && value !== ''

const CALL_CHECKS: Readonly<Record<keyof CallOptions, Check>> = {
  executor: oneOf('the name of an executor', isName),
  labels: oneOf('a label, a list of labels, or weights above 0 by label', isLabels),
  priority: oneOf('a number', (value) => typeof value === 'number' && !Number.isNaN(value)),
  timeout: oneOf(
    'milliseconds above 0',
    (value) => value === Infinity || (isNumber(value, 0, MAX_DELAY) && value !== 0),
  ),
  killAfter: oneOf('milliseconds of at least 0', (value) => value === Infinity || isNumber(value, 0, MAX_DELAY)),
  retries: checkRetries,
  signal: oneOf('an AbortSignal', isSignal),
  chunkSize: oneOf('a whole number of at least 1', (value) => Number.isInteger(value) && isNumber(value, 1)),
}

const TASK_CHECKS: Readonly<Record<keyof TaskOptions, Check>> = {
  ...CALL_CHECKS,
  name: oneOf('a name', isName),
  module: oneOf('the URL of a module', isName),
  onParentFailure: oneOf("'settle'", (value) => value === 'settle'),
  lazy: oneOf(
    'true, or a list of positions',
    (value) => value === true || (Array.isArray(value) && value.every(isPosition)),
  ),
}

const RETRY_CHECKS: Readonly<Record<keyof RetryOptions, Check>> = {
  limit: oneOf('a whole number of at least 0', isCount),
  delay: oneOf('milliseconds of at least 0', (value) => isNumber(value, 0, MAX_DELAY)),
  backoff: oneOf('a factor of at least 0', (value) => isNumber(value, 0, Number.MAX_VALUE)),
  jitter: oneOf('a number from 0 to 1', (value) => isNumber(value, 0, 1)),
  when: oneOf('a function', (value) => typeof value === 'function'),
}

function isPosition(value: unknown): boolean {
  return Number.isInteger(value) && isNumber(value, 0)
}

function isCount(value: unknown): boolean {
  return value === Infinity || (Number.isInteger(value) && isNumber(value, 0))
}

function isLabels(value: unknown): boolean {
  if (typeof value === 'string') return value !== ''
  if (Array.isArray(value)) return value.every(isName)
  return (
    isObject(value) &&
    Object.entries(value).every(
      ([label, weight]) => label !== '' && weight !== 0 && isNumber(weight, 0, Number.MAX_VALUE),
    )
  )
}

function checkRetries(value: unknown): string | undefined {
  if (typeof value === 'number') return isCount(value) ? undefined : 'a whole number of at least 0'
  if (!isObject(value) || !('limit' in value)) return 'a number, or { limit, delay, backoff, jitter, when }'
  checkOptions('retries', value, RETRY_CHECKS)
  return undefined
}

export function checkTaskOptions(options: unknown): asserts options is TaskOptions {
  checkOptions('task', options, TASK_CHECKS)
}

export function checkCallOptions(options: unknown): asserts options is CallOptions {
  if (isObject(options) && options.onParentFailure !== undefined) {
    throw new ConfigError(
      'with cannot set onParentFailure: it changes what the function is given, so declare it with task()',
    )
  }
  checkOptions('with', options, { ...CALL_CHECKS })
}

/** Labels in the one form that the engine goes by. */
export function labelWeights(labels: TaskOptions['labels']): Readonly<Record<string, number>> | undefined {
  if (labels === undefined) return undefined
  if (typeof labels === 'string') return { [labels]: 1 }
  if (Array.isArray(labels)) return Object.fromEntries(labels.map((label: string) => [label, 1]))
  return { ...(labels as Readonly<Record<string, number>>) }
}

/** Retries with their defaults. */
export interface RetryPolicy {
  readonly limit: number
  readonly delay: number
  readonly backoff: number
  readonly jitter: number
  readonly when: RetryOptions['when']
}

export function retryPolicy(retries: TaskOptions['retries']): RetryPolicy | undefined {
  const {
    limit,
    delay = 0,
    backoff = 1,
    jitter = 0,
    when,
  } = typeof retries === 'object' ? retries : { limit: retries ?? 0 }
  return limit === 0 ? undefined : { limit, delay, backoff, jitter, when }
}
