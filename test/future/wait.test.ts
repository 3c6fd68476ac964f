import { describe, expect, test } from 'vitest'
import {
  ConfigError,
  constant,
  Engine,
  futureList,
  InProcessExecutor,
  type TaskFuture,
  task,
  wait,
} from '../../src/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { type Deferred, deferred } from './support.ts'

interface Run {
  readonly gate: Deferred<number>
  readonly future: TaskFuture<number>
}

/** Tasks that end when their gates are opened. */
function runs(engine: Engine, n: number): Run[] {
  return Array.from({ length: n }, () => {
    const gate = deferred<number>()
    return { gate, future: engine.submit(() => gate.promise) }
  })
}

const futuresOf = (all: readonly Run[]): TaskFuture<number>[] => all.map(({ future }) => future)

describe('wait', () => {
  test('returns when all are done, by default: succeeded, failed and cancelled ones', async () => {
    await using engine = new Engine()
    const [a, b] = runs(engine, 2) as [Run, Run]
    const c = engine.submit((n: number) => n, new Promise<number>(() => {}))
    const futures = [a.future, b.future, c]
    const waiting = wait(futures)
    let isBack = false
    waiting.then(() => {
      isBack = true
    })
    a.gate.resolve(1)
    b.gate.reject(new Error('no'))
    await b.future.exception()
    expect(isBack).toBe(false)
    c.cancel()
    expect(await waiting).toEqual({ done: new Set(futures), notDone: new Set() })
  })

  test('FIRST_COMPLETED returns with the first that is done, be it a failure', async () => {
    await using engine = new Engine()
    for (const settle of [(gate: Deferred<number>) => gate.resolve(1), (gate: Deferred<number>) => gate.reject('no')]) {
      const all = runs(engine, 3)
      const [a, b, c] = futuresOf(all)
      const waiting = wait(futuresOf(all), { returnWhen: 'FIRST_COMPLETED' })
      settle((all[1] as Run).gate)
      expect(await waiting).toEqual({ done: new Set([b]), notDone: new Set([a, c]) })
      for (const { gate } of all) gate.resolve(0)
    }
  })

  test('FIRST_COMPLETED returns with a cancelled one too', async () => {
    await using engine = new Engine()
    const [pending] = runs(engine, 1) as [Run]
    const cancelled = engine.submit((n: number) => n, new Promise<number>(() => {}))
    const waiting = wait([pending.future, cancelled], { returnWhen: 'FIRST_COMPLETED' })
    cancelled.cancel()
    expect((await waiting).done).toEqual(new Set([cancelled]))
    pending.gate.resolve(0)
  })

  test('FIRST_EXCEPTION returns with the first failure, a blocked child being one', async () => {
    await using engine = new Engine()
    const all = runs(engine, 3) as [Run, Run, Run]
    const [a, b, c] = all
    const waiting = wait(futuresOf(all), { returnWhen: 'FIRST_EXCEPTION' })
    a.gate.resolve(1)
    b.gate.reject(new Error('no'))
    expect(await waiting).toEqual({ done: new Set([a.future, b.future]), notDone: new Set([c.future]) })
    const blocked = engine.submit((n: number) => n, b.future)
    expect(await wait([c.future, blocked], { returnWhen: 'FIRST_EXCEPTION' })).toEqual({
      done: new Set([blocked]),
      notDone: new Set([c.future]),
    })
    c.gate.resolve(1)
  })

  test('FIRST_EXCEPTION ignores cancelled ones, but counts them as done', async () => {
    await using engine = new Engine()
    const [a, b] = runs(engine, 2) as [Run, Run]
    const cancelled = engine.submit((n: number) => n, new Promise<number>(() => {}))
    const futures = [cancelled, a.future, b.future]
    const waiting = wait(futures, { returnWhen: 'FIRST_EXCEPTION' })
    cancelled.cancel()
    a.gate.resolve(1)
    await a.future
    b.gate.resolve(2)
    expect(await waiting).toEqual({ done: new Set(futures), notDone: new Set() })
  })

  test('does not wait for what is done already', async () => {
    await using engine = new Engine()
    const [pending] = runs(engine, 1) as [Run]
    const done = constant(1)
    const failed = engine.submit((): number => {
      throw new Error('no')
    })
    await failed.exception()
    for (const futures of [
      [done, pending.future],
      [pending.future, done],
    ])
      expect(await wait(futures, { returnWhen: 'FIRST_COMPLETED' })).toEqual({
        done: new Set([done]),
        notDone: new Set([pending.future]),
      })
    expect((await wait([pending.future, failed], { returnWhen: 'FIRST_EXCEPTION' })).done).toEqual(new Set([failed]))
    expect((await wait([done, failed])).notDone).toEqual(new Set())
    pending.gate.resolve(1)
  })

  test('after the timeout it tells what is done by then, and never rejects', async () => {
    const clock = new ManualClock()
    await using engine = new Engine({ clock })
    const [a, b] = runs(engine, 2) as [Run, Run]
    const waiting = wait([a.future, b.future], { timeout: 100 })
    a.gate.resolve(1)
    await a.future
    await clock.advance(100)
    expect(await waiting).toEqual({ done: new Set([a.future]), notDone: new Set([b.future]) })
    b.gate.reject(new Error('later'))
    await b.future.exception()
    expect(clock.pending).toBe(0)
  })

  test('the timeout counts from the call', async () => {
    const clock = new ManualClock()
    await using engine = new Engine({ clock })
    const [a] = runs(engine, 1) as [Run]
    const waiting = wait([a.future], { timeout: 100 })
    await clock.advance(99)
    expect(clock.pending).toBe(1)
    await clock.advance(1)
    expect((await waiting).done.size).toBe(0)
    a.gate.resolve(1)
  })

  test('leaves no timer behind, and a timeout of 0 only looks', async () => {
    const clock = new ManualClock()
    await using engine = new Engine({ clock })
    const [a] = runs(engine, 1) as [Run]
    const looking = wait([a.future], { timeout: 0 })
    await clock.advance(0)
    expect((await looking).notDone.size).toBe(1)
    const waiting = wait([a.future], { timeout: 1000 })
    a.gate.resolve(1)
    expect((await waiting).done.size).toBe(1)
    expect(clock.pending).toBe(0)
  })

  test('of nothing returns two empty sets', async () => {
    for (const returnWhen of ['FIRST_COMPLETED', 'FIRST_EXCEPTION', 'ALL_COMPLETED'] as const)
      expect(await wait([], { returnWhen, timeout: 1000 })).toEqual({ done: new Set(), notDone: new Set() })
  })

  test('counts duplicates once', async () => {
    await using engine = new Engine()
    const [a] = runs(engine, 1) as [Run]
    const waiting = wait([a.future, a.future, a.future])
    a.gate.resolve(1)
    expect(await waiting).toEqual({ done: new Set([a.future]), notDone: new Set() })
  })

  test('takes any iterable: sets, generators, lists, views', async () => {
    await using engine = new Engine()
    const list = engine.map((n: number) => n, [1, 2])
    function* generate() {
      yield* list
    }
    for (const futures of [
      list,
      new Set(list),
      generate(),
      futureList(list),
      list.map((future) => future.map((n) => n)),
    ])
      expect((await wait(futures)).done.size).toBe(2)
  })

  test('may be called again and again on what is not done, and leaves nothing behind there', async () => {
    await using engine = new Engine()
    const [late] = runs(engine, 1) as [Run]
    const others = runs(engine, 5)
    for (const { gate } of others) gate.resolve(1)
    let pending = new Set([late.future, ...futuresOf(others)])
    while (pending.size > 1) {
      const { done, notDone } = await wait([constant(0), ...pending], { returnWhen: 'FIRST_COMPLETED' })
      expect(done.size).toBeGreaterThan(0)
      await wait([...pending].slice(1), { returnWhen: 'FIRST_COMPLETED' })
      pending = notDone
    }
    expect((late.future as unknown as { observers: unknown }).observers ?? []).toEqual([])
    late.gate.resolve(1)
  })

  test('refuses a wrong option and what is no future at once', async () => {
    await using engine = new Engine()
    const done = constant(1)
    const wait_ = wait as (...args: unknown[]) => unknown
    expect(() => wait_([done], { returnWhen: 'FIRST' })).toThrow(ConfigError)
    expect(() => wait_([done], { returnWhen: 'FIRST' })).toThrow(
      /returnWhen takes FIRST_COMPLETED, FIRST_EXCEPTION or ALL_COMPLETED, not "FIRST"/,
    )
    for (const timeout of [-1, Number.NaN, '10', null, 2 ** 31])
      expect(() => wait_([done], { timeout })).toThrow(/wait: timeout takes milliseconds/)
    expect(() => wait_([done], { returnwhen: 'FIRST_COMPLETED' })).toThrow(
      /wait has no option "returnwhen"; there are timeout, returnWhen/,
    )
    expect(() => wait_([done], 'FIRST_COMPLETED')).toThrow(/wait takes an object with options, not "FIRST_COMPLETED"/)
    expect(() => wait_([done, 5])).toThrow(TypeError)
    expect(() => wait_([done, Promise.resolve()])).toThrow(
      /element 1 of wait is no future: wrap a value in constant\(\)/,
    )
    expect(() => wait_(engine.submit(() => 1))).toThrow(/wait takes an iterable of futures, not an object/)
    expect(() => wait_(undefined)).toThrow(TypeError)
  })

  test('a task that waits for others of its engine lends its slot', async () => {
    await using engine = new Engine({ executor: new InProcessExecutor({ concurrency: 1 }) })
    const outer = engine.submit(
      task({ name: 'outer' }, async () => {
        const inner = [1, 2].map((n) => engine.submit((m: number) => m, n))
        return (await wait(inner)).done.size
      }),
    )
    expect(await outer).toBe(2)
  })
})
