import { PackExecutor } from '../executor/packs/pack-executor.ts'
import { oneOf } from '../options.ts'
import {
  aCount,
  checkPythonOptions,
  isText,
  type PythonOptions,
  plainOptions,
  pythonKind,
  required,
} from './python-options.ts'

/** Options of {@link PythonExecutor}. */
export interface PythonExecutorOptions extends PythonOptions {
  /**
   * What makes the executor, as `module:callable`: a class, or a function of a module of the user's own. It has to give a
   * `concurrent.futures.Executor`.
   */
  readonly factory: string
  /** The named arguments of the factory, as JSON. @defaultValue none */
  readonly options?: Readonly<Record<string, unknown>> | undefined
  /** How many calls the executor runs at the same time. @defaultValue what it says itself, else the number of processors */
  readonly slots?: number | undefined
}

const CHECKS = {
  factory: oneOf('module:callable', (value) => isText(value) && /^[^:\s]+:[^:\s]+$/.test(value as string)),
  options: plainOptions,
  slots: aCount,
}

/**
 * Runs tasks on any `concurrent.futures.Executor` of Python. A program of Python's beside this one drives it; in its workers a warm Node
 * process runs the tasks, several at a time as one job.
 *
 * @example
 * ```ts
 * new PythonExecutor({ factory: 'concurrent.futures:ProcessPoolExecutor', options: { max_workers: 4 } })
 * ```
 */
export class PythonExecutor extends PackExecutor {
  /** @throws ConfigError for an unknown or wrong option, BootstrapError while a worker imports the module that calls this */
  constructor(options: PythonExecutorOptions) {
    checkPythonOptions('PythonExecutor', options, CHECKS)
    const factory = required('PythonExecutor', 'factory', options.factory, '"concurrent.futures:ProcessPoolExecutor"')
    super(pythonKind('PythonExecutor', options, factory, { ...options.options, slots: options.slots }))
  }
}
