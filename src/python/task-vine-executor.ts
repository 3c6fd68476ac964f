import { PackExecutor } from '../executor/packs/pack-executor.ts'
import { oneOf } from '../options.ts'
import { aCount, aFlag, checkPythonOptions, given, type PythonOptions, pythonKind } from './python-options.ts'

/** Options of {@link TaskVineExecutor}. */
export interface TaskVineExecutorOptions extends PythonOptions {
  /** How many cores a pack of calls takes. @defaultValue 1 */
  readonly coresPerTask?: number | undefined
  /** How many cores a worker of the factory has. @defaultValue what TaskVine finds */
  readonly coresPerWorker?: number | undefined
  /** Whether TaskVine writes down what it does. @defaultValue false */
  readonly debug?: boolean | undefined
  /** Whether to start workers on this machine; if not, others have to be started that connect to `port`. @defaultValue true */
  readonly factory?: boolean | undefined
  /** The port that workers connect to; 0 for any that is free. @defaultValue 9123 */
  readonly port?: number | undefined
  /** Whether packs are calls of a library that stays in the workers, rather than tasks of their own. @defaultValue false */
  readonly serverless?: boolean | undefined
  /** How many workers the factory starts. @defaultValue 1 */
  readonly workers?: number | undefined
}

const CHECKS = {
  coresPerTask: aCount,
  coresPerWorker: aCount,
  debug: aFlag,
  factory: aFlag,
  port: oneOf(
    'a number from 0 to 65535',
    (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) < 65_536,
  ),
  serverless: aFlag,
  workers: aCount,
}

/** Runs tasks on TaskVine, which needs the conda package `ndcctools`. */
export class TaskVineExecutor extends PackExecutor {
  /** @throws ConfigError for an unknown or wrong option, BootstrapError while a worker imports the module that calls this */
  constructor(options: TaskVineExecutorOptions = {}) {
    checkPythonOptions('TaskVineExecutor', options, CHECKS)
    super(pythonKind('TaskVineExecutor', options, 'taskvine', given(options, CHECKS)))
  }
}
