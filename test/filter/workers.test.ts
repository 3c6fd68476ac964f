import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import {
  always,
  and,
  argument,
  Engine,
  type Filter,
  never,
  not,
  objectSize,
  objectType,
  or,
  serializedSize,
  taskName,
} from '../../src/index.ts'
import { fileTransformer, ProcessPoolExecutor, ThreadPoolExecutor } from '../../src/node/index.ts'
import { echo } from '../../src/testing/contract-tasks.ts'

const folder = mkdtempSync(join(tmpdir(), 'filters-'))
afterAll(() => rmSync(folder, { recursive: true }))

const pools = { threads: ThreadPoolExecutor, processes: ProcessPoolExecutor }
const values = ['small', 'large'.repeat(100), new Uint8Array(100), { options: 'x' }, 42]

/** How many results of tasks that return these values are stored. It is the worker that asks the filter. */
async function storedResults(filter: Filter, pool: keyof typeof pools): Promise<number> {
  const dir = mkdtempSync(join(folder, 'run-'))
  await using engine = new Engine({
    executor: new pools[pool]({ maxWorkers: 1 }),
    filter: and(not(argument(0)), filter),
    transformer: fileTransformer({ dir }),
  })
  // What a future stands for is kept as long as somebody has it.
  const futures = values.map((value) => engine.submit(echo, value))
  await Promise.all(futures.map((future) => future.exception()))
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true })
  expect(await Promise.all(futures)).toEqual(values)
  return entries.filter((entry) => entry.isFile()).length
}

describe.each(['threads', 'processes'] as const)('a worker of the pool of %s asks the filter', (pool) => {
  test.each<[string, Filter, number]>([
    ['never', never(), 0],
    ['always', always(), 5],
    ['objectSize', objectSize({ minBytes: 50, maxBytes: 200 }), 1],
    ['serializedSize', serializedSize({ minBytes: 90, maxBytes: 10_000 }), 2],
    ['objectType', objectType(/^NUM/i, Uint8Array), 2],
    ['argument', argument('options'), 0],
    ['taskName', taskName(/echo$/), 5],
    ['one that is combined', or(and(objectType('^string$'), not(objectSize({ maxBytes: 10 }))), objectType(Number)), 2],
  ])('%s about its results', async (_, filter, count) => {
    expect(await storedResults(filter, pool)).toBe(count)
  })
})
