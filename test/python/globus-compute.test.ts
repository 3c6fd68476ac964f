import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { Engine, WorkerCrashedError } from '../../src/index.ts'
import { GlobusComputeExecutor, ndArray, pythonTask } from '../../src/python/index.ts'
import { pythonWithBackends } from '../servers/python.ts'
import { die, matrix, square } from './mixed-tasks.ts'

const python = pythonWithBackends()
const endpoint = randomUUID()

// The real SDK, with a service and an endpoint that are not: see globus/endpoint.py.
describe('the SDK of Globus Compute', () => {
  let engine: Engine
  beforeAll(() => {
    const env = { TAPS_SDK_TEST_GLOBUS: '1', PYTHONPATH: new URL('globus', import.meta.url).pathname }
    engine = new Engine({ executor: new GlobusComputeExecutor({ python, endpoint, batchSize: 16, env }) })
  })
  afterAll(() => engine.shutdown())

  test('carries calls of tasks and of Python functions to interpreters that know nothing of them', async () => {
    const squares = engine.map(square, [1, 2, 3])
    expect(await engine.submit(pythonTask<[readonly number[]], number>('statistics:fmean'), squares)).toBeCloseTo(
      14 / 3,
    )
    const inverse = pythonTask<[unknown], unknown>('numpy:linalg.inv')
    expect(await engine.submit(inverse, engine.submit(matrix))).toEqual(
      ndArray(new Float64Array([0.5, 0, 0, 0.25]), [2, 2]),
    )
  })

  test('carries thousands of them', async () => {
    const numbers = Array.from({ length: 2_000 }, (_, i) => i)
    expect(await engine.map(square, numbers)).toEqual(numbers.map((i) => i * i))
  })

  test('brings back what went wrong', async () => {
    const error = await engine.submit(die).exception()
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect((error as Error).message).toContain('was killed by SIGKILL')
  })
})

test('without a login it says how to log in', async () => {
  // The SDK keeps its logins there.
  const home = mkdtempSync(join(tmpdir(), 'no-login-'))
  onTestFinished(() => rmSync(home, { recursive: true }))
  const env = { GLOBUS_COMPUTE_CLIENT_ID: undefined, HOME: home }
  await using executor = new GlobusComputeExecutor({ python, endpoint, env })
  await expect(executor.submit(square, 1)).rejects.toThrowError(/GLOBUS_COMPUTE_CLIENT_ID/)
})
