import { describe, expect, test } from 'vitest'
import {
  CancelledError,
  type Engine,
  FutureDependencyExecutor,
  TimeoutError,
  task,
  taskContext,
} from '../../src/index.ts'
import { InjectedFault, summarizeGraph, TestEngine, VirtualClock } from '../../src/testing/index.ts'

const load = task({ name: 'load', retries: { limit: 3, delay: 60_000, backoff: 2 } }, async (id: number) => {
  await taskContext().clock.sleep(1000 * id)
  return id
})
const sum = task({ name: 'sum' }, (xs: readonly number[]) => xs.reduce((a, b) => a + b, 0))

async function workflow(engine: Engine): Promise<number> {
  return engine.submit(sum, engine.map(load, [1, 2, 3, 4, 5, 6, 7, 8]))
}

describe('a seed', () => {
  test('gives the same run again', async () => {
    const runs = await Promise.all([run(7), run(7)])
    expect(runs[0]).toEqual(runs[1])
  })

  test('another one gives another order, and the same result', async () => {
    const [one, other] = await Promise.all([run(1), run(2)])
    expect(one.result).toBe(other.result)
    expect(one.calls).not.toEqual(other.calls)
  })

  async function run(seed: number) {
    await using engine = new TestEngine({ seed, concurrency: 2, faults: [{ kind: 'fail', task: load, rate: 0.3 }] })
    const result = await workflow(engine)
    const calls = engine.calls.map(({ name, args, time, attempt }) => ({ name, args, time, attempt }))
    return { result, calls, faults: engine.injectedFaults.map(({ name, attempt }) => ({ name, attempt })) }
  }
})

describe('the virtual clock', () => {
  test('lets an hour pass at once', async () => {
    await using engine = new TestEngine()
    const started = performance.now()
    await engine.submit(
      task(async function wait() {
        await taskContext().clock.sleep(3_600_000)
      }),
    )
    expect(engine.clock.now()).toBe(3_600_000)
    expect(performance.now() - started).toBeLessThan(60_000)
  })

  test('drives timeouts, retry delays and the times of records', async () => {
    await using engine = new TestEngine({ faults: [{ kind: 'hang', task: 'load', times: 2 }] })
    const future = engine.submit(load.with({ timeout: 500 }), 0)
    expect(await future).toBe(0)
    expect(engine.callsOf(load).map(({ time }) => time)).toEqual([0, 60_500, 181_000])
    expect(future.info.times).toEqual({ waitingMs: 180_000, queuedMs: 0, transferMs: 0, runMs: 1000 })
  })

  test('stands still until it is advanced, if it is told to', async () => {
    const clock = new VirtualClock({ auto: false, start: 1000 })
    await using engine = new TestEngine({ clock })
    const future = engine.submit(load, 2)
    await clock.advance(1999)
    expect(future.done()).toBe(false)
    await clock.advance(1)
    expect(future.done()).toBe(true)
    expect(clock.now()).toBe(3000)
  })

  test('fires timers in order, those of the same time as they were set, and forgets cleared ones', async () => {
    const clock = new VirtualClock({ auto: false })
    const fired: string[] = []
    clock.setTimeout(() => fired.push('late'), 20)
    clock.setTimeout(() => fired.push('first'), 10)
    clock.setTimeout(() => fired.push('second'), 10)
    clock.clearTimeout(clock.setTimeout(() => fired.push('never'), 10))
    await clock.advance(15)
    expect(fired).toEqual(['first', 'second'])
    expect(clock.pending).toBe(1)
  })
})

describe('faults', () => {
  test('fail an attempt without running the body, and are reported', async () => {
    await using engine = new TestEngine({ faults: [{ kind: 'fail', task: 'sum' }] })
    const future = engine.submit(sum, [1])
    await expect(future).rejects.toThrow(InjectedFault)
    expect(engine.injectedFaults).toEqual([{ kind: 'fail', taskId: future.info.taskId, name: 'sum', attempt: 1 }])
  })

  test('strike a share of the attempts only', async () => {
    await using engine = new TestEngine({ seed: 3, faults: [{ kind: 'fail', task: /^su/, rate: 0.25 }] })
    const futures = Array.from({ length: 400 }, (_, i) => engine.submit(sum, [i]))
    const failed = (await Promise.allSettled(futures)).filter(({ status }) => status === 'rejected').length
    expect(failed).toBe(engine.injectedFaults.length)
    expect(failed).toBeGreaterThan(60)
    expect(failed).toBeLessThan(140)
  })

  test('delay a body on the virtual clock', async () => {
    await using engine = new TestEngine({ faults: [{ kind: 'delay', ms: 5000 }] })
    expect(await engine.submit(sum, [1, 2])).toBe(3)
    expect(engine.clock.now()).toBe(5000)
  })

  test('hang until the time is up, or the task is cancelled', async () => {
    await using engine = new TestEngine({ faults: [{ kind: 'hang' }] })
    await expect(engine.submit(sum.with({ timeout: 1000 }), [1])).rejects.toThrow(TimeoutError)
    const future = engine.submit(sum, [1])
    const started = new Promise((resolve) => engine.once('started', resolve))
    await started
    expect(future.cancel()).toBe(false)
    await expect(future).rejects.toThrow(CancelledError)
  })

  test('may have an error of their own, a predicate, and an end', async () => {
    const error = new Error('disk full')
    await using engine = new TestEngine({
      faults: [{ kind: 'fail', task: ({ attempt }) => attempt === 1, error, times: 1 }],
    })
    await expect(engine.submit(sum, [1])).rejects.toBe(error)
    expect(await engine.submit(sum, [1])).toBe(1)
  })

  test.for([
    [{ kind: 'explode' }, "faults[0]: kind takes 'fail', 'delay' or 'hang'"],
    [{}, 'faults[0]: kind takes'],
    [{ kind: 'fail', rate: 2 }, 'faults[0]: rate takes a number from 0 to 1, not 2'],
    [{ kind: 'fail', tasks: 'x' }, 'faults[0] has no option "tasks"'],
  ] as const)('%j is refused', ([fault, message]) => {
    expect(() => new TestEngine({ faults: [fault as never] })).toThrow(message)
  })
})

test('calls and graph tell what a workflow did', async () => {
  await using engine = new TestEngine({ executors: ['gpu'] })
  expect(await workflow(engine)).toBe(36)
  await engine.submit(sum.with({ executor: 'gpu' }), [1])
  expect(engine.callsOf(load)).toHaveLength(8)
  expect(engine.callsOf('sum').map(({ args }) => args)).toEqual([[[1, 2, 3, 4, 5, 6, 7, 8]], [[1]]])
  expect(summarizeGraph(engine.graph())).toEqual({
    tasks: { load: 8, sum: 2 },
    edges: { 'load -> sum': 8 },
    statuses: { succeeded: 10 },
  })
})

test('a body may wait for tasks of its own engine with one slot', async () => {
  await using engine = new TestEngine({ concurrency: 1 })
  const outer = task(async function outer(): Promise<number> {
    return engine.submit(sum, engine.map(load, [1, 2]))
  })
  expect(await engine.submit(outer)).toBe(3)
})

test('a dependency executor goes by the same rules', async () => {
  await using executor = new FutureDependencyExecutor(new TestEngine())
  expect(await executor.submit(sum, executor.map(load, [1, 2]))).toBe(3)
})
