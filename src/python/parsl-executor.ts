import { ConfigError } from '../errors.ts'
import { PackExecutor } from '../executor/packs/pack-executor.ts'
import { oneOf } from '../options.ts'
import {
  aCount,
  aText,
  checkPythonOptions,
  given,
  isText,
  type PythonOptions,
  plainOptions,
  pythonKind,
} from './python-options.ts'

/** Options of {@link ParslExecutor}. */
export interface ParslExecutorOptions extends PythonOptions {
  /** How many workers a `HighThroughputExecutor` of its own on this machine has. @defaultValue the number of processors */
  readonly workers?: number | undefined
  /** More options of that one, by Parsl's names, as JSON: `{ cores_per_worker: 2 }`. @defaultValue none */
  readonly htex?: Readonly<Record<string, unknown>> | undefined
  /**
   * A configuration of the user's own instead: a Python file that defines `config`, or `module:name`. That is a `parsl.Config`, or a
   * function that gives one.
   */
  readonly config?: string | undefined
  /** The label of the executor in that configuration. @defaultValue the first one */
  readonly executor?: string | undefined
  /** Where Parsl keeps what it logs. @defaultValue a folder that is removed at the end; that of the configuration */
  readonly runDir?: string | undefined
}

const CHECKS = {
  workers: aCount,
  htex: plainOptions,
  config: oneOf('the path of a Python file, or module:name', isText),
  executor: aText,
  runDir: oneOf('the path of a folder', isText),
}

/** Runs tasks on Parsl, which needs the Python package `parsl`: on this machine, or wherever a configuration of the user's own says. */
export class ParslExecutor extends PackExecutor {
  /** @throws ConfigError for an unknown or wrong option, BootstrapError while a worker imports the module that calls this */
  constructor(options: ParslExecutorOptions = {}) {
    checkPythonOptions('ParslExecutor', options, CHECKS)
    const own = (['workers', 'htex'] as const).find((option) => options[option] !== undefined)
    if (options.config !== undefined && own !== undefined)
      throw new ConfigError(`ParslExecutor: ${own} is for an executor of its own; with config, that says it`)
    if (options.config === undefined && options.executor !== undefined)
      throw new ConfigError('ParslExecutor: executor is the label of an executor in config, which is not given')
    super(pythonKind('ParslExecutor', options, 'parsl', given(options, CHECKS)))
  }
}
