import { PackExecutor } from '../executor/packs/pack-executor.ts'
import {
  aCount,
  aFlag,
  aText,
  aTime,
  checkPythonOptions,
  given,
  type PythonOptions,
  pythonKind,
} from './python-options.ts'

/** Options of {@link DaskExecutor}. */
export interface DaskExecutorOptions extends PythonOptions {
  /** The address of a scheduler that runs already, such as `tcp://host:8786`; it stays. @defaultValue a cluster on this machine, which ends with the executor */
  readonly scheduler?: string | undefined
  /** How many workers a cluster of its own has. @defaultValue the number of processors */
  readonly workers?: number | undefined
  /** Whether the workers of a cluster of its own are threads of one process. @defaultValue false */
  readonly useThreads?: boolean | undefined
  /** Whether the workers of a cluster of its own are daemons: these cannot start processes of Python's `multiprocessing`. @defaultValue true */
  readonly daemonWorkers?: boolean | undefined
  /** For how many workers to wait before the first call. @defaultValue none */
  readonly waitForWorkers?: number | undefined
  /** For how long to wait for them, in ms. @defaultValue no limit */
  readonly waitForWorkersTimeout?: number | undefined
  /**
   * For how many ms Dask collects messages before it sends them. Dask's own are 10 at the client, 5 at the scheduler and 2 at a worker: a
   * lone call takes at least that. 0 is faster for lone calls and chains. It is set with what Dask does not promise to keep; where it
   * cannot be set, Dask's own hold. @defaultValue Dask's own
   */
  readonly sendInterval?: number | undefined
}

const CHECKS = {
  scheduler: aText,
  workers: aCount,
  useThreads: aFlag,
  daemonWorkers: aFlag,
  waitForWorkers: aCount,
  waitForWorkersTimeout: aTime,
  sendInterval: aTime,
}

/** Runs tasks on Dask, which needs the Python package `distributed`: on a cluster that is there, or one of its own on this machine. */
export class DaskExecutor extends PackExecutor {
  /** @throws ConfigError for an unknown or wrong option, BootstrapError while a worker imports the module that calls this */
  constructor(options: DaskExecutorOptions = {}) {
    checkPythonOptions('DaskExecutor', options, CHECKS)
    const { waitForWorkersTimeout, ...rest } = given(options, CHECKS)
    // Dask counts seconds.
    const timeout =
      typeof waitForWorkersTimeout === 'number' ? { waitForWorkersTimeout: waitForWorkersTimeout / 1000 } : {}
    super(pythonKind('DaskExecutor', options, 'dask', { ...rest, ...timeout }))
  }
}
