import { describe, expect, test } from 'vitest'
import { Engine } from '../../../src/index.ts'
import { collect, POOLS } from './each-pool.ts'
import { count, takeAndGive } from './option-tasks.ts'

/** How many calls each worker has run. */
function callsByWorker(results: readonly (readonly [worker: number, call: number])[]): Map<number, number> {
  const calls = new Map<number, number>()
  for (const [worker, call] of results) calls.set(worker, Math.max(call, calls.get(worker) ?? 0))
  return calls
}

describe.each(POOLS)('a pool of $kind with maxTasksPerWorker', ({ Pool }) => {
  test('gives each worker exactly so many calls, and loses none', async () => {
    const pool = new Pool({ maxWorkers: 2, maxTasksPerWorker: 50 })
    const started = collect(pool, 'workerStarted')
    const exited = collect(pool, 'workerExited')
    const results = await Promise.all(Array.from({ length: 200 }, () => pool.submit(count)))
    await pool.shutdown()
    expect([...callsByWorker(results).values()]).toEqual([50, 50, 50, 50])
    // Each call of each worker once.
    expect(new Set(results.map(String)).size).toBe(200)
    expect(started.map(({ id }) => id).sort()).toEqual(exited.map(({ id }) => id).sort())
    expect(new Set(exited.map(({ how }) => how))).toEqual(new Set(['exited with code 0']))
  })

  test('starts a worker for each call where that is one', async () => {
    await using pool = new Pool({ maxWorkers: 1, maxTasksPerWorker: 1 })
    for (let i = 0; i < 2; i++) expect((await pool.submit(count))[1]).toBe(1)
    expect(new Set((await Promise.all([pool.submit(count), pool.submit(count)])).map(([id]) => id)).size).toBe(2)
  })

  test('counts the calls of all lanes of a worker', async () => {
    await using pool = new Pool({ maxWorkers: 1, concurrency: 3, maxTasksPerWorker: 30 })
    const results = await Promise.all(Array.from({ length: 60 }, () => pool.submit(count)))
    expect([...callsByWorker(results).values()]).toEqual([30, 30])
  })

  test('counts the calls of an engine, too; a chunk is not torn apart', async () => {
    const pool = new Pool({ maxWorkers: 1, maxTasksPerWorker: 4 })
    await using engine = new Engine({ executor: pool })
    const singles = await engine.map(takeAndGive, [1, 2, 3, 4, 5, 6, 7, 8])
    expect([...callsByWorker(singles).values()]).toEqual([4, 4])
    const chunked = await Promise.all(
      Array.from({ length: 2 }, () => engine.map(takeAndGive.with({ chunkSize: 6 }), [1, 2, 3, 4, 5, 6])),
    )
    expect(chunked.map((chunk) => new Set(chunk.map(([worker]) => worker)).size)).toEqual([1, 1])
    expect(chunked[0]?.[0]?.[0]).not.toBe(chunked[1]?.[0]?.[0])
  })
})
