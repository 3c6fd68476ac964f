import { afterAll, beforeAll, describe } from 'vitest'
import { Engine, type Executor } from '../../src/index.ts'
import {
  ProcessPoolExecutor,
  ThreadPoolExecutor,
  type WorkerPool,
  type WorkerPoolOptions,
} from '../../src/node/index.ts'

export type PoolClass = new (options: WorkerPoolOptions) => WorkerPool

export const pools: readonly [name: string, Pool: PoolClass][] = [
  ['threads', ThreadPoolExecutor],
  ['processes', ProcessPoolExecutor],
]

/** Runs tests on both kinds of workers, with and without an engine: each has one worker, which the tests of the group share. */
export function onAllPools(tests: (executor: () => Executor) => void): void {
  for (const [name, Pool] of pools)
    for (const isEngine of [false, true])
      describe(isEngine ? `an engine on ${name}` : name, () => {
        let executor: WorkerPool | Engine
        beforeAll(() => {
          const pool = new Pool({ maxWorkers: 1 })
          executor = isEngine ? new Engine({ executor: pool }) : pool
        })
        afterAll(() => executor.shutdown())
        tests(() => executor)
      })
}
