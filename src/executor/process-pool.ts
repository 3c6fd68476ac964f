import { statSync } from 'node:fs'
import { checkOptions, isObject, oneOf } from '../options.ts'
import type { TaskSpec } from '../task/task.ts'
import {
  aCommand,
  checkPlatform,
  environment,
  inheritedExecArgv,
  POOL_CHECKS,
  type WorkerPoolOptions,
} from './pool/pool-options.ts'
import { startProcess } from './pool/process-link.ts'
import { WorkerPool } from './worker-pool.ts'

/** Options of {@link ProcessPoolExecutor}. */
export interface ProcessPoolOptions extends WorkerPoolOptions {
  /**
   * The command that starts a worker, in front of Node and its arguments: `['nice', '-n', '10']`, `['ssh', 'host']`,
   * `['docker', 'run', '-i', 'image']`; or commands by label. A worker serves one prefix, and a task goes to the workers of
   * the first of its labels that has one; without such a label, to workers without a prefix. The worker speaks over standard
   * input and output, and finds the modules of the tasks under the same paths. `env` and `cwd` are those of the command: ssh,
   * for one, hands neither on.
   */
  readonly prefix?: readonly string[] | Readonly<Record<string, readonly string[]>> | undefined
  /** The folder that workers run in. @defaultValue that of this process */
  readonly cwd?: string | undefined
  /** The program that runs workers, as it is called where they run. @defaultValue the Node that runs this process */
  readonly node?: string | undefined
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''

const isFolder = (value: unknown): boolean =>
  isText(value) && statSync(value as string, { throwIfNoEntry: false })?.isDirectory() === true

const CHECKS = {
  ...POOL_CHECKS,
  prefix: oneOf(
    'a command as a list of strings, or such commands by label',
    (value) =>
      aCommand(value) === undefined ||
      (isObject(value) && Object.values(value).every((command) => aCommand(command) === undefined)),
  ),
  cwd: oneOf('the path of a folder', isFolder),
  node: oneOf('a path or a name', isText),
}

/** Workers without a prefix. */
const NONE = ''

/** Runs tasks in processes: they share no memory, and a crash takes one of them along at the most. */
export class ProcessPoolExecutor extends WorkerPool {
  /** @throws ConfigError for an unknown or wrong option, BootstrapError while a worker imports the module that calls this */
  constructor(options: ProcessPoolOptions = {}) {
    checkOptions('ProcessPoolExecutor', options, CHECKS)
    checkPlatform('ProcessPoolExecutor')
    const { env, execArgv = inheritedExecArgv(process.execArgv), cwd, node = process.execPath, prefix = {} } = options
    const prefixes = new Map(
      Array.isArray(prefix)
        ? [[NONE, prefix as readonly string[]]]
        : Object.entries(prefix as Record<string, readonly string[]>),
    )
    const groupOf = ({ labels }: TaskSpec): string =>
      Object.keys(labels ?? {}).find((label) => prefixes.has(label)) ?? NONE
    const start = startProcess({ env: environment(env), execArgv, cwd, node, prefixes })
    const groups = [...new Set([NONE, ...prefixes.keys()])]
    super({ name: 'ProcessPoolExecutor', isThread: false, start, groups, groupOf }, options)
  }
}
