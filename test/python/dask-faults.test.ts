import { expect, test } from 'vitest'
import { Engine, WorkerCrashedError } from '../../src/index.ts'
import { DaskExecutor, pythonTask } from '../../src/python/index.ts'
import { startDask } from '../servers/clusters.ts'
import { pythonWithBackends } from '../servers/python.ts'
import { square } from './mixed-tasks.ts'

const python = pythonWithBackends()
const PATIENCE = 120_000

test('a scheduler that dies fails what is on its way, and says that it is gone', { timeout: PATIENCE }, async () => {
  const cluster = await startDask()
  await using engine = new Engine({ executor: new DaskExecutor({ python, scheduler: cluster.address }) })
  expect(await engine.submit(square, 3)).toBe(9)
  const running = engine.submit(pythonTask<[number], null>('time:sleep'), 60)
  await cluster.kill()
  const error = (await running.exception()) as Error
  expect(error).toBeInstanceOf(WorkerCrashedError)
})

test('a worker that dies loses its call, which is not run again unasked, and the others go on', {
  timeout: PATIENCE,
}, async () => {
  await using engine = new Engine({ executor: new DaskExecutor({ python, workers: 2 }) })
  const dying = engine.submit(pythonTask<[number], never>('os:_exit'), 3)
  const others = engine.map(square, [1, 2, 3])
  const error = (await dying.exception()) as Error
  expect(error).toBeInstanceOf(WorkerCrashedError)
  expect(error.message).toContain('os:_exit')
  expect(await others).toEqual([1, 4, 9])
})
