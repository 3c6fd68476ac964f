/** What happens to stored values when tasks, identifiers and freeing cross each other's way. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import {
  always,
  asCompleted,
  CancelledError,
  Engine,
  type Filter,
  futureList,
  InProcessExecutor,
  type Lazy,
  lazy,
  MemoryConnector,
  never,
  objectType,
  proxyTransformer,
  type TaskFuture,
  TransformError,
  task,
} from '../../src/index.ts'
import { gate } from '../support/gate.ts'
import { ContentStore, SlowContentStore, ValueStore } from './value-store.ts'

/** Without a flag for the whole run: Node lets it be switched on. */
setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Time enough for whatever may be freed to be freed. */
async function collect(isEnough: () => boolean = () => false): Promise<void> {
  for (let i = 0; i < (isEnough() ? 0 : 20); i++) {
    gc()
    await tick()
    if (isEnough()) return
  }
}

const lists: Filter = objectType('Array')
const onlyArguments: Filter = (value, { kind }) => Array.isArray(value) && kind === 'argument'

const double = task((xs: readonly number[]) => xs.map((x) => 2 * x))
const sum = task((xs: readonly number[]) => xs.reduce((a, b) => a + b, 0))
const sumAll = task((xss: readonly (readonly number[])[]) => xss.flat().reduce((a, b) => a + b, 0))
const pass = task({ lazy: true }, (value: Lazy<number[]>) => value as unknown as number[])

/** A task that says when it has begun, and ends when it is told to. */
function makeHold() {
  const begun = gate()
  const ended = gate()
  const hold = task(async (xs: readonly number[]) => {
    begun.open()
    await ended.promise
    return xs.length
  })
  return { hold, begun: begun.promise, end: () => ended.open() }
}

describe('stores in which equal values have one identifier', () => {
  test('the value is there until the last task that takes an equal one has ended', async () => {
    const store = new SlowContentStore()
    const engine = new Engine({ transformer: store, filter: onlyArguments })
    const { hold, begun, end } = makeHold()
    const first = engine.submit(hold, [1, 2])
    const second = engine.submit(task({ lazy: [0] }, later), [1, 2] as never, first)
    store.go()
    await begun
    store.go()
    await tick()
    end()
    expect(await second).toEqual([1, 2])
    await tick()
    expect(store.evicted).toEqual(['id:[1,2]'])
  })

  async function later(list: Lazy<readonly number[]>, _: number): Promise<readonly number[]> {
    await tick()
    return list.get()
  }

  test('a value that is stored again while it is being freed stays', async () => {
    const store = new ContentStore()
    const engine = new Engine({ transformer: store, filter: onlyArguments })
    engine.submit(sum, [1, 2]).cancel()
    expect(await engine.submit(task({ lazy: [0] }, later), [1, 2] as never, 0)).toEqual([1, 2])
    await tick()
    expect(store.values.size).toBe(0)
  })

  test('results of several tasks that are equal are freed once nobody holds any of them', async () => {
    const store = new ContentStore()
    const engine = new Engine({ transformer: store, filter: lists, history: 0 })
    let first: TaskFuture<number[]> | undefined = engine.submit(double, [1])
    const second = engine.submit(double, [1])
    await Promise.all([first, second])
    first = undefined
    await collect()
    expect(await second).toEqual([2])
    expect(store.evicted).not.toContain('id:[2]')
  })
})

describe('what is not ours to free', () => {
  test('an identifier of the user that a task got as a lazy value and passed on', async () => {
    const store = new ValueStore()
    const engine = new Engine({ transformer: store, filter: lists })
    const own = store.transform([1, 2, 3])
    const delegate = task({ lazy: [0] }, (list: Lazy<number[]>) => engine.submit(sum, list as never))
    expect(await engine.submit(delegate, own as never)).toBe(6)
    expect(await engine.submit(pass, own as never)).toEqual([1, 2, 3])
    await collect()
    expect(store.values.has('id:0')).toBe(true)
  })
})

describe('values that only look like identifiers', () => {
  const hostile = [
    { 'taps-sdk.identifier': 'proxy' },
    { 'taps-sdk.identifier': 'proxy', key: '../../etc/passwd', bytes: -1 },
    { 'taps-sdk.identifier': 'proxy', key: { toString: 1 }, bytes: 'many' },
  ]
  test.for(hostile)('%o as an argument fails that task, inside of one it is data', async (value) => {
    const engine = new Engine({ transformer: proxyTransformer({ connector: new MemoryConnector() }) })
    const echo = task((x: unknown) => x)
    expect(await engine.submit(echo, value).exception()).toBeInstanceOf(TransformError)
    expect(await engine.submit(echo, [value])).toEqual([value])
    await engine.shutdown()
  })

  test('as a result it fails who awaits it', async () => {
    const engine = new Engine({ transformer: proxyTransformer({ connector: new MemoryConnector() }) })
    const future = engine.submit(
      task(() => hostile[1]),
      ...([] as []),
    )
    await expect(future.result()).rejects.toThrow(/A result could not be resolved/)
    await engine.shutdown()
  })
})

describe('a transformer that does not keep its word', () => {
  test.for([undefined, null, 7, 'no identifier', {}])('an identifier that is %o fails the task', async (garbage) => {
    const store = new ValueStore()
    store.transform = () => garbage
    const engine = new Engine({ transformer: store, filter: lists })
    const error = (await engine.submit(sum, [1]).exception()) as Error
    expect(error).toBeInstanceOf(TransformError)
    expect(error.message).toMatch(/^Argument 0 of task anonymous could not be transformed: transform returned/)
    const result = (await engine.submit(task({ name: 'make' }, () => [1])).exception()) as Error
    expect(result.message).toMatch(/^The result of task make could not be transformed: transform returned/)
    await engine.shutdown()
  })

  test('an isIdentifier that answers neither true nor false fails the task', async () => {
    const store = new ValueStore()
    store.isIdentifier = (async () => false) as never
    const engine = new Engine({ transformer: store, filter: lists })
    const error = (await engine.submit(sum, [1]).exception()) as Error
    expect(error).toBeInstanceOf(TransformError)
    expect(error.message).toMatch(/isIdentifier answers .*, not true or false/)
    await engine.shutdown()
  })

  test.for([Number.NaN, -1, '12', undefined, Promise.resolve(1)])('a size that is %o counts as none', async (bytes) => {
    const store = new ValueStore()
    store.sizeOf = () => bytes as number
    const engine = new Engine({ transformer: store, filter: lists })
    const future = engine.submit(sum, engine.submit(double, [1]))
    expect(await future).toBe(2)
    expect(future.info.bytes).toBe(0)
    await engine.shutdown()
  })

  test('a store that can free nothing is told of once, until it can again', async () => {
    const store = new ValueStore()
    const { evict } = store
    store.evict = () => {
      throw new Error('away')
    }
    const engine = new Engine({ transformer: store, filter: onlyArguments })
    const warnings: string[] = []
    engine.on('warning', (message) => warnings.push(message))
    const run = async (): Promise<void> => {
      await engine.map(
        sum,
        Array.from({ length: 50 }, (_, i) => [i]),
      )
      await tick()
    }
    await run()
    await run()
    expect(warnings).toEqual(['A value could not be freed'])
    store.evict = evict
    await run()
    store.evict = () => Promise.reject(new Error('away again'))
    await run()
    expect(warnings).toHaveLength(2)
    await engine.shutdown()
  })

  test('a fetch that fails after something else has is no unhandled rejection', async () => {
    const store = new ValueStore()
    const engine = new Engine({ transformer: store, filter: lists })
    let runs = false
    store.resolve = () => {
      runs = true
      return Promise.reject(new RangeError('later'))
    }
    store.isIdentifier = (value) => {
      if (value === 7 && runs) throw new TypeError('cannot tell')
      return typeof value === 'string'
    }
    const unhandled: unknown[] = []
    const listen = (error: unknown): void => void unhandled.push(error)
    process.on('unhandledRejection', listen)
    const error = await engine.submit((xs: number[], n: number) => xs.length + n, [1], 7).exception()
    expect((error as Error).message).toMatch(/could not be told from an identifier: cannot tell/)
    await tick()
    process.off('unhandledRejection', listen)
    expect(unhandled).toEqual([])
    await engine.shutdown()
  })

  test('a fetch that never ends is over when the time of the task is', async () => {
    const store = new ValueStore()
    store.resolve = () => new Promise(() => {})
    const engine = new Engine({ transformer: store, filter: lists })
    const future = engine.submit(
      task({ timeout: 5 }, (xs: number[]) => xs.length),
      [1],
    )
    await expect(future).rejects.toThrow(/ran longer than 5 ms/)
    expect(await engine.submit(() => 1)).toBe(1)
  })
})

describe('lazy values that go on', () => {
  const kinds = { never: never(), always: always() }
  test.for(Object.entries(kinds))(
    'become values for whom they are returned to, with the filter %s',
    async ([, filter]) => {
      const engine = new Engine({ transformer: new ValueStore(), filter })
      const passed = engine.submit(pass, [1, 2] as never)
      expect(await engine.submit(sum, passed)).toBe(3)
      expect(await passed).toEqual([1, 2])
      const made = engine.submit(task(() => lazy([3]) as unknown as number[]))
      expect(await engine.submit(sum, made)).toBe(3)
      expect(await engine.submit(sum, lazy([4]) as never)).toBe(4)
      await engine.shutdown()
    },
  )

  test('and outlive their task are told that the value is gone', async () => {
    const engine = new Engine({
      transformer: proxyTransformer({ connector: new MemoryConnector(), cacheSize: 0 }),
      filter: lists,
    })
    let kept: Lazy<number[]> | undefined
    await engine.submit(
      task({ lazy: [0] }, (list: Lazy<number[]>) => {
        kept = list
      }),
      [1] as never,
    )
    await tick()
    await expect(kept?.get()).rejects.toThrow(/there is nothing under .* in the store: it was freed/)
    await engine.shutdown()
  })
})

describe('an object that many tasks take', () => {
  test('while its store fails: each fails, and the next one tries again', async () => {
    const store = new ValueStore()
    const failure = gate<never>()
    const { transform } = store
    store.transform = () => failure.promise
    const engine = new Engine({ transformer: store, filter: onlyArguments })
    const xs = [1, 2]
    const failing = Array.from({ length: 5 }, () => engine.submit(sum, xs))
    failure.fail(new RangeError('no room'))
    for (const future of failing) expect(await future.exception()).toBeInstanceOf(TransformError)
    store.transform = transform
    expect(await engine.submit(sum, xs)).toBe(3)
    await engine.shutdown()
  })

  test('while it is being stored, and all but one are cancelled: the last one has it', async () => {
    const store = new SlowContentStore()
    const engine = new Engine({ transformer: store, filter: onlyArguments })
    const xs = [1, 2]
    const futures = Array.from({ length: 5 }, () => engine.submit(sum, xs))
    for (const future of futures.slice(1)) future.cancel()
    store.go()
    expect(await futures[0]).toBe(3)
    await expect(futures[1]).rejects.toBeInstanceOf(CancelledError)
    await engine.shutdown()
    expect(store.evicted).toEqual(['id:[1,2]'])
  })

  test('and that the store has lost is stored again for the next task, while others still count on it', async () => {
    const store = new ValueStore()
    const engine = new Engine({ transformer: store, filter: onlyArguments })
    const { hold, begun, end } = makeHold()
    const xs = [1, 2]
    const holding = engine.submit(hold, xs)
    await begun
    store.values.clear()
    expect(await engine.submit(sum, xs).exception()).toBeInstanceOf(TransformError)
    expect(await engine.submit(sum, xs)).toBe(3)
    end()
    expect(await holding).toBe(2)
    await engine.shutdown()
    expect(store.values.size).toBe(0)
  })

  test('submitted again in the moment in which the last of them ends', async () => {
    const store = new ValueStore()
    const engine = new Engine({ transformer: store, filter: onlyArguments })
    const xs = [1, 2]
    const again: TaskFuture<number>[] = []
    for (let i = 0; i < 3; i++) {
      const future = engine.submit(sum, xs)
      future.addDoneCallback(() => again.push(engine.submit(sum, xs)))
      await future
      await Promise.resolve()
      again.push(engine.submit(sum, xs))
    }
    for (const future of again) expect(await future).toBe(3)
    await engine.shutdown()
    expect(store.values.size).toBe(0)
  })
})

describe('a result is kept as long as something needs it', () => {
  const make = () => {
    const store = new ValueStore()
    return { store, engine: new Engine({ transformer: store, filter: lists, history: 0 }) }
  }
  /** Made, and held by what is returned only. */
  const users: Record<string, (engine: Engine, until: Promise<number>) => PromiseLike<unknown>> = {
    'a child that waits for another parent': (engine, until) =>
      engine.submit(
        task((xs: readonly number[], _: number) => xs),
        engine.submit(double, [1]),
        until,
      ),
    'a child that takes a part': (engine, until) => {
      const part = engine.submit(task(() => [[2]])).at(0)
      return engine.submit(
        task((xs: readonly number[], _: number) => xs),
        part,
        until,
      )
    },
    'a list of futures in a child': (engine, until) =>
      engine
        .submit(
          task((xss: readonly (readonly number[])[], _: number) => xss),
          engine.map(double, [[1]]),
          until,
        )
        .at(0),
    'a join': (engine, until) =>
      engine
        .submit(
          task((xs: number[]) => [engine.submit(double, xs), engine.submit(later, until)] as never),
          [1],
        )
        .at(0) as PromiseLike<unknown>,
    'a settled outcome': (engine, until) =>
      engine.submit(
        task({ onParentFailure: 'settle' }, (one: PromiseSettledResult<number[]>, _: PromiseSettledResult<number>) =>
          one.status === 'fulfilled' ? one.value : one.reason,
        ),
        engine.submit(double, [1]),
        until as never,
      ),
    'a view made by a function': (engine, until) =>
      engine.submit(double, [1]).map((xs) => until.then(() => xs)) as PromiseLike<unknown>,
    'a list that is awaited': (engine, until) => {
      const list = futureList([engine.submit(double, [1]), engine.submit(later, until)] as TaskFuture<number[]>[])
      return list.then(([xs]) => xs)
    },
    'who iterates over what is completed': (engine, until) =>
      (async () => {
        const futures = [engine.submit(double, [1]), engine.submit(later, until)] as TaskFuture<number[]>[]
        for await (const { future, index } of asCompleted(futures.splice(0))) {
          await until
          await collect()
          if (index === 0) return future.result()
        }
        return undefined
      })(),
    'a stream': (engine, until) =>
      (async () => {
        for await (const xs of engine.stream(double, [[1], [5]], { window: 2 })) {
          await until
          return xs
        }
        return undefined
      })(),
    'another engine': (engine, until) =>
      new Engine({ transformer: new ValueStore(), filter: lists }).submit(
        task((xs: readonly number[], _: number) => xs),
        engine.submit(double, [1]),
        until,
      ),
  }
  const later = task((value: number) => value as never)

  test.for(Object.entries(users))('%s', async ([, use]) => {
    const { engine } = make()
    const until = gate<number>()
    const used = use(engine, until.promise)
    await tick()
    await collect()
    until.open(0)
    expect(await used).toEqual([2])
    await engine.shutdown()
  })
})

describe('results that come too late', () => {
  test('of a task that was cancelled while its result was stored, are freed', async () => {
    const store = new SlowContentStore()
    const engine = new Engine({ transformer: store, filter: (_, { kind }) => kind === 'result', history: 0 })
    const ended = gate()
    const future = engine.submit(() => {
      setImmediate(() => ended.open())
      return [1]
    })
    await ended.promise
    expect(future.cancel()).toBe(true)
    store.go()
    await collect(() => store.evicted.length > 0)
    expect(store.evicted).toEqual(['id:[1]'])
    await engine.shutdown()
  })
})

describe('results that are awaited after the end', () => {
  test('are gone, which is told with the cure; those that were awaited before are there', async () => {
    const connector = new MemoryConnector()
    const engine = new Engine({ transformer: proxyTransformer({ connector, cacheSize: 0 }), filter: lists })
    const future = engine.submit(double, [1])
    const awaited = [future.result(), futureList([future]).then(([xs]) => xs), future.map((xs) => xs).result()]
    await engine.shutdown()
    expect(await Promise.all(awaited)).toEqual([[2], [2], [2]])
    const error = (await future.result().catch((reason) => reason)) as Error
    expect(error).toBeInstanceOf(TransformError)
    expect(error.message).toMatch(/its engine has shut down, which frees what tasks have left: await it before that/)
    expect(error.cause).toBeInstanceOf(TransformError)
  })
})

describe('retries', () => {
  test('count the bytes once, also those inside of arguments', async () => {
    const store = new ValueStore()
    const engine = new Engine({ transformer: store, filter: lists })
    let attempts = 0
    const future = engine.submit(
      task({ retries: 1 }, ({ xs }: { xs: readonly number[] }) => {
        if (++attempts === 1) throw new Error('again')
        return xs.length
      }),
      { xs: engine.submit(double, [1]) },
    )
    expect(await future).toBe(1)
    expect(future.info.bytes).toBe('[2]'.length)
    await engine.shutdown()
  })
})

describe('many small values', () => {
  test('10,000 tasks: all that was stored is freed when they are gone', async () => {
    const store = new ValueStore()
    const engine = new Engine({ transformer: store, filter: always(), history: 0 })
    const inc = task((x: number) => x + 1)
    async function run(): Promise<number> {
      const first = engine.map(inc, Array(5_000).fill(0))
      const second = engine.map(inc, first)
      return (await second).reduce((a, b) => a + b, 0)
    }
    expect(await run()).toBe(10_000)
    await collect(() => store.values.size === 0)
    expect(store.values.size).toBe(0)
    expect(store.evicted).toHaveLength(15_000)
    await engine.shutdown()
  })

  test('a task that takes 10,000 results', async () => {
    const store = new ValueStore()
    const engine = new Engine({ executor: new InProcessExecutor(), transformer: store, filter: lists, history: 0 })
    const all = engine.map(
      double,
      Array.from({ length: 10_000 }, (_, i) => [i]),
    )
    expect(await engine.submit(sumAll, all)).toBe(99_990_000)
    await engine.shutdown()
  })
})
