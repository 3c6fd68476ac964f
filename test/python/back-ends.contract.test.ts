import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Engine, type Executor } from '../../src/index.ts'
import { DaskExecutor, ParslExecutor, PythonExecutor, RayExecutor } from '../../src/python/index.ts'
import { echo } from '../../src/testing/contract-tasks.ts'
import { executorContract } from '../../src/testing/index.ts'
import { type Cluster, startDask, startRay } from '../servers/clusters.ts'
import { pythonWithBackends } from '../servers/python.ts'

const python = pythonWithBackends()
/** Milliseconds for a test: clusters take their time. */

const patient = {
  test: (name: string, fn: () => Promise<void>): unknown => test(name, fn),
  expect,
}

const pool = (): Executor =>
  new PythonExecutor({ python, factory: 'concurrent.futures:ProcessPoolExecutor', options: { max_workers: 2 } })

describe('PythonExecutor with a process pool', () => executorContract(patient, { create: pool }))

describe('Engine on PythonExecutor', () =>
  executorContract(patient, { create: () => new Engine({ executor: pool() }) }))

describe('ParslExecutor', () => executorContract(patient, { create: () => new ParslExecutor({ python, workers: 2 }) }))

describe('DaskExecutor on a cluster that was started apart', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await startDask()
  })
  afterAll(() => cluster.stop())
  executorContract(patient, { create: () => new DaskExecutor({ python, scheduler: cluster.address }) })
})

describe('RayExecutor on a cluster that was started apart', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await startRay()
  })
  afterAll(() => cluster.stop())
  // Ray asks whoever connects for the token that it left in this user's folder.
  const env = { RAY_AUTH_MODE: 'token' }
  executorContract(patient, { create: () => new RayExecutor({ python, address: cluster.address, env }) })

  test('without leave to send the token there it says in time what to allow', async () => {
    await using executor = new RayExecutor({ python, address: cluster.address, env: { RAY_AUTH_MODE: undefined } })
    const start = performance.now()
    await expect(executor.submit(echo, 1)).rejects.toThrowError(
      /There is no Ray cluster at .*env: \{ RAY_AUTH_MODE: 'token' \}/,
    )
    expect(performance.now() - start).toBeLessThan(20_000)
  })
})
