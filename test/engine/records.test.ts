import { hostname } from 'node:os'
import { afterAll, describe, expect, test } from 'vitest'
import {
  Engine,
  InProcessExecutor,
  MemoryRecordLogger,
  type TaskFuture,
  type TaskInfo,
  task,
  taskContext,
} from '../../src/index.ts'
import { ProcessPoolExecutor } from '../../src/node/index.ts'
import { place, run, spin, untilAborted } from '../executor/pool/fault-tasks.ts'
import { Scratch } from '../executor/pool/scratch.ts'
import { gate } from '../support/gate.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { quiet } from '../support/quiet.ts'

const identity = task({ name: 'identity' }, (value: unknown) => value)
const START = 1_700_000_000_000

/** A body that takes so long on the clock of its engine. */
const taking = task({ name: 'taking' }, async (ms: number) => {
  await taskContext().clock.sleep(ms)
  return ms
})

function setUp(concurrency = Infinity, start = START) {
  const recordLogger = new MemoryRecordLogger()
  const clock = new ManualClock(start)
  const engine = new Engine({ recordLogger, clock, executor: new InProcessExecutor({ concurrency }) })
  return { engine, clock, records: recordLogger.records }
}

// --- How many, and when

test('each submitted task has one record, whatever became of it', async () => {
  const { engine, records } = setUp()
  const succeeded = engine.submit(identity, 1)
  const failed = engine.submit(
    task({ name: 'failing' }, () => {
      throw new Error('broken')
    }),
  )
  const blocked = engine.submit(identity, failed)
  const cancelled = engine.submit(identity, new Promise(() => {}))
  cancelled.cancel()
  const child = engine.submit(identity, cancelled)
  const unreadable = engine.submit(identity, {
    get value() {
      throw new Error('cannot be read')
    },
  })
  const futures = [succeeded, failed, blocked, cancelled, child, unreadable]
  await Promise.allSettled(futures)
  await engine.shutdown()
  const status = new Map(records.map((record) => [record.taskId, record.status]))
  expect(records).toHaveLength(futures.length)
  expect(futures.map(({ info }) => status.get(info.taskId))).toEqual([
    'succeeded',
    'failed',
    'blocked',
    'cancelled',
    'cancelled',
    'failed',
  ])
  expect(engine.tasksExecuted).toBe(futures.length)
})

test('a record is complete before those go on who await the task', async () => {
  const { engine, records } = setUp()
  const seen: unknown[] = []
  const future = engine.submit(identity, 1)
  future.addDoneCallback(() => seen.push(['callback', records.length, records[0]?.status]))
  await future.then(() => seen.push(['then', records.length]))
  expect(seen).toEqual([
    ['callback', 1, 'succeeded'],
    ['then', 1],
  ])
  expect(records[0]).toEqual(future.info)
})

test.each<[string, (future: TaskFuture<unknown>) => PromiseLike<unknown>]>([
  ['await', async (future) => await future],
  ['result()', (future) => future.result()],
  ['exception()', (future) => future.exception()],
  ['a view', async (future) => await future.map((value) => value)],
  ['catch', (future) => future.catch(() => {})],
])('a record is written before %s goes on, also where the task has settled already', async (_, use) => {
  const { engine, records } = setUp()
  const future = engine.submit(identity, { some: 'value' })
  await use(future)
  expect(records).toHaveLength(1)
  const waiting = engine.submit(identity, new Promise(() => {}))
  waiting.cancel()
  await use(waiting).then(
    () => {},
    () => {},
  )
  expect(records.map(({ status }) => status)).toEqual(['succeeded', 'cancelled'])
})

test('records of parents come before those of their children', async () => {
  const { engine, records } = setUp()
  const grandparent = engine.submit(task({ name: 'grandparent' }, () => 1))
  const parent = engine.submit(task({ name: 'parent' }, identity), grandparent)
  await engine.submit(task({ name: 'child' }, identity), parent)
  await engine.shutdown()
  expect(records.map(({ name }) => name)).toEqual(['grandparent', 'parent', 'child'])
})

test('what is submitted after shutdown has no record', async () => {
  const { engine, records } = setUp()
  await engine.shutdown()
  await engine.submit(identity, 1).exception()
  expect(records).toEqual([])
})

test('the elements of a map have a record each, in chunks too', async () => {
  const { engine, records } = setUp()
  await engine.map(identity.with({ chunkSize: 3 }), [1, 2, 3, 4, 5])
  await engine.shutdown()
  expect(records).toHaveLength(5)
  expect(new Set(records.map(({ taskId }) => taskId)).size).toBe(5)
})

// --- Identity

test('ids are unique, and sort in the order of submission', async () => {
  const { engine } = setUp()
  await using other = new Engine()
  const futures = engine.map(
    identity,
    Array.from({ length: 5000 }, (_, i) => i),
  )
  const ids = futures.map(({ info }) => info.taskId)
  expect(ids.toSorted()).toEqual(ids)
  expect(new Set([...ids, ...other.map(identity, [1, 2, 3]).map(({ info }) => info.taskId)]).size).toBe(5003)
  await engine.shutdown()
})

test('ids of a later engine sort after those of an earlier one', async () => {
  await using earlier = new Engine()
  const first = earlier.submit(identity, 1).info.taskId
  // Ids begin with the time in milliseconds.
  const now = Date.now()
  await expect.poll(() => Date.now(), { interval: 1 }).toBeGreaterThan(now + 1)
  await using later = new Engine()
  expect(later.submit(identity, 1).info.taskId > first).toBe(true)
})

test('parents are named once each, by id, at whatever depth they stand', async () => {
  const { engine, records } = setUp()
  const [a, b] = [engine.submit(identity, 1), engine.submit(identity, 2)]
  const list = engine.map(identity, [3, 4])
  const child = engine.submit(
    task({ name: 'child' }, (..._: unknown[]) => 1),
    a,
    [a, { deep: [b] }],
    new Map([[a, new Set([b])]]),
    list,
    b.map(String),
  )
  await child
  const record = records.find(({ name }) => name === 'child')
  expect(record?.parentTaskIds.toSorted()).toEqual([a, b, ...list].map(({ info }) => info.taskId).toSorted())
  expect(child.info.parentTaskIds).toEqual(record?.parentTaskIds)
})

test('foreign promises and constants are no parents in a record; tasks of another engine are', async () => {
  const { engine } = setUp()
  await using other = new Engine()
  const foreign = other.submit(identity, 1)
  const child = engine.submit(identity, [Promise.resolve(1), foreign])
  await child
  expect(child.info.parentTaskIds).toEqual([foreign.info.taskId])
})

// --- What a record says

test('a record of a task that succeeded', async () => {
  const { engine, clock, records } = setUp()
  await clock.advance(5)
  const future = engine.submit(taking.with({ labels: { gpu: 2 } }), 30)
  await clock.advance(30)
  await future
  expect(records).toEqual([
    {
      taskId: future.info.taskId,
      name: 'taking',
      parentTaskIds: [],
      submitTime: START + 5,
      receivedTime: START + 35,
      success: true,
      exception: null,
      execution: {
        hostname: hostname(),
        executionStartTime: START + 5,
        executionEndTime: START + 35,
        taskStartTime: START + 5,
        taskEndTime: START + 35,
        inputTransformStartTime: START + 5,
        inputTransformEndTime: START + 5,
        resultTransformStartTime: START + 35,
        resultTransformEndTime: START + 35,
      },
      status: 'succeeded',
      attempts: 1,
      times: { waitingMs: 0, queuedMs: 0, transferMs: 0, runMs: 30 },
      executor: 'default',
      host: hostname(),
      worker: null,
      labels: { gpu: 2 },
      bytes: 0,
    } satisfies TaskInfo,
  ])
})

test('a record of a task that failed has the class, the message and the stack of its error, and its times', async () => {
  const { engine, clock, records } = setUp()
  const error = new RangeError('out of range')
  const future = engine.submit(
    task({ name: 'failing' }, async () => {
      await taskContext().clock.sleep(20)
      throw error
    }),
  )
  await clock.advance(20)
  await future.exception()
  expect(records[0]).toMatchObject({
    success: false,
    status: 'failed',
    exception: { type: 'RangeError', message: 'out of range', traceback: error.stack },
    execution: null,
    attempts: 1,
    receivedTime: START + 20,
    times: { waitingMs: 0, queuedMs: 0, transferMs: 0, runMs: 20 },
  })
})

test.each([
  ['a string', 'oops', { type: 'string', message: 'oops', traceback: '' }],
  ['undefined', undefined, { type: 'undefined', message: 'undefined', traceback: '' }],
  ['null', null, { type: 'object', message: 'null', traceback: '' }],
  ['a symbol', Symbol('s'), { type: 'symbol', message: 'Symbol(s)', traceback: '' }],
])('%s can be thrown too', async (_, thrown, exception) => {
  const { engine, records } = setUp()
  const future = engine.submit(() => {
    throw thrown
  })
  await future.exception()
  expect(records[0]?.exception).toEqual(exception)
})

test('a record of a blocked task names the error that it was blocked with', async () => {
  const { engine, clock, records } = setUp()
  const failed = engine.submit(async () => {
    await taskContext().clock.sleep(40)
    throw new Error('broken')
  })
  const blocked = engine.submit(identity, failed)
  await clock.advance(40)
  await blocked.exception()
  expect(records[1]).toMatchObject({
    name: 'identity',
    parentTaskIds: [failed.info.taskId],
    success: false,
    status: 'blocked',
    exception: { type: 'DependencyError' },
    execution: null,
    attempts: 0,
    receivedTime: START + 40,
    times: { waitingMs: 40, queuedMs: 0, transferMs: 0, runMs: 0 },
  })
})

test('while a task runs its info says how far it is', async () => {
  const { engine, clock } = setUp(1)
  const parent = gate<number>()
  const future = engine.submit(taking, parent.promise)
  expect(future.info).toMatchObject({
    status: 'waiting',
    receivedTime: null,
    success: null,
    exception: null,
    execution: null,
    attempts: 0,
  })
  await clock.advance(10)
  expect(future.info.times).toEqual({ waitingMs: 10, queuedMs: 0, transferMs: 0, runMs: 0 })
  parent.open(100)
  await clock.advance(25)
  expect(future.info).toMatchObject({
    status: 'running',
    receivedTime: null,
    success: null,
    execution: null,
    attempts: 1,
    times: { waitingMs: 10, queuedMs: 0, transferMs: 0, runMs: 25 },
  })
  await clock.advance(75)
  expect(await future).toBe(100)
})

// --- Where the time went

describe.each([
  ['that begins at 0', 0],
  ['that shows the time of day', START],
])('with a clock %s', (_, start) => {
  test('time that waits for parents, for a slot, and in the body is told apart', async () => {
    const { engine, clock, records } = setUp(1, start)
    const parent = engine.submit(taking, 10)
    const blocker = engine.submit(taking, 25)
    const child = engine.submit(
      task({ name: 'child' }, (ms: number) => taskContext().clock.sleep(ms)),
      parent,
    )
    await clock.advance(100)
    await Promise.all([parent, blocker, child])
    expect(records.map(({ name, times }) => [name, times.waitingMs, times.queuedMs, times.runMs])).toEqual([
      ['taking', 0, 0, 10],
      ['taking', 0, 10, 25],
      ['child', 10, 25, 10],
    ])
    const times = records.map(({ submitTime, receivedTime }) => [submitTime - start, (receivedTime ?? NaN) - start])
    expect(times).toEqual([
      [0, 10],
      [0, 35],
      [0, 45],
    ])
  })

  test('time that waits for a foreign promise is waiting, not queued', async () => {
    const { engine, clock, records } = setUp(1, start)
    const parent = gate<number>()
    const future = engine.submit(taking, parent.promise)
    await clock.advance(30)
    parent.open(7)
    await clock.advance(7)
    await future
    expect(records[0]?.times).toEqual({ waitingMs: 30, queuedMs: 0, transferMs: 0, runMs: 7 })
  })

  test('the times of all attempts are added up, the delay between them is waiting', async () => {
    const { engine, clock, records } = setUp(1, start)
    const flaky = engine.submit(
      task({ retries: { limit: 1, delay: 50 } }, async () => {
        await taskContext().clock.sleep(taskContext().attempt === 1 ? 10 : 30)
        if (taskContext().attempt === 1) throw new Error('again')
      }),
    )
    const other = engine.submit(taking, 70)
    await clock.advance(500)
    await Promise.all([flaky, other])
    // Fails at 10, is due at 60, and has its slot at 80.
    expect(records[1]).toMatchObject({
      attempts: 2,
      receivedTime: start + 110,
      times: { waitingMs: 50, queuedMs: 20, transferMs: 0, runMs: 40 },
      execution: { taskStartTime: start + 80, taskEndTime: start + 110 },
    })
  })

  test('the times of a cancelled task are told up to its end', async () => {
    const { engine, clock, records } = setUp(1, start)
    const blocker = engine.submit(taking, 100)
    const queued = engine.submit(identity, 1)
    const waiting = engine.submit(identity, blocker)
    const running = engine.submit(taking, 1000)
    await clock.advance(40)
    queued.cancel()
    waiting.cancel()
    await clock.advance(110)
    running.cancel()
    await Promise.allSettled([blocker, queued, waiting, running])
    const times = new Map(records.map((record) => [record.taskId, record.times]))
    expect(times.get(queued.info.taskId)).toEqual({ waitingMs: 0, queuedMs: 40, transferMs: 0, runMs: 0 })
    expect(times.get(waiting.info.taskId)).toEqual({ waitingMs: 40, queuedMs: 0, transferMs: 0, runMs: 0 })
    expect(times.get(running.info.taskId)).toEqual({ waitingMs: 0, queuedMs: 100, transferMs: 0, runMs: 50 })
  })

  test('a task whose time is up has run that long', async () => {
    const { engine, clock, records } = setUp(1, start)
    const future = engine.submit(taking.with({ timeout: 60 }), 1000)
    await clock.advance(60)
    await future.exception()
    expect(records[0]).toMatchObject({
      status: 'failed',
      exception: { type: 'TimeoutError' },
      receivedTime: start + 60,
      times: { waitingMs: 0, queuedMs: 0, transferMs: 0, runMs: 60 },
    })
  })

  test('a task that is joined is received when the future is done that it returned; its body ran before', async () => {
    const { engine, clock, records } = setUp(1, start)
    const outer = engine.submit(task({ name: 'outer' }, () => engine.submit(taking, 80)))
    await clock.advance(80)
    await outer
    expect(records.find(({ name }) => name === 'outer')).toMatchObject({
      receivedTime: start + 80,
      execution: { taskStartTime: start, taskEndTime: start },
      times: { waitingMs: 0, queuedMs: 0, transferMs: 0, runMs: 0 },
    })
  })

  test('chunks that wait for parents start when the last of them is ready', async () => {
    const { engine, clock, records } = setUp(1, start)
    const parent = gate<number>()
    const list = engine.map(taking.with({ chunkSize: 2 }), [5, parent.promise])
    list[0]?.cancel()
    await clock.advance(15)
    parent.open(5)
    await clock.advance(5)
    expect(await list[1]).toBe(5)
    expect(records.map(({ status, times }) => [status, times.waitingMs, times.queuedMs, times.runMs])).toEqual([
      ['cancelled', 0, 0, 0],
      ['succeeded', 15, 0, 5],
    ])
  })
})

test('times of the system clock are plausible', async () => {
  const recordLogger = new MemoryRecordLogger()
  await using engine = new Engine({ recordLogger })
  const before = Date.now()
  const parent = engine.submit(() => new Promise((resolve) => setImmediate(resolve)))
  await engine.submit(identity, parent)
  const after = Date.now()
  for (const { submitTime, receivedTime, times, execution } of recordLogger.records) {
    expect(submitTime).toBeGreaterThan(before - 1000)
    expect(receivedTime).toBeGreaterThanOrEqual(submitTime)
    expect(receivedTime).toBeLessThan(after + 1000)
    expect(times.waitingMs + times.queuedMs + times.runMs).toBeCloseTo((receivedTime ?? NaN) - submitTime, 6)
    expect(Math.min(...Object.values(times))).toBeGreaterThanOrEqual(0)
    expect(execution?.taskStartTime).toBeGreaterThanOrEqual(submitTime)
    expect(execution?.taskEndTime).toBeLessThanOrEqual(receivedTime ?? NaN)
  }
  expect(recordLogger.records).toHaveLength(2)
})

test('records hold no values: what they say does not change later', async () => {
  const { engine, records } = setUp()
  const future = engine.submit(identity, { large: 'value' })
  await future
  const written = JSON.stringify(records[0])
  await engine.shutdown()
  await quiet()
  expect(JSON.stringify(records[0])).toBe(written)
  expect(written).not.toContain('large')
})

// --- Where it ran

test('a task that runs in process has a host from when it begins, and no worker', async () => {
  const { engine, clock } = setUp(1)
  const [running, queued] = [engine.submit(taking, 10), engine.submit(taking, 10)]
  const nowhere = { host: null, worker: null }
  const here = { host: hostname(), worker: null }
  expect(running.info).toMatchObject(nowhere)
  await clock.advance(5)
  expect(running.info).toMatchObject(here)
  expect(queued.info).toMatchObject(nowhere)
  queued.cancel()
  const failed = engine.submit(() => {
    throw new Error('broken')
  })
  const blocked = engine.submit(identity, failed)
  await clock.advance(5)
  await Promise.allSettled([running, queued, failed, blocked])
  expect([running, failed].map(({ info }) => info)).toMatchObject([here, here])
  expect([queued, blocked].map(({ info }) => info)).toMatchObject([nowhere, nowhere])
})

describe('on workers', () => {
  const scratch = new Scratch()
  afterAll(() => scratch.remove())

  test('a record names the worker, whether the task succeeded, failed, was told to stop, or ran for too long', async () => {
    const recordLogger = new MemoryRecordLogger()
    await using engine = new Engine({
      recordLogger,
      executor: new ProcessPoolExecutor({ maxWorkers: 1, killAfter: 10 }),
    })
    const where = { host: hostname(), worker: `process ${await engine.submit(place)}` }
    expect(await engine.submit(run, '/no/such/folder/trace', 'it').exception()).toMatchObject({ code: 'ENOENT' })
    const trace = scratch.path()
    const cancelled = engine.submit(untilAborted, trace)
    await scratch.written(trace, 'begun')
    expect(cancelled.info).toMatchObject({ status: 'running', host: null, worker: null })
    cancelled.cancel()
    await Promise.allSettled([cancelled])
    await engine.submit(spin.with({ timeout: 10 }), scratch.path(), 'it').exception()
    expect(recordLogger.records.map(({ status, host, worker }) => ({ status, host, worker }))).toEqual([
      { status: 'succeeded', ...where },
      { status: 'failed', ...where },
      { status: 'cancelled', ...where },
      { status: 'failed', ...where },
    ])
  })

  test('a record names the worker of the last attempt', async () => {
    await using engine = new Engine({ executor: new ProcessPoolExecutor({ maxWorkers: 1 }) })
    const first = await engine.submit(place)
    const gone = engine.submit(run.with({ retries: { limit: 1, delay: 3_600_000 } }), scratch.path(), 'it', 'exit')
    await new Promise((resolve) => engine.on('retried', resolve))
    expect(gone.info).toMatchObject({ status: 'waiting', attempts: 1, host: null, worker: null })
    gone.cancel()
    const again = engine.submit(run.with({ retries: 1 }), scratch.path(), 'it', 'exit')
    await again.exception()
    expect(again.info).toMatchObject({ attempts: 2, host: hostname() })
    expect(again.info.worker).toMatch(/^process \d+$/)
    expect(again.info.worker).not.toBe(`process ${first}`)
    expect(await again.exception()).toMatchObject({
      message: expect.stringContaining(`(${again.info.worker} on ${hostname()})`),
    })
  })
})
