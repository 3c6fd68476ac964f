import { ConfigError } from '../errors.ts'
import { PackExecutor } from '../executor/packs/pack-executor.ts'
import { oneOf } from '../options.ts'
import { aCount, checkPythonOptions, given, isText, type PythonOptions, pythonKind } from './python-options.ts'

/** Options of {@link ParslExecutor}. */
export interface ParslExecutorOptions extends PythonOptions {
  /** How many workers a `HighThroughputExecutor` of its own on this machine has. @defaultValue the number of processors */
  readonly workers?: number | undefined
  /**
   * A configuration of the user's own instead: a Python file, or `module:name`. It defines `config`, or that name: a `parsl.Config`, or a
   * function that gives one.
   */
  readonly config?: string | undefined
  /** Where Parsl keeps what it logs. @defaultValue `parsl-runinfo`; that of the configuration */
  readonly runDir?: string | undefined
}

const CHECKS = {
  workers: aCount,
  config: oneOf('a Python file, or module:name', isText),
  runDir: oneOf('the path of a folder', isText),
}

/** Runs tasks on Parsl, which needs the Python package `parsl`: on this machine, or wherever a configuration of the user's own says. */
export class ParslExecutor extends PackExecutor {
  /** @throws ConfigError for an unknown or wrong option, BootstrapError while a worker imports the module that calls this */
  constructor(options: ParslExecutorOptions = {}) {
    checkPythonOptions('ParslExecutor', options, CHECKS)
    if (options.workers !== undefined && options.config !== undefined)
      throw new ConfigError(
        'ParslExecutor: workers is for an executor of its own; with config, that says how many there are',
      )
    super(pythonKind('ParslExecutor', options, 'parsl', given(options, CHECKS)))
  }
}
