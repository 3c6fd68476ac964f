import { describe, expect, test } from 'vitest'
import {
  asCompleted,
  type Completed,
  ConfigError,
  constant,
  Engine,
  InProcessExecutor,
  type TaskFuture,
  TimeoutError,
} from '../../src/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { type Deferred, deferred, reasonOf } from './support.ts'

/** Futures that are done when their gates are opened. */
function gated(engine: Engine, n: number): { gates: Deferred<number>[]; futures: TaskFuture<number>[] } {
  const gates = Array.from({ length: n }, () => deferred<number>())
  return { gates, futures: gates.map((gate) => engine.submit(() => gate.promise)) }
}

async function all<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of iterable) list.push(item)
  return list
}

const indices = (completed: readonly Completed[]): number[] => completed.map(({ index }) => index)

describe('asCompleted', () => {
  test('gives the futures in the order in which they are done, each with its index', async () => {
    await using engine = new Engine()
    const { gates, futures } = gated(engine, 3)
    const completed = all(asCompleted(futures))
    for (const i of [2, 0, 1]) {
      gates[i]?.resolve(i)
      await futures[i]
    }
    const seen = await completed
    expect(indices(seen)).toEqual([2, 0, 1])
    for (const { future, index } of seen) expect(future).toBe(futures[index])
  })

  test('gives what is done already first, in the order of the futures', async () => {
    await using engine = new Engine()
    const { gates, futures } = gated(engine, 2)
    const iterator = asCompleted([
      futures[0] as TaskFuture<number>,
      constant(1),
      futures[1] as TaskFuture<number>,
      constant(2),
    ])
    expect((await iterator.next()).value.index).toBe(1)
    expect((await iterator.next()).value.index).toBe(3)
    gates[1]?.resolve(0)
    expect((await iterator.next()).value.index).toBe(2)
    gates[0]?.resolve(0)
    expect((await iterator.next()).value.index).toBe(0)
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
  })

  test('gives failed and cancelled ones too, and does not throw for them', async () => {
    await using engine = new Engine()
    const failed = engine.submit((): number => {
      throw new Error('no')
    })
    const blocked = engine.submit((n: number) => n, failed)
    const cancelled = engine.submit((n: number) => n, new Promise<number>(() => {}))
    cancelled.cancel()
    const seen = await all(asCompleted([failed, blocked, cancelled]))
    expect(new Set(seen.map(({ future }) => future.info.status))).toEqual(new Set(['failed', 'blocked', 'cancelled']))
  })

  test('gives each once, at its first place, however often it is given', async () => {
    await using engine = new Engine()
    const a = engine.submit(() => 1)
    const b = engine.submit(() => 2)
    expect(indices(await all(asCompleted([a, b, a, b, b])))).toEqual([0, 1])
  })

  test('never gives a bare future, which for await would unwrap', async () => {
    await using engine = new Engine()
    const future = engine.submit(() => 'value')
    for await (const completed of asCompleted([future])) expect(completed).toStrictEqual({ future, index: 0 })
  })

  test('of nothing ends at once', async () => {
    expect(await all(asCompleted([]))).toEqual([])
    expect(await all(asCompleted([], { timeout: 1000 }))).toEqual([])
  })

  test('takes any iterable', async () => {
    await using engine = new Engine()
    const list = engine.map((n: number) => n, [1, 2, 3])
    function* generate() {
      yield* list
    }
    for (const futures of [list, new Set(list), generate()]) expect(await all(asCompleted(futures))).toHaveLength(3)
  })

  test('throws TimeoutError at the deadline, which counts from the call, and says how many are missing', async () => {
    const clock = new ManualClock()
    await using engine = new Engine({ clock })
    const { gates, futures } = gated(engine, 2)
    const iterator = asCompleted(futures, { timeout: 100 })
    await clock.advance(99)
    gates[1]?.resolve(1)
    expect((await iterator.next()).value.index).toBe(1)
    const next = reasonOf(iterator.next())
    await clock.advance(1)
    const error = (await next) as TimeoutError
    expect(error).toBeInstanceOf(TimeoutError)
    expect(error.message).toBe('1 (of 2) futures unfinished')
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
    gates[0]?.resolve(1)
  })

  test('gives what was done in time although it is read after the deadline', async () => {
    const clock = new ManualClock()
    await using engine = new Engine({ clock })
    const { gates, futures } = gated(engine, 3)
    const iterator = asCompleted(futures, { timeout: 100 })
    gates[0]?.resolve(1)
    gates[2]?.resolve(1)
    await Promise.all([futures[0], futures[2]])
    await clock.advance(1000)
    expect([(await iterator.next()).value.index, (await iterator.next()).value.index]).toEqual([0, 2])
    expect(await reasonOf(iterator.next())).toBeInstanceOf(TimeoutError)
    gates[1]?.resolve(1)
  })

  test('leaves no timer behind when all are done, nor when the loop is left', async () => {
    const clock = new ManualClock()
    await using engine = new Engine({ clock })
    const { gates, futures } = gated(engine, 2)
    const iterator = asCompleted(futures, { timeout: 100 })
    for await (const { index } of asCompleted([constant(1), ...futures], { timeout: 100 })) {
      expect(index).toBe(0)
      break
    }
    expect(clock.pending).toBe(1)
    for (const gate of gates) gate.resolve(1)
    await Promise.all(futures)
    expect(clock.pending).toBe(0)
    expect(await all(iterator)).toHaveLength(2)
  })

  test('leaving the loop cancels nothing and ends the iteration', async () => {
    await using engine = new Engine()
    const { gates, futures } = gated(engine, 3)
    gates[1]?.resolve(1)
    const iterator = asCompleted(futures)
    for await (const { index } of iterator) {
      expect(index).toBe(1)
      break
    }
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
    gates[0]?.resolve(0)
    gates[2]?.resolve(2)
    expect(await Promise.all(futures)).toEqual([0, 1, 2])
  })

  test('answers each of several calls of next that are made at once', async () => {
    await using engine = new Engine()
    const { gates, futures } = gated(engine, 2)
    const iterator = asCompleted(futures)
    const answers = [iterator.next(), iterator.next(), iterator.next()]
    gates[1]?.resolve(1)
    await futures[1]
    gates[0]?.resolve(0)
    const results = await Promise.all(answers)
    expect(results.map(({ done, value }) => (done ? 'end' : value.index))).toEqual([1, 0, 'end'])
  })

  test('ends a call of next that waits, when it is returned from', async () => {
    await using engine = new Engine()
    const { gates, futures } = gated(engine, 1)
    const iterator = asCompleted(futures)
    const next = iterator.next()
    await iterator.return?.()
    expect(await next).toEqual({ done: true, value: undefined })
    gates[0]?.resolve(0)
  })

  test('refuses a wrong option and what is no future at once, not at the first next', () => {
    const asCompleted_ = asCompleted as (...args: unknown[]) => unknown
    for (const timeout of [-1, Number.NaN, '10'])
      expect(() => asCompleted_([constant(1)], { timeout })).toThrow(ConfigError)
    expect(() => asCompleted_([constant(1)], { returnWhen: 'FIRST_COMPLETED' })).toThrow(
      /asCompleted has no option "returnWhen"; there are timeout/,
    )
    expect(() => asCompleted_([1])).toThrow(/element 0 of asCompleted is no future/)
    expect(() => asCompleted_(constant(1))).toThrow(/asCompleted takes an iterable of futures/)
  })

  test('a task that iterates over others of its engine lends its slot', async () => {
    await using engine = new Engine({ executor: new InProcessExecutor({ concurrency: 1 }) })
    const outer = engine.submit(async () => {
      const seen: number[] = []
      for await (const { index } of asCompleted([1, 2].map((n) => engine.submit((m: number) => m, n)))) seen.push(index)
      return seen
    })
    expect(await outer).toEqual([0, 1])
  })
})
