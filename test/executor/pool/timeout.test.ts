import { afterAll, describe, expect, test } from 'vitest'
import { Engine, TimeoutError, WorkerCrashedError } from '../../../src/index.ts'
import { collect, failureOf, next, POOLS, withoutPlace } from './each-pool.ts'
import { hold, holdNow, pause, place, run, spin, stopsLate, untilAborted } from './fault-tasks.ts'
import { numbers, Scratch } from './scratch.ts'

const scratch = new Scratch()
afterAll(() => scratch.remove())

describe.each(POOLS)('a pool of $kind', ({ Pool }) => {
  test('fails a call whose time is up, and tells its body, which ends in time: the worker stays', async () => {
    await using pool = new Pool({ maxWorkers: 1, killAfter: 20_000 })
    const exits = collect(pool, 'workerExited')
    const worker = await pool.submit(place)
    const trace = scratch.path()
    const error = await failureOf(pool.submit(untilAborted.with({ timeout: 20 }), trace))
    expect(error).toBeInstanceOf(TimeoutError)
    expect(error.message).toBe('Task untilAborted ran longer than 20 ms')
    expect(await pool.submit(place)).toBe(worker)
    expect(exits).toEqual([])
  })

  test('tells the body why: the reason of its signal is the timeout', async () => {
    await using pool = new Pool({ maxWorkers: 1, killAfter: 20_000 })
    const trace = scratch.path()
    await failureOf(pool.submit(stopsLate.with({ timeout: 20 }), trace))
    await scratch.written(trace, 'TimeoutError')
  })

  test('replaces a worker whose call goes on in an endless loop after its time', async () => {
    await using pool = new Pool({ maxWorkers: 1, killAfter: 10 })
    const trace = scratch.path()
    const exit = next(pool, 'workerExited')
    const calls = [pool.submit(spin.with({ timeout: 20 }), trace, 'endless'), pool.submit(run, trace, 'after')] as const
    expect(await failureOf(calls[0])).toBeInstanceOf(TimeoutError)
    expect((await exit).how).toBe('did not stop within 10 ms after the time of spin was up')
    expect(await calls[1]).toBe('after')
    expect(scratch.lines(trace)).toEqual(['endless', 'after'])
  })

  test('goes by the patience of the task, where it has its own', async () => {
    await using pool = new Pool({ maxWorkers: 1, killAfter: 20_000 })
    const exit = next(pool, 'workerExited')
    await failureOf(pool.submit(spin.with({ timeout: 10, killAfter: 10 }), scratch.path(), 'endless'))
    expect((await exit).how).toContain('did not stop within 10 ms')
  })

  test('counts from the start of the body: neither the wait for a worker, nor its start, nor an import is part of it', async () => {
    // Each of these takes longer than the calls may.
    await using pool = new Pool({
      maxWorkers: 1,
      initializer: pause,
      initializerArgs: [150],
      env: { TAPS_TEST_SLOW_IMPORT: '150' },
    })
    const [trace, gate] = [scratch.path(), scratch.path()]
    const { slow } = await import('./slow-import-tasks.ts')
    const first = pool.submit(slow.with({ timeout: 100 }))
    const second = pool.submit(hold, trace, 'held', gate)
    const third = pool.submit(slow.with({ timeout: 100 }))
    expect(await first).toBe('done')
    await scratch.written(trace, 'held')
    await pauseHere(150)
    scratch.open(gate)
    expect(await second).toBe('held')
    expect(await third).toBe('done')
  })

  test('neither loses nor repeats the short calls that were sent together with one that never ends', async () => {
    await using pool = new Pool({ maxWorkers: 1, killAfter: 0 })
    const trace = scratch.path()
    const limited = holdNow.with({ timeout: 300 })
    for (let round = 0; round < 3; round++)
      await Promise.all(numbers(100).map((i) => pool.submit(limited, scratch.path(), i)))
    const calls = numbers(100).map((i) => pool.submit(limited, trace, i, i === 50 ? scratch.path() : undefined))
    const outcomes = await Promise.allSettled(calls)
    expect(outcomes.flatMap(({ status }, i) => (status === 'rejected' ? [i] : []))).toEqual([50])
    expect(scratch.lines(trace)).toEqual(numbers(100).map(String))
  })

  test('takes the call in the other lane of the worker along, by name', async () => {
    await using pool = new Pool({ maxWorkers: 1, concurrency: 2, killAfter: 10 })
    const trace = scratch.path()
    const neighbour = pool.submit(hold, trace, 'held', scratch.path())
    await scratch.written(trace, 'held')
    const endless = pool.submit(spin.with({ timeout: 10 }), trace, 'endless')
    expect(await failureOf(endless)).toBeInstanceOf(TimeoutError)
    const error = await failureOf(neighbour)
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect(withoutPlace(error.message)).toBe(
      'The worker that ran hold did not stop within 10 ms after the time of spin was up',
    )
  })

  test('tries a task again whose time was up, in another worker, and gives its limits back between', async () => {
    const pool = new Pool({ maxWorkers: 1, killAfter: 0 })
    const exits = collect(pool, 'workerExited')
    await using engine = new Engine({ executor: pool, limits: { gpu: 1 } })
    const trace = scratch.path()
    const task = engine.submit(spin.with({ timeout: 10, retries: 1, labels: 'gpu' }), trace, 'endless')
    const error = await failureOf(task)
    expect(error).toBeInstanceOf(TimeoutError)
    expect(error.message).toContain(task.info.taskId)
    expect(scratch.lines(trace)).toEqual(['endless', 'endless'])
    expect(task.info).toMatchObject({ status: 'failed', attempts: 2 })
    expect(task.info.times.runMs).toBeGreaterThanOrEqual(19)
    expect(await engine.submit(place.with({ labels: 'gpu' }))).toBeTypeOf('number')
    expect(exits.length).toBe(2)
  })
})

const pauseHere = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
