import { InProcessExecutor } from 'taps-sdk'
import { BullMQExecutor } from 'taps-sdk/bullmq'
import { expect, test } from 'vitest'
import { createExecutor, EXECUTORS, readWhere, WhereError } from '../../examples/where.ts'

const all = EXECUTORS.join(', ')

test.each([
  [{ executor: 'thread' }, `--executor takes ${all}, not "thread"`],
  [{ executor: 'toString' }, `--executor takes ${all}, not "toString"`],
  [{ workers: '2' }, `--workers is for --executor ${EXECUTORS.slice(1).join(', ')}, not in-process`],
  [{ workers: '0', executor: 'threads' }, '--workers takes a whole number of at least 1, not "0"'],
  [{ workers: '01', executor: 'ray' }, '--workers takes a whole number of at least 1, not "01"'],
  [{ concurrency: '1.5' }, '--concurrency takes a whole number of at least 1, not "1.5"'],
  [
    { concurrency: '2', executor: 'dask' },
    '--concurrency is for --executor in-process, threads, processes, bullmq, not dask',
  ],
  [{ python: 'python3', executor: 'bullmq' }, '--python is for --executor python-pool, dask, ray, parsl, not bullmq'],
  [{ redis: 'redis://localhost', executor: 'ray' }, '--redis is for --executor bullmq, not ray'],
  [{ address: 'auto', executor: 'parsl' }, '--address is for --executor dask, ray, not parsl'],
])('where tasks run: refuses %j', (given, message) => {
  expect(() => readWhere(given)).toThrow(new WhereError(message))
})

test('where tasks run: a queue has its server from an option, or from the environment', async () => {
  const given = process.env.TAPS_SDK_REDIS
  try {
    delete process.env.TAPS_SDK_REDIS
    expect(() => readWhere({ executor: 'bullmq' })).toThrow('--executor bullmq needs --redis redis://host:port')
    process.env.TAPS_SDK_REDIS = 'redis://localhost'
    const where = readWhere({ executor: 'bullmq', workers: '0' })
    expect(where).toMatchObject({ redis: 'redis://localhost', workers: 0 })
    expect(createExecutor(where)).toBeInstanceOf(BullMQExecutor)
  } finally {
    if (given === undefined) delete process.env.TAPS_SDK_REDIS
    else process.env.TAPS_SDK_REDIS = given
  }
})

test('where tasks run: in process, unless something else is said', () => {
  expect(createExecutor(readWhere({}))).toBeInstanceOf(InProcessExecutor)
})
