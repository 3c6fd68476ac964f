import { PackExecutor } from '../executor/packs/pack-executor.ts'
import { aCount, aText, checkPythonOptions, given, type PythonOptions, pythonKind, required } from './python-options.ts'

/** Options of {@link GlobusComputeExecutor}. */
export interface GlobusComputeExecutorOptions extends PythonOptions {
  /** The id of the endpoint. */
  readonly endpoint: string
  /** How many packs are submitted to the cloud together, at the most. @defaultValue 128 */
  readonly batchSize?: number | undefined
}

const CHECKS = { endpoint: aText, batchSize: aCount }

/**
 * Runs tasks on an endpoint of Globus Compute. It needs the Python package `globus-compute-sdk`, and that its user has logged in. The machine
 * behind the endpoint needs Node (`node`) and the project (`folder`).
 */
export class GlobusComputeExecutor extends PackExecutor {
  /** @throws ConfigError for an unknown or wrong option, BootstrapError while a worker imports the module that calls this */
  constructor(options: GlobusComputeExecutorOptions) {
    checkPythonOptions('GlobusComputeExecutor', options, CHECKS)
    required('GlobusComputeExecutor', 'endpoint', options.endpoint, 'the id of the endpoint')
    super(pythonKind('GlobusComputeExecutor', options, 'globus', given(options, CHECKS)))
  }
}
