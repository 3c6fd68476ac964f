import { MAX_DELAY } from '../../clock.ts'
import { ConfigError } from '../../errors.ts'
import { type Check, isObject, oneOf } from '../../options.ts'
import { isTask, type Task } from '../../task/task.ts'

/** Options of pools of workers, be they threads or processes. */
export interface WorkerPoolOptions {
  /** How many workers there may be. They are started when there is work for them. @defaultValue the available parallelism */
  readonly maxWorkers?: number | undefined
  /** How many calls run at the same time in one worker: more than one is for tasks that wait for I/O. @defaultValue 1 */
  readonly concurrency?: number | undefined
  /** Milliseconds after which a worker ends that has nothing to do. One that is idle keeps no program alive. @defaultValue Infinity */
  readonly idleTimeout?: number | undefined
  /** After how many calls a worker is replaced by a new one. @defaultValue Infinity */
  readonly maxTasksPerWorker?: number | undefined
  /** Milliseconds that a body has to end in after its `timeout`, before its worker is replaced; and a worker after shutdown. A task may have its own. @defaultValue 1000 */
  readonly killAfter?: number | undefined
  /** Environment variables, besides those of this process; `undefined` removes one. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** Options of Node. @defaultValue those of this process that tell how modules are found and read (`--conditions`, `--enable-source-maps`, `--experimental-transform-types`) */
  readonly execArgv?: readonly string[] | undefined
  /** A task that each worker runs before all others. While it fails, no worker starts. */
  // biome-ignore lint/suspicious/noExplicitAny: a task of any type
  readonly initializer?: Task<any, unknown> | undefined
  /** The arguments of the initializer. */
  readonly initializerArgs?: readonly unknown[] | undefined
  /** A file that gets what tasks write to standard output and error, line by line with the name and the id of the task. */
  readonly outputFile?: string | undefined
}

const isCount = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 1
const isTime = (value: unknown): boolean =>
  value === Infinity || (typeof value === 'number' && value >= 0 && value <= MAX_DELAY)
const isStrings = (value: unknown): boolean => Array.isArray(value) && value.every((each) => typeof each === 'string')

export const aCommand: Check = oneOf(
  'a command as a list of strings',
  (value) => isStrings(value) && ((value as readonly string[])[0] ?? '') !== '',
)

export const POOL_CHECKS: Readonly<Record<keyof WorkerPoolOptions, Check>> = {
  maxWorkers: oneOf('a whole number of at least 1', isCount),
  concurrency: oneOf('a whole number of at least 1', isCount),
  idleTimeout: oneOf('milliseconds of at least 0', isTime),
  maxTasksPerWorker: oneOf('a whole number of at least 1', (value) => value === Infinity || isCount(value)),
  killAfter: oneOf('milliseconds of at least 0', isTime),
  env: oneOf('texts by name', (value) => isObject(value) && Object.values(value).every(isTextOrNothing)),
  execArgv: oneOf('a list of strings', isStrings),
  initializer: oneOf('a task', isTask),
  initializerArgs: oneOf('a list of arguments', (value) => Array.isArray(value)),
  outputFile: oneOf('the path of a file', (value) => typeof value === 'string' && value !== ''),
}

function isTextOrNothing(value: unknown): boolean {
  return value === undefined || typeof value === 'string'
}

/** Options of Node that a worker needs to find and read the same modules. Others, of a test runner or a debugger, would disturb it. */
const INHERITED = /^(--conditions|-C|--enable-source-maps|--experimental-transform-types|--preserve-symlinks)(=|$)/
const WITH_VALUE = new Set(['--conditions', '-C'])

export function inheritedExecArgv(execArgv: readonly string[]): string[] {
  return execArgv.filter((arg, i) => INHERITED.test(arg) || WITH_VALUE.has(execArgv[i - 1] ?? ''))
}

/** The environment of this process, with changes. */
export function environment(env: WorkerPoolOptions['env']): Record<string, string | undefined> {
  const all = { ...process.env, ...env }
  for (const [name, value] of Object.entries(all)) if (value === undefined) delete all[name]
  return all
}

export function checkPlatform(what: string): void {
  if (process.platform === 'win32')
    throw new ConfigError(`${what} needs descriptors that Windows lacks: use ThreadPoolExecutor there`)
}
