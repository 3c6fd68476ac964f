import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { pythonWithBackends } from './python.ts'

/** A cluster that was started apart from the program that uses it. */
export interface Cluster {
  readonly address: string
  /** Ends it in good order. */
  stop(): Promise<void>
  /** Ends what schedules, at once, as a crash would; what it has started ends by itself. */
  kill(): Promise<void>
}

// Both end with their standard input, and so with this process, however that ends.
const DASK = `
import sys, logging
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(n_workers=int(sys.argv[1]), threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
`

const RAY = `
import logging, os, sys
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
import ray
ray.init(address="local", num_cpus=2, include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False)
print(ray.get_runtime_context().gcs_address, flush=True)
sys.stdin.read()
ray.shutdown()
`

/** A scheduler of Dask, and workers. */
export function startDask(workers = 2): Promise<Cluster> {
  return start(DASK, String(workers))
}

/** A worker of Dask as `dask worker` starts it: a nanny, and the worker below it. Both end when it is killed. */
export function startDaskWorker(address: string, env: NodeJS.ProcessEnv): ChildProcess {
  const args = ['-m', 'distributed.cli.dask_worker', address, '--nthreads', '1', '--no-dashboard']
  return spawn(pythonWithBackends(), args, { stdio: 'ignore', env: { ...process.env, ...env } })
}

/** A head of Ray, for two tasks at the same time. */
export function startRay(): Promise<Cluster> {
  return start(RAY)
}

async function start(source: string, ...args: string[]): Promise<Cluster> {
  const child = spawn(pythonWithBackends(), ['-c', source, ...args], { stdio: ['pipe', 'pipe', 'ignore'] })
  const exited = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })
  const [address] = await Promise.race([
    once(lines, 'line'),
    exited.then(([code]) => {
      throw new Error(`The cluster could not be started: exit code ${code}`)
    }),
  ])
  return {
    address: String(address),
    stop: async () => {
      child.stdin.end()
      await exited
    },
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}
