import { POOL_CHECKS } from '../executor/pool/pool-options.ts'
import type { Check } from '../options.ts'
import { checkOptions, oneOf } from '../options.ts'
import { QUEUE_CHECKS, type QueueOptions } from './options.ts'

/** Options of {@link startWorker}. */
export interface QueueWorkerOptions extends QueueOptions {
  /** The modules with the tasks, and with the filters and transformers that these need: paths, URLs, or names of packages. Others are not imported, whatever the queue says. */
  readonly modules: readonly string[]
  /** How many processes run tasks. They are started when there is work for them. @defaultValue the available parallelism */
  readonly workers?: number | undefined
  /** How many calls run at the same time in each of them: more than one is for tasks that wait for I/O. @defaultValue 1 */
  readonly concurrency?: number | undefined
  /** The folder that ids of modules are relative to: that of the same project in the client. @defaultValue that with the next `package.json` */
  readonly root?: string | undefined
  /** Folders that values may be kept in, where clients use a `FileConnector` or a `fileTransformer`. @defaultValue none */
  readonly dataDirs?: readonly string[] | undefined
  /** Milliseconds after which a process ends that has nothing to do. @defaultValue Infinity */
  readonly idleTimeout?: number | undefined
  /** Environment variables of the processes, besides those of this one; `undefined` removes one. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** Options of Node for the processes. */
  readonly execArgv?: readonly string[] | undefined
  /**
   * What becomes of calls whose worker has died: they fail, and run again if their task has `retries`; or BullMQ runs all that
   * the worker had once more, also what has no `retries`. @defaultValue 'fail'
   */
  readonly stalled?: 'fail' | 'again' | undefined
}

const isStrings = (value: unknown): boolean =>
  Array.isArray(value) && value.every((each) => typeof each === 'string' && each !== '')

const { maxWorkers: workers, concurrency, idleTimeout, env, execArgv } = POOL_CHECKS

const CHECKS: Readonly<Record<keyof QueueWorkerOptions, Check>> = {
  ...QUEUE_CHECKS,
  modules: oneOf('a list of paths, URLs or names of packages', isStrings),
  workers,
  concurrency,
  root: oneOf('the path of a folder', (value) => typeof value === 'string' && value !== ''),
  dataDirs: oneOf('a list of folders', isStrings),
  idleTimeout,
  env,
  execArgv,
  stalled: oneOf("'fail' or 'again'", (value) => value === 'fail' || value === 'again'),
}

/** @throws ConfigError */
export function checkWorkerOptions(options: QueueWorkerOptions): void {
  checkOptions('startWorker', options, CHECKS)
}
