import { PackExecutor } from '../executor/packs/pack-executor.ts'
import { aCount, aText, checkPythonOptions, given, type PythonOptions, pythonKind } from './python-options.ts'

/** Options of {@link RayExecutor}. */
export interface RayExecutorOptions extends PythonOptions {
  /** The address of a cluster that runs already, such as `ray://host:10001`, or `auto`; it stays. @defaultValue `local`: one on this machine, which ends with the executor */
  readonly address?: string | undefined
  /** How many processors a cluster of its own may use. @defaultValue all */
  readonly numCpus?: number | undefined
}

const CHECKS = { address: aText, numCpus: aCount }

/** Runs tasks on Ray, which needs the Python package `ray`: on a cluster that is there, or one of its own on this machine. */
export class RayExecutor extends PackExecutor {
  /** @throws ConfigError for an unknown or wrong option, BootstrapError while a worker imports the module that calls this */
  constructor(options: RayExecutorOptions = {}) {
    checkPythonOptions('RayExecutor', options, CHECKS)
    super(pythonKind('RayExecutor', options, 'ray', given(options, CHECKS)))
  }
}
