import { afterAll, describe, expect, test } from 'vitest'
import { Engine, MemoryRecordLogger } from '../../../src/index.ts'
import type { WorkerPool } from '../../../src/node/index.ts'
import { failureOf, POOLS } from './each-pool.ts'
import { context, echo, hold, holdNow, place, run, runNow, size, spin } from './fault-tasks.ts'
import { numbers, Scratch } from './scratch.ts'

const scratch = new Scratch()
afterAll(() => scratch.remove())

/** After these, short calls of the task share messages. */
async function getToKnow(pool: WorkerPool): Promise<void> {
  for (let i = 0; i < 20; i++) await pool.submit(holdNow, scratch.path(), i)
}

describe.each(POOLS)('a pool of $kind', ({ kind, Pool }) => {
  test('keeps the order in which calls were submitted, with one worker, whether they are short or long', async () => {
    await using pool = new Pool({ maxWorkers: 1 })
    const trace = scratch.path()
    const tasks = [run, runNow, hold, holdNow] as const
    const open = scratch.path()
    scratch.open(open)
    await Promise.all(
      numbers(200).map((i) =>
        pool.submit(
          tasks[i % 4] as typeof hold,
          trace,
          i,
          tasks[i % 4] === run || tasks[i % 4] === runNow ? 'none' : open,
        ),
      ),
    )
    expect(scratch.lines(trace)).toEqual(numbers(200).map(String))
  })

  test('goes by the priority of the tasks of an engine, as far as they have not been sent', async () => {
    await using engine = new Engine({ executor: new Pool({ maxWorkers: 1 }) })
    const [trace, gate] = [scratch.path(), scratch.path()]
    const held = engine.submit(hold, trace, 'held', gate)
    await scratch.written(trace, 'held')
    const tasks = numbers(30).map((i) => engine.submit(run.with({ priority: i % 3 }), trace, i))
    scratch.open(gate)
    await Promise.all([held, ...tasks])
    const byPriority = [2, 1, 0].flatMap((priority) => numbers(30).filter((i) => i % 3 === priority))
    expect(scratch.lines(trace).slice(1)).toEqual(byPriority.map(String))
  })

  test('sends no more calls to a worker than it will soon have run: the others stay here, and may be cancelled', async () => {
    await using pool = new Pool({ maxWorkers: 1 })
    await getToKnow(pool)
    const [trace, gate, count] = [scratch.path(), scratch.path(), 20_000]
    const first = pool.submit(holdNow, trace, 'first', gate)
    const calls = numbers(count).map((i) => pool.submit(holdNow, trace, i))
    await scratch.written(trace, 'first')
    const sent = calls.filter((call) => (call as unknown as { running(): boolean }).running())
    expect(sent.length).toBeLessThanOrEqual(2000)
    const taken = calls.filter((call) => call.cancel?.() === true)
    expect(taken.length).toBeGreaterThanOrEqual(count - 2000)
    scratch.open(gate)
    await first
    await Promise.allSettled(calls)
    expect(scratch.lines(trace).length).toBe(1 + count - taken.length)
  })

  test('runs short calls while long ones have all but one of the workers, and long ones among many that are short', async () => {
    await using pool = new Pool({ maxWorkers: 2 })
    await getToKnow(pool)
    const [trace, gate] = [scratch.path(), scratch.path()]
    const long = pool.submit(hold, trace, 'held', gate)
    await scratch.written(trace, 'held')
    expect(await Promise.all(numbers(500).map((i) => pool.submit(holdNow, trace, i)))).toEqual(numbers(500))
    scratch.open(gate)
    await long
    const [other, another] = [scratch.path(), scratch.path()]
    let goesOn = true
    const short = numbers(64).map(async () => {
      while (goesOn) await pool.submit(holdNow, other, 'short')
    })
    // Of these nothing is known: each needs a worker that is idle.
    expect(await Promise.all(numbers(4).map((i) => pool.submit(run, another, i)))).toEqual(numbers(4))
    goesOn = false
    await Promise.all(short)
  })

  test('keeps the elements of a chunk together in one worker', async () => {
    const pool = new Pool({ maxWorkers: 2 })
    await using engine = new Engine({ executor: pool })
    await pool.warmup(place)
    const places = await engine.map(place.with({ chunkSize: 25 }), numbers(100))
    for (const start of [0, 25, 50, 75]) expect(new Set(places.slice(start, start + 25)).size).toBe(1)
    expect(new Set(places).size).toBe(2)
  })

  test('keeps them together although the first of them takes long', async () => {
    const pool = new Pool({ maxWorkers: 2 })
    await using engine = new Engine({ executor: pool })
    await pool.warmup(hold)
    const [trace, gate] = [scratch.path(), scratch.path()]
    const elements = engine.map(hold.with({ chunkSize: 3 }), [trace, trace, trace], ['a', 'b', 'c'], [gate, gate, gate])
    await scratch.written(trace, 'a')
    // The other worker has nothing to do all the while.
    for (let i = 0; i < 20; i++) await pool.submit(run, scratch.path(), i)
    expect(scratch.lines(trace)).toEqual(['a'])
    scratch.open(gate)
    expect(await elements).toEqual(['a', 'b', 'c'])
  })

  test('copies arguments when they are submitted: what becomes of them later is not seen', async () => {
    await using engine = new Engine({ executor: new Pool({ maxWorkers: 1 }) })
    const [trace, gate] = [scratch.path(), scratch.path()]
    const parent = engine.submit(hold, trace, 'held', gate)
    const [plain, bytes, beside] = [{ list: [1] }, new Uint8Array([1]), { list: [1] }]
    const tasks = [engine.submit(echo, plain), engine.submit(echo, bytes), engine.submit(echo, [beside, parent])]
    plain.list.push(2)
    bytes[0] = 2
    beside.list.push(2)
    scratch.open(gate)
    expect(await Promise.all(tasks)).toEqual([{ list: [1] }, new Uint8Array([1]), [{ list: [1] }, 'held']])
  })

  test('runs calls with large arguments, many at once', async () => {
    await using pool = new Pool({ maxWorkers: 2 })
    const [bytes, text] = [new Uint8Array(3_000_000).fill(1), 'x'.repeat(1_000_000)]
    const calls = numbers(10).map((i) => (i % 2 === 0 ? pool.submit(size, bytes) : pool.submit(size, text)))
    expect(await Promise.all(calls)).toEqual(numbers(10).map((i) => (i % 2 === 0 ? 3_000_000 : 1_000_000)))
    expect(bytes.length).toBe(3_000_000)
  })

  test('tells a task in a worker its id, its attempt and its labels, as they are in its record', async () => {
    const recordLogger = new MemoryRecordLogger()
    await using engine = new Engine({ executor: new Pool({ maxWorkers: 1 }), recordLogger })
    const trace = scratch.path()
    const tasks = numbers(5).map((i) => engine.submit(context.with({ labels: { gpu: 2 }, retries: 1 }), trace, i))
    const contexts = await Promise.all(tasks)
    expect(contexts).toEqual(
      tasks.map(({ info }) => ({ id: info.taskId, name: 'context', attempt: 2, labels: { gpu: 2 } })),
    )
    expect(recordLogger.records.map(({ taskId }) => taskId).sort()).toEqual(contexts.map(({ id }) => id).sort())
    expect(recordLogger.records.map(({ attempts }) => attempts)).toEqual([2, 2, 2, 2, 2])
  })

  test('records when a task ran in its worker', async () => {
    await using engine = new Engine({ executor: new Pool({ maxWorkers: 1 }) })
    const trace = scratch.path()
    const open = scratch.path()
    scratch.open(open)
    const good = numbers(50).map((i) => engine.submit(holdNow, trace, i))
    const failed = engine.submit(run, trace, 'bad', 'exit')
    const late = engine.submit(spin.with({ timeout: 5, killAfter: 0 }), trace, 'late')
    await Promise.allSettled([...good, failed, late])
    let last = 0
    for (const { info } of good) {
      const { execution, submitTime, receivedTime, times } = info
      const [start, end] = [execution?.taskStartTime as number, execution?.taskEndTime as number]
      expect(start).toBeGreaterThanOrEqual(submitTime)
      // One after the other.
      expect(start).toBeGreaterThanOrEqual(last)
      expect(end).toBeGreaterThanOrEqual(start)
      expect(receivedTime).toBeGreaterThanOrEqual(end)
      const { waitingMs, queuedMs, runMs, transferMs } = times
      for (const ms of [waitingMs, queuedMs, runMs, transferMs]) expect(ms).toBeGreaterThanOrEqual(0)
      expect(waitingMs + queuedMs + runMs + transferMs).toBeCloseTo((receivedTime as number) - submitTime, 3)
      last = end - 0.01
    }
    for (const { info } of [failed, late]) {
      expect(info.status).toBe('failed')
      for (const ms of Object.values(info.times)) expect(ms).toBeGreaterThanOrEqual(0)
    }
    expect((await failureOf(late)).name).toBe('TimeoutError')
  })

  test(`tells its ${kind} of a task before its first call, in whichever lane that is`, async () => {
    await using pool = new Pool({ maxWorkers: 1, concurrency: 2 })
    await pool.submit(place)
    const calls = [pool.submit(echo, 1), pool.submit(echo, 2), pool.submit(size, 'abc'), pool.submit(echo, 3)]
    expect(await Promise.all(calls)).toEqual([1, 2, 3, 3])
  })
})
