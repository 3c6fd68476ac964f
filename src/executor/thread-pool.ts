import type { ResourceLimits } from 'node:worker_threads'
import { checkOptions, isObject, oneOf } from '../options.ts'
import { environment, inheritedExecArgv, POOL_CHECKS, type WorkerPoolOptions } from './pool/pool-options.ts'
import { startThread } from './pool/thread-link.ts'
import { WorkerPool } from './worker-pool.ts'

/** Options of {@link ThreadPoolExecutor}. */
export interface ThreadPoolOptions extends WorkerPoolOptions {
  /** How much memory each thread may use, in MB: see Node's `Worker`. */
  readonly resourceLimits?: ResourceLimits | undefined
}

const CHECKS = {
  ...POOL_CHECKS,
  resourceLimits: oneOf(
    "Node's resource limits, numbers by name",
    (value) => isObject(value) && Object.values(value).every((limit) => typeof limit === 'number'),
  ),
}

/**
 * Runs tasks on threads of this process. Arguments and results are copied, unless they are moved (`transfer`) or shared
 * (`SharedArrayBuffer`).
 */
export class ThreadPoolExecutor extends WorkerPool {
  /** @throws ConfigError for an unknown or wrong option, BootstrapError while a worker imports the module that calls this */
  constructor(options: ThreadPoolOptions = {}) {
    checkOptions('ThreadPoolExecutor', options, CHECKS)
    const { env, execArgv = inheritedExecArgv(process.execArgv), resourceLimits } = options
    const start = startThread({ env: environment(env), execArgv, resourceLimits })
    super({ name: 'ThreadPoolExecutor', isThread: true, start, groups: [''], groupOf: () => '' }, options)
  }
}
