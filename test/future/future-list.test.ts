import { describe, expect, test, vi } from 'vitest'
import {
  CancelledError,
  ConfigError,
  constant,
  Engine,
  FutureList,
  futureDict,
  futureList,
  InProcessExecutor,
  isFuture,
  type TaskFuture,
  task,
  taskContext,
} from '../../src/index.ts'
import { deferred, reasonOf } from './support.ts'

const identity = task(function identity<T>(value: T) {
  return value
})
const failOn = (bad: number) =>
  task((n: number) => {
    if (n === bad) throw new Error(`no ${n}`)
    return n
  })

describe('a FutureList as an array', () => {
  test('has the futures as elements', async () => {
    await using engine = new Engine()
    const list = engine.map((n: number) => n * 2, [1, 2, 3])
    expect(list).toBeInstanceOf(FutureList)
    expect(Array.isArray(list)).toBe(true)
    expect(list).toHaveLength(3)
    expect(list.every(isFuture)).toBe(true)
    expect(await list[1]).toBe(4)
    expect(await Promise.all([...list])).toEqual([2, 4, 6])
  })

  test('its map, filter, slice, concat and flat make plain arrays', async () => {
    await using engine = new Engine()
    const list = engine.map((n: number) => n, [1, 2, 3])
    expect(list.map((_, i) => i)).toEqual([0, 1, 2])
    for (const made of [list.map((f) => f), list.filter(() => true), list.slice(1), list.concat([]), list.flat()])
      expect(Object.getPrototypeOf(made)).toBe(Array.prototype)
    expect(await Promise.all(list.map((future) => future.map((n) => n + 1)))).toEqual([2, 3, 4])
  })

  test('push adds to what is awaited', async () => {
    const list = futureList([constant(1)])
    list.push(constant(2))
    expect(await list).toEqual([1, 2])
  })
})

describe('awaiting a FutureList', () => {
  test('gives the values in order, whatever the order in which they come', async () => {
    await using engine = new Engine()
    const gates = [deferred<number>(), deferred<number>(), deferred<number>()]
    const list = engine.map(
      (gate) => gate,
      gates.map(({ promise }) => promise),
    )
    const values = list.then((all) => all)
    for (const i of [2, 0, 1]) {
      gates[i]?.resolve(i)
      await list[i]
    }
    expect(await values).toEqual([0, 1, 2])
    expect(await list).toEqual([0, 1, 2])
  })

  test('of an empty one gives an empty array', async () => {
    expect(await futureList([])).toEqual([])
    expect(await new Engine().map(identity, [])).toEqual([])
  })

  test('counts a future that stands in it twice', async () => {
    await using engine = new Engine()
    const future = engine.submit(() => 1)
    expect(await futureList([future, constant(2), future])).toEqual([1, 2, 1])
  })

  test('rejects at the first failure in time, and cancels nothing', async () => {
    await using engine = new Engine()
    const gates = [deferred<number>(), deferred<number>(), deferred<number>()]
    const list = futureList(gates.map((gate) => engine.submit(() => gate.promise)))
    const reason = reasonOf(list)
    gates[2]?.reject(new Error('first in time'))
    await list[2]?.exception()
    gates[0]?.reject(new Error('second in time'))
    expect(await reason).toHaveProperty('message', 'first in time')
    expect(list[1]?.done()).toBe(false)
    gates[1]?.resolve(1)
    expect(await list[1]).toBe(1)
  })

  test('rejects with a cancellation too, and at once when one has failed already', async () => {
    await using engine = new Engine()
    const pending = engine.submit(identity, new Promise(() => {}))
    const failed = engine.submit(failOn(1), 1)
    await failed.exception()
    expect(await reasonOf(futureList([pending, failed as TaskFuture<unknown>]))).toHaveProperty('message', 'no 1')
    const list = futureList([constant(1) as TaskFuture<unknown>, pending])
    pending.cancel()
    expect(await reasonOf(list)).toBeInstanceOf(CancelledError)
  })

  test('has then, catch and finally like a promise', async () => {
    await using engine = new Engine()
    const good = engine.map(identity, [1, 2])
    const bad = engine.map(failOn(2), [1, 2])
    const log: string[] = []
    expect(await good.then((values) => values.length)).toBe(2)
    expect(await good.catch(() => 'unused')).toEqual([1, 2])
    expect(await bad.catch((error) => (error as Error).message)).toBe('no 2')
    expect(await bad.then(undefined, () => 'rejected')).toBe('rejected')
    expect(await good.finally(() => log.push('finally'))).toEqual([1, 2])
    expect(await reasonOf(bad.finally(() => log.push('finally')))).toHaveProperty('message', 'no 2')
    expect(log).toEqual(['finally', 'finally'])
  })

  test('a task that awaits one of its own engine lends its slot', async () => {
    await using engine = new Engine({ executor: new InProcessExecutor({ concurrency: 1 }) })
    expect(await engine.submit(async () => (await engine.map((n: number) => n, [1, 2])).length)).toBe(2)
  })

  test('a task that returns one is joined', async () => {
    await using engine = new Engine({ executor: new InProcessExecutor({ concurrency: 1 }) })
    expect(await engine.submit(() => engine.map((n: number) => n * 2, [1, 2]))).toEqual([2, 4])
  })
})

describe('iterating over a FutureList', () => {
  test('gives the values in order', async () => {
    await using engine = new Engine()
    const seen: number[] = []
    for await (const value of engine.map((n: number) => n * 10, [1, 2, 3])) seen.push(value)
    expect(seen).toEqual([10, 20, 30])
  })

  test('gives a value as soon as it and those before it are there', async () => {
    await using engine = new Engine()
    const gate = deferred<number>()
    const list = futureList([constant(1), engine.submit(() => gate.promise)])
    const iterator = list[Symbol.asyncIterator]()
    expect(await iterator.next()).toEqual({ done: false, value: 1 })
    gate.resolve(2)
    expect(await iterator.next()).toEqual({ done: false, value: 2 })
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
  })

  test('throws a failure at its place, after the values before it, and ends', async () => {
    await using engine = new Engine()
    const seen: number[] = []
    const iterator = engine.map(failOn(3), [1, 2, 3, 4])[Symbol.asyncIterator]()
    const error = await reasonOf(
      (async () => {
        for await (const value of iterator) seen.push(value)
      })(),
    )
    expect(error).toHaveProperty('message', 'no 3')
    expect(seen).toEqual([1, 2])
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
  })

  test.each(['a failure', 'a break'])('%s cancels what has not started, and lets run what has', async (end) => {
    await using engine = new Engine({ executor: new InProcessExecutor({ concurrency: 2 }) })
    const started = deferred()
    const gate = deferred<number>()
    const ran: number[] = []
    const list = engine.map(
      async (n: number) => {
        ran.push(n)
        if (n === 1) started.resolve()
        if (n > 0) {
          const value = await gate.promise
          expect(taskContext().signal.aborted).toBe(false)
          return value
        }
        await started.promise
        if (end === 'a failure') throw new Error('no')
        return n
      },
      [0, 1, 2, 3, 4],
    )
    const loop = async () => {
      for await (const value of list) {
        expect(value).toBe(0)
        break
      }
    }
    if (end === 'a failure') expect(await reasonOf(loop())).toHaveProperty('message', 'no')
    else await loop()
    expect(list[1]?.running()).toBe(true)
    expect(list.slice(3).map((future) => future.cancelled())).toEqual([true, true])
    gate.resolve(1)
    expect(await list[1]).toBe(1)
    expect(ran).not.toContain(3)
    expect(ran).not.toContain(4)
  })

  test('to its end cancels nothing', async () => {
    await using engine = new Engine()
    const list = engine.map((n: number) => n, [1, 2])
    for await (const value of list) expect(value).toBeGreaterThan(0)
    expect(list.some((future) => future.cancelled())).toBe(false)
  })
})

describe('futureList', () => {
  test('takes the futures of any iterable', async () => {
    function* generate() {
      yield constant(1)
      yield constant(2)
    }
    expect(await futureList(generate())).toEqual([1, 2])
    expect(await futureList(new Set([constant(3)]))).toEqual([3])
  })

  test('is a list of its own: what it was made of may change', async () => {
    const futures = [constant(1)]
    const list = futureList(futures)
    futures.push(constant(2))
    expect(await list).toEqual([1])
  })

  test('refuses what is no future, naming its place and the cure', () => {
    expect(() => futureList([constant(1), 5 as never])).toThrow(TypeError)
    expect(() => futureList([constant(1), 5 as never])).toThrow(
      'element 1 of futureList is no future: wrap a value in constant()',
    )
    expect(() => futureList([Promise.resolve(1) as never])).toThrow(/element 0 of futureList/)
    expect(() => futureList(constant(1) as never)).toThrow(TypeError)
  })

  test('an iterable that throws throws from it', () => {
    const problem = new Error('no')
    function* generate(): Generator<TaskFuture<number>> {
      yield constant(1)
      throw problem
    }
    expect(() => futureList(generate())).toThrow(problem)
  })
})

describe('futureDict', () => {
  test('has the futures by key, and gives the values by key, in the same order', async () => {
    await using engine = new Engine()
    const dict = futureDict({ b: engine.submit(() => 'second'), a: engine.submit(() => 1) })
    expect(isFuture(dict.b)).toBe(true)
    expect(Object.keys(dict)).toEqual(['b', 'a'])
    const values = await dict
    expect(values).toEqual({ b: 'second', a: 1 })
    expect(Object.keys(values)).toEqual(['b', 'a'])
    expect(await futureDict({})).toEqual({})
  })

  test('rejects at the first failure, and cancels nothing', async () => {
    await using engine = new Engine()
    const gate = deferred<number>()
    const pending = engine.submit(() => gate.promise)
    const dict = futureDict({ pending, failed: engine.submit(failOn(1), 1) })
    expect(await reasonOf(dict)).toHaveProperty('message', 'no 1')
    gate.resolve(2)
    expect(await pending).toBe(2)
  })

  test('knows keys that mean something to the language', async () => {
    const odd = JSON.parse('{ "__proto__": 0, "constructor": 0, "toString": 0 }') as Record<string, unknown>
    for (const key of Object.keys(odd)) Object.defineProperty(odd, key, { value: constant(key), enumerable: true })
    const values = await futureDict(odd as Record<string, TaskFuture<string>>)
    expect(Object.entries(values).sort()).toEqual([
      ['__proto__', '__proto__'],
      ['constructor', 'constructor'],
      ['toString', 'toString'],
    ])
    expect(Object.getPrototypeOf(values)).toBe(Object.prototype)
  })

  test('refuses what is no future, and a future called then', () => {
    expect(() => futureDict({ a: constant(1), b: 2 as never })).toThrow(TypeError)
    expect(() => futureDict({ a: constant(1), b: 2 as never })).toThrow('"b" of futureDict is no future')
    // biome-ignore lint/suspicious/noThenProperty: on purpose
    expect(() => futureDict({ then: constant(1) })).toThrow(ConfigError)
    // biome-ignore lint/suspicious/noThenProperty: on purpose
    expect(() => futureDict({ then: constant(1) })).toThrow(/cannot be called "then"/)
  })

  test('handlers run once', async () => {
    const fulfilled = vi.fn()
    await futureDict({ a: constant(1) }).then(fulfilled)
    expect(fulfilled).toHaveBeenCalledExactlyOnceWith({ a: 1 })
  })
})
