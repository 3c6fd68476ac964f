import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import {
  always,
  and,
  CancelledError,
  constant,
  DependencyError,
  Engine,
  type Filter,
  futureDict,
  InProcessExecutor,
  type Lazy,
  lazy,
  MemoryRecordLogger,
  never,
  objectType,
  opaque,
  type TaskFuture,
  TransformError,
  type Transformer,
  task,
  type Where,
} from '../../src/index.ts'

/** A store that shows what was asked of it. Identifiers are strings: `id:0`. */
class Store implements Transformer {
  readonly values: Map<string, unknown> = new Map()
  readonly calls: string[] = []
  #next = 0

  isIdentifier(value: unknown): boolean {
    return typeof value === 'string' && value.startsWith('id:')
  }

  transform(value: unknown): unknown {
    const identifier = `id:${this.#next++}`
    this.calls.push(`transform ${identifier}`)
    this.values.set(identifier, structuredClone(value))
    return identifier
  }

  resolve(identifier: unknown): unknown {
    this.calls.push(`resolve ${identifier}`)
    if (!this.values.has(identifier as string)) throw new RangeError(`${identifier} is not there`)
    return structuredClone(this.values.get(identifier as string))
  }

  sizeOf(identifier: unknown): number {
    return JSON.stringify(this.values.get(identifier as string)).length
  }

  evict(identifier: unknown): void {
    this.calls.push(`evict ${identifier}`)
    this.values.delete(identifier as string)
  }

  close(): void {
    this.calls.push('close')
    this.values.clear()
  }

  count(what: string): number {
    return this.calls.filter((call) => call.startsWith(what)).length
  }
}

/** The same with promises, which are kept until `go` is called. */
class SlowStore extends Store {
  readonly #gates: (() => void)[] = []

  override transform(value: unknown): unknown {
    const identifier = super.transform(value)
    return this.#later(() => identifier)
  }

  override resolve(identifier: unknown): unknown {
    return this.#later(() => super.resolve(identifier))
  }

  #later<T>(value: () => T): Promise<T> {
    return new Promise<void>((resolve) => this.#gates.push(resolve)).then(value)
  }

  get waiting(): number {
    return this.#gates.length
  }

  go(): void {
    for (const open of this.#gates.splice(0)) open()
  }

  /** Lets everything through from now on. */
  async goOn<T>(until: PromiseLike<T>): Promise<T> {
    let isOver = false
    const end = (): void => {
      isOver = true
    }
    until.then(end, end)
    while (!isOver) {
      this.go()
      await new Promise((resolve) => setImmediate(resolve))
    }
    return until
  }
}

const double = task((xs: readonly number[]) => xs.map((x) => 2 * x))
const count = task((xs: readonly unknown[]) => xs.length)
const sum = task((xs: readonly number[]) => xs.reduce((a, b) => a + b, 0))
const sumAll = task((xss: readonly (readonly number[])[]) => xss.flat().reduce((a, b) => a + b, 0))
const echo = task((x: unknown) => x)
const fail = task((): number[] => {
  throw new Error('broken')
})

const lists: Filter = objectType('Array')

/** Without a flag for the whole run: Node lets it be switched on. */
setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

describe('what travels by reference', () => {
  test('without a filter every argument and result does, TaPS counts the same', async () => {
    const store = new Store()
    const engine = new Engine({ transformer: store })
    const join = task((xs: number[], options: { by: string }) => xs.join(options.by))
    const text = engine.submit(join, [1, 2], { by: '-' })
    await text.exception()
    expect(store.count('transform')).toBe(3)
    const upper = engine.submit(
      task((x: string) => x.length),
      text,
    )
    await upper.exception()
    expect(store.count('transform')).toBe(4)
    expect([await text, await upper]).toEqual(['1-2', 3])
    await engine.shutdown()
  })

  test('empty values come back as they were', async () => {
    const engine = new Engine({ transformer: new Store() })
    for (const value of [undefined, null, 0, false, '', NaN]) expect(await engine.submit(echo, value)).toBe(value)
  })

  test('the filter is asked for each argument and the result, with the place, and never for a future', async () => {
    const asked: [unknown, Where][] = []
    const filter: Filter = (value, where) => {
      asked.push([value, where])
      return false
    }
    const engine = new Engine({ transformer: new Store(), filter })
    const add = task({ name: 'add' }, (a: number, b: number, xs: readonly number[]) => a + b + xs.length)
    const three = engine.submit(add, 1, 2, [])
    expect(await engine.submit(add, three, 4, [three, three] as never)).toBe(9)
    expect(asked.map(([value, { task, kind, index }]) => [value, task, kind, index])).toEqual([
      [1, 'add', 'argument', 0],
      [2, 'add', 'argument', 1],
      [[], 'add', 'argument', 2],
      [4, 'add', 'argument', 1],
      [3, 'add', 'result', -1],
      // What held futures is asked about when it holds values.
      [[3, 3], 'add', 'argument', 2],
      [9, 'add', 'result', -1],
    ])
  })

  test('what the filter refuses is passed as the same object', async () => {
    const store = new Store()
    const engine = new Engine({ transformer: store, filter: never() })
    const value = { some: 'object' }
    expect(await engine.submit(echo, value)).toBe(value)
    expect(store.calls).toEqual([])
  })

  test('an object is stored once, however many tasks take it', async () => {
    const store = new Store()
    const engine = new Engine({ transformer: store, filter: and(lists, (_, { kind }) => kind === 'argument') })
    const xs = [1, 2, 3]
    expect(await engine.map(sum, [xs, xs, xs])).toEqual([6, 6, 6])
    expect(
      await engine.submit(
        task((a: number[], b: number[]) => a.length + b.length),
        xs,
        xs,
      ),
    ).toBe(6)
    expect(store.count('transform')).toBeLessThanOrEqual(2)
    expect(store.values.size).toBe(0)
  })

  test('an object that is stored for one task travels itself to another, if the filter says so there', async () => {
    const store = new Store()
    const engine = new Engine({
      transformer: store,
      filter: (_, { task: name, kind }) => name === 'far' && kind === 'argument',
    })
    const near = task({ name: 'near' }, (xs: readonly number[]) => xs)
    const far = task({ name: 'far' }, (xs: readonly number[]) => xs.length)
    const xs = [1, 2]
    const [there, here] = [engine.submit(far, xs), engine.submit(near, xs)]
    expect([await there, await here]).toEqual([2, xs])
    expect(await here).toBe(xs)
    expect(here.info.bytes).toBe(0)
  })

  test('a copy is stored: what the caller changes afterwards does not reach the task', async () => {
    const engine = new Engine({ transformer: new Store() })
    const xs = [1, 2, 3]
    const total = engine.submit(sum, xs)
    xs.push(4)
    expect(await total).toBe(6)
  })

  test('a child gets the identifier: nothing is stored or fetched for it on the way', async () => {
    const store = new Store()
    const engine = new Engine({ transformer: store, filter: lists })
    const first = engine.submit(double, [1])
    const second = engine.submit(double, first)
    const third = engine.submit(double, second)
    expect(await third).toEqual([8])
    expect(store.calls.filter((call) => !call.startsWith('evict'))).toEqual([
      'transform id:0',
      'resolve id:0',
      'transform id:1',
      'resolve id:1',
      'transform id:2',
      'resolve id:2',
      'transform id:3',
      'resolve id:3',
    ])
  })

  test('the client fetches a result only when somebody awaits it, each time', async () => {
    const store = new Store()
    const engine = new Engine({ transformer: store, filter: lists })
    const future = engine.submit(double, [1])
    expect(await future.exception()).toBeUndefined()
    expect(store.count('resolve id:1')).toBe(0)
    expect(await future).toEqual([2])
    expect(await future.result()).toEqual([2])
    expect(store.count('resolve id:1')).toBe(2)
  })

  test('an identifier of the user is resolved for the task whatever the filter says, and is not ours to free', async () => {
    const store = new Store()
    const engine = new Engine({ transformer: store, filter: never() })
    const identifier = store.transform([1, 2])
    expect(await engine.submit(count, identifier as never)).toBe(2)
    expect(store.values.has('id:0')).toBe(true)
    // One level: what stands inside of an argument is data.
    expect(await engine.submit(echo, [identifier])).toEqual(['id:0'])
  })

  test('constants and opaque values are no values of a task: they travel as they are', async () => {
    const store = new Store()
    const engine = new Engine({ transformer: store, filter: always() })
    const xs = [1, 2]
    expect(await engine.submit(count, constant(xs))).toBe(2)
    expect(await engine.submit(count, opaque(xs))).toBe(2)
    expect(store.count('transform')).toBe(2)
  })
})

describe('references among the arguments', () => {
  const make = () => new Engine({ transformer: new Store(), filter: lists })

  test('in lists, objects, Maps, Sets and dictionaries of futures', async () => {
    const engine = make()
    const futures = engine.map(double, [[1], [2], [3]])
    expect(await engine.submit(sumAll, futures)).toBe(12)
    const [a, b] = futures as unknown as [TaskFuture<number[]>, TaskFuture<number[]>]
    expect(await engine.submit(echo, { a, deep: [{ b }] })).toEqual({ a: [2], deep: [{ b: [4] }] })
    expect(await engine.submit(echo, new Map([['k', a]]))).toEqual(new Map([['k', [2]]]))
    expect(await engine.submit(echo, new Map([[a, 'v']]))).toEqual(new Map([[[2], 'v']]))
    expect(await engine.submit(echo, new Set([b]))).toEqual(new Set([[4]]))
    expect(await engine.submit(echo, futureDict({ a, b }))).toEqual({ a: [2], b: [4] })
  })

  test('the same future in several places is fetched once, and stays one object', async () => {
    const store = new Store()
    const engine = new Engine({ transformer: store, filter: lists })
    const future = engine.submit(double, [1])
    const isSame = task((a: unknown, b: { c: unknown }) => a === b.c)
    expect(await engine.submit(isSame, future, { c: future })).toBe(true)
    expect(store.count('resolve id:1')).toBe(1)
  })

  test('parts of a result: pick, at, and map, which fetches it', async () => {
    const engine = new Engine({ transformer: new Store(), filter: objectType('Object') })
    const future = engine.submit(
      task((x: number) => ({ list: [x, { y: x + 1 }] as const })),
      5,
    )
    const part = future.pick('list').at(-1) as never
    expect(await part).toEqual({ y: 6 })
    expect(await engine.submit(echo, part)).toEqual({ y: 6 })
    expect(await engine.submit(echo, [part, { part }])).toEqual([{ y: 6 }, { part: { y: 6 } }])
    expect(await future.map(({ list }) => list[0])).toBe(5)
    const missing = (future.pick('nothing' as 'list') as unknown as { pick(key: string): never }).pick('more')
    const error = await engine.submit(echo, missing).exception()
    expect(error).toBeInstanceOf(TransformError)
    expect((error as Error).cause).toBeInstanceOf(TypeError)
  })

  test('a settled outcome holds the value', async () => {
    const engine = make()
    const settle = task({ onParentFailure: 'settle' }, (...all: PromiseSettledResult<number[]>[]) =>
      all.map((one) => (one.status === 'fulfilled' ? one.value : String(one.reason))),
    )
    const good = engine.submit(double, [1])
    const bad = engine.submit(fail)
    expect(await engine.submit(settle, good as never, bad as never)).toEqual([[2], 'Error: broken'])
  })

  test('a result that consists of futures is joined by reference', async () => {
    const engine = make()
    const fan = task((xs: number[]) => xs.map((x) => engine.submit(double, [x])))
    const fanned = engine.submit(fan, [1, 2])
    expect(await engine.submit(sumAll, fanned)).toBe(6)
    expect(await fanned).toEqual([[2], [4]])
    expect(await engine.submit(sum, fanned.at(1))).toBe(4)
    const one = engine.submit(
      task((x: number) => engine.submit(double, [x])),
      4,
    )
    expect(await engine.submit(sum, one)).toBe(8)
  })

  test('futures of another engine, with a store of its own or none, are fetched first', async () => {
    const other = make()
    const foreign = other.submit(double, [3])
    expect(await make().submit(sum, foreign)).toBe(6)
    expect(await new Engine().submit(sumAll, [foreign, foreign])).toBe(12)
    expect(await make().submit(count, new Engine().submit(double, [1, 2]))).toBe(2)
    const stacked = new Engine({ executor: other, transformer: new Store() })
    expect(await stacked.submit(sum, stacked.submit(double, [1, 2]))).toBe(6)
    expect(await new Engine({ executor: make() }).submit(double, [1])).toEqual([2])
  })

  test('map, chunks, stream and for await', async () => {
    const engine = make()
    const chunked = engine.map(double.with({ chunkSize: 2 }), [[1], [2], [3]])
    const values: unknown[] = []
    for await (const value of chunked) values.push(value)
    expect(values).toEqual([[2], [4], [6]])
    for await (const value of engine.stream(double, [[1], [2]])) values.push(value)
    expect(values.slice(3)).toEqual([[2], [4]])
  })
})

describe('any executor', () => {
  const executors = {
    'in process': () => new InProcessExecutor(),
    'one slot': () => new InProcessExecutor({ concurrency: 1 }),
    'a lambda': () => ({
      submit: async (fn: (...args: never[]) => unknown, ...args: unknown[]) => fn(...(args as never[])),
    }),
  }
  test.for(Object.entries(executors))('%s', async ([, executor]) => {
    for (const store of [new Store(), new SlowStore()]) {
      const engine = new Engine({ executor: executor() as never, transformer: store, filter: lists })
      const result = engine.submit(sumAll, engine.map(double.with({ chunkSize: 2 }), [[1], [2], [3]]))
      const total = store instanceof SlowStore ? await store.goOn(result) : await result
      expect(total).toBe(12)
      expect(store.count('transform')).toBe(6)
    }
  })
})

describe('a failure fails that task only', () => {
  const broken = (method: 'transform' | 'resolve' | 'isIdentifier', isLater: boolean): Store => {
    const store = new Store()
    store[method] = () => {
      const error = new RangeError('no room')
      if (isLater) return Promise.reject(error) as never
      throw error
    }
    return store
  }

  test.for([
    ['transform', false],
    ['transform', true],
    ['resolve', false],
    ['resolve', true],
  ] as const)('%s, later: %s', async ([method, isLater]) => {
    const engine = new Engine({ transformer: broken(method, isLater), filter: lists })
    const future = engine.submit(sum, [1, 2])
    const error = (await future.exception()) as Error
    expect(error).toBeInstanceOf(TransformError)
    expect(error.message).toBe(
      `Argument 0 of task anonymous could not be ${method === 'resolve' ? 'resolved' : 'transformed'}: no room`,
    )
    expect(error.cause).toBeInstanceOf(RangeError)
    expect(await engine.submit(echo, 1)).toBe(1)
    expect(await engine.submit(echo, future).exception()).toBeInstanceOf(DependencyError)
    expect(future.info.status).toBe('failed')
  })

  test.for([false, true])('the result that cannot be stored, later: %s', async (isLater) => {
    const engine = new Engine({ transformer: broken('transform', isLater), filter: lists })
    const error = (await engine.submit(task({ name: 'make' }, () => [1])).exception()) as Error
    expect(error.message).toBe('The result of task make could not be transformed: no room')
    expect(error).toBeInstanceOf(TransformError)
  })

  test('a result that cannot be fetched rejects who awaits it; the task has succeeded', async () => {
    const store = new Store()
    const engine = new Engine({ transformer: store, filter: lists })
    const future = engine.submit(double, [1])
    await future.exception()
    store.values.clear()
    await expect(future.result()).rejects.toThrow(/A result could not be resolved: id:1 is not there/)
    expect(future.info.status).toBe('succeeded')
    const child = (await engine.submit(sum, future).exception()) as Error
    expect(child).toBeInstanceOf(TransformError)
  })

  test.each([
    ['an object without a prototype', Object.create(null)],
    [
      'an error whose message cannot be read',
      Object.defineProperty(new Error(), 'message', {
        get() {
          throw new Error('no')
        },
      }),
    ],
    ['a revoked proxy', revoked()],
  ])('what is thrown may be anything: %s', async (_, thrown) => {
    const transformer = Object.assign(new Store(), {
      transform() {
        throw thrown
      },
    })
    const error = (await new Engine({ transformer }).submit(echo, 1).exception()) as Error
    expect(error).toBeInstanceOf(TransformError)
    expect(error.message).toBe('Argument 0 of task anonymous could not be transformed: an error that cannot be read')
  })

  test('a filter that throws, and a transformer that cannot tell identifiers', async () => {
    const filter: Filter = () => {
      throw new Error('filter')
    }
    const first = await new Engine({ transformer: new Store(), filter }).submit(echo, 1).exception()
    expect((first as Error).message).toBe('Argument 0 of task anonymous could not be transformed: filter')
    const second = await new Engine({ transformer: broken('isIdentifier', false) }).submit(echo, 1).exception()
    expect(second).toBeInstanceOf(TransformError)
  })

  test('a failure while storing counts as a failed attempt: the task is tried again', async () => {
    const store = new Store()
    let failures = 1
    const transform = store.transform.bind(store)
    store.transform = (value) => {
      if (Array.isArray(value) && value.length === 1 && failures-- > 0) throw new Error('once')
      return transform(value)
    }
    const engine = new Engine({ transformer: store, filter: lists })
    const future = engine.submit(
      task({ retries: 1 }, (n: number) => [n]),
      7,
    )
    expect(await future).toEqual([7])
    expect(future.info.attempts).toBe(2)
  })

  test('an object that could not be stored is tried again with the next task', async () => {
    const store = new SlowStore()
    const original = store.transform.bind(store)
    let failures = 1
    store.transform = (value) => (failures-- > 0 ? Promise.reject(new Error('once')) : original(value))
    const engine = new Engine({ transformer: store, filter: lists })
    const xs = [1, 2]
    expect(await engine.submit(sum, xs).exception()).toBeInstanceOf(TransformError)
    expect(await store.goOn(engine.submit(sum, xs))).toBe(3)
  })
})

describe('stores that take their time', () => {
  test('a task waits until its arguments are stored, and the slot is free again meanwhile', async () => {
    const store = new SlowStore()
    const engine = new Engine({
      executor: new InProcessExecutor({ concurrency: 1 }),
      transformer: store,
      filter: lists,
    })
    const slow = engine.submit(sum, [1, 2])
    expect(slow.info.status).toBe('waiting')
    expect(await engine.submit(echo, 1)).toBe(1)
    expect(await store.goOn(slow)).toBe(3)
    await store.goOn(engine.shutdown())
  })

  test('cancelled while it is stored: it never runs, and what was stored is freed', async () => {
    const store = new SlowStore()
    const engine = new Engine({ transformer: store, filter: lists })
    let ran = false
    const future = engine.submit(
      (xs: number[]) => {
        ran = true
        return xs.length
      },
      [1],
    )
    expect(future.cancel('enough')).toBe(true)
    await expect(future).rejects.toBeInstanceOf(CancelledError)
    await store.goOn(engine.shutdown())
    expect(ran).toBe(false)
    expect(store.calls).toEqual(['transform id:0', 'evict id:0', 'close'])
  })

  test('cancelled while its arguments are fetched: its body never begins', async () => {
    const store = new SlowStore()
    const engine = new Engine({ transformer: store, filter: lists })
    let ran = false
    const first = engine.submit(
      (xs: number[]) => {
        ran = true
        return xs.length
      },
      [1],
    )
    while (first.info.status === 'waiting') {
      store.go()
      await new Promise((resolve) => setImmediate(resolve))
    }
    await new Promise((resolve) => setImmediate(resolve))
    expect(first.running()).toBe(true)
    expect(first.cancel()).toBe(false)
    await expect(store.goOn(first)).rejects.toBeInstanceOf(CancelledError)
    expect(ran).toBe(false)
  })

  test('a time limit holds while arguments are fetched', async () => {
    const store = new SlowStore()
    const engine = new Engine({ transformer: store, filter: lists })
    const future = engine.submit(
      task({ timeout: 5 }, (xs: number[]) => xs.length),
      [1],
    )
    while (future.info.status === 'waiting') {
      store.go()
      await new Promise((resolve) => setImmediate(resolve))
    }
    await expect(future).rejects.toThrow(/ran longer than 5 ms/)
    await store.goOn(engine.shutdown())
  })

  test('a deadline of who waits holds while the value is fetched', async () => {
    const store = new SlowStore()
    const engine = new Engine({ transformer: store, filter: lists })
    const future = engine.submit(double, [1])
    await store.goOn(future.exception())
    await expect(future.result({ timeout: 5 })).rejects.toThrow(/is not done after 5 ms/)
    expect(await store.goOn(future.result({ timeout: 10_000 }))).toEqual([2])
    await store.goOn(engine.shutdown())
  })

  test('shutdown waits for what is being fetched', async () => {
    const store = new SlowStore()
    const engine = new Engine({ transformer: store, filter: lists })
    const future = engine.submit(double, [1])
    await store.goOn(future.exception())
    const value = future.result()
    await store.goOn(engine.shutdown())
    expect(await value).toEqual([2])
    expect(store.calls.at(-1)).toBe('close')
  })
})

describe('freeing', () => {
  test('an argument is freed when the last task that takes it has ended', async () => {
    const store = new Store()
    const engine = new Engine({ transformer: store, filter: (value) => Array.isArray(value) })
    const xs = [1, 2]
    const open: (() => void)[] = []
    const hold = task((list: number[]) => new Promise<number>((resolve) => open.push(() => resolve(list.length))))
    const first = engine.submit(hold, xs)
    const second = engine.submit(hold, xs)
    while (open.length < 2) await new Promise((resolve) => setImmediate(resolve))
    open[0]?.()
    await first
    expect(store.values.size).toBe(1)
    open[1]?.()
    await second
    await new Promise((resolve) => setImmediate(resolve))
    expect(store.calls).toEqual(['transform id:0', 'resolve id:0', 'resolve id:0', 'evict id:0'])
  })

  test('a result is freed when nobody holds its future any more, nor a task that needs it', async () => {
    const store = new Store()
    const engine = new Engine({ transformer: store, filter: lists, history: 0 })
    const total = engine.submit(sum, engine.submit(double, [1, 2]))
    expect(await total).toBe(6)
    for (let i = 0; i < 100 && store.values.size > 0; i++) {
      gc()
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(store.values.size).toBe(0)
    expect(store.count('evict id:1')).toBe(1)
  })

  test('results that nobody holds are freed in time, without being told: they weigh what they stand for', async () => {
    const store = new Store()
    store.sizeOf = () => 10_000_000
    const engine = new Engine({ transformer: store, filter: lists, history: 0 })
    let most = 0
    for (let i = 0; i < 1_000; i++) {
      expect(await engine.submit(sum, engine.submit(double, [i]))).toBe(2 * i)
      await new Promise((resolve) => setImmediate(resolve))
      most = Math.max(most, store.values.size)
    }
    expect(most).toBeLessThan(700)
  })

  test('a result is kept as long as somebody holds the future, or a part of it', async () => {
    const store = new Store()
    const engine = new Engine({ transformer: store, filter: lists, history: 0 })
    const part = engine.submit(double, [1, 2]).at(1)
    await part
    for (let i = 0; i < 10; i++) {
      gc()
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await part).toBe(4)
  })

  test('what is left is freed at the latest when the engine shuts down: after the executor, before the logger', async () => {
    const order: string[] = []
    const store = new Store()
    store.close = () => void order.push('transformer')
    const engine = new Engine({
      executor: Object.assign(new InProcessExecutor(), {
        async shutdown() {
          order.push('executor')
        },
      }),
      transformer: store,
      recordLogger: { log: () => {}, close: () => void order.push('logger') },
    })
    await engine.submit(echo, 1)
    await engine.shutdown()
    await engine.shutdown()
    expect(order).toEqual(['executor', 'transformer', 'logger'])
  })

  test('what cannot be freed is a warning, and changes no outcome', async () => {
    const store = new Store()
    store.evict = () => {
      throw new Error('stuck')
    }
    const engine = new Engine({ transformer: store, filter: lists })
    const warnings: unknown[] = []
    engine.on('warning', (...warning) => warnings.push(warning))
    expect(await engine.submit(sum, [1])).toBe(1)
    await engine.shutdown()
    expect(warnings).toEqual([['A value could not be freed', new Error('stuck')]])
  })
})

describe('lazy parameters', () => {
  const head = task({ lazy: [0] }, async (list: Lazy<readonly number[]>, isWanted: boolean) =>
    isWanted ? (await list.get()).at(0) : undefined,
  )

  test('are fetched when the task asks for them, once', async () => {
    const store = new Store()
    const engine = new Engine({ transformer: store, filter: lists })
    expect(await engine.submit(head, [7, 8], false)).toBeUndefined()
    expect(store.count('resolve')).toBe(0)
    expect(await engine.submit(head, [7, 8], true)).toBe(7)
    expect(store.count('resolve')).toBe(1)
  })

  test('are made around values that travel themselves, also without a data plane, and in a plain call', async () => {
    expect(await new Engine().submit(head, [7], true)).toBe(7)
    expect(await new Engine({ transformer: new Store(), filter: never() }).submit(head, [7], true)).toBe(7)
    expect(await head(lazy([7]), true)).toBe(7)
    const executor = {
      submit: async (fn: (...args: never[]) => unknown, ...args: unknown[]) => fn(...(args as never[])),
    }
    expect(await new Engine({ executor: executor as never, transformer: new Store() }).submit(head, [7], true)).toBe(7)
  })

  test('returned, or passed on, they move no data', async () => {
    const store = new Store()
    const engine = new Engine({ transformer: store, filter: lists })
    const pass = task({ lazy: true }, (list: Lazy<number[]>) => list as unknown as number[])
    const result = engine.submit(pass, engine.submit(pass, [1, 2]))
    await result.exception()
    expect(store.calls).toEqual(['transform id:0'])
    expect(await result).toEqual([1, 2])
    const delegate = task({ lazy: [0] }, (list: Lazy<number[]>) => engine.submit(sum, list as never))
    expect(await engine.submit(delegate, [1, 2, 3])).toBe(6)
    expect(store.count('transform')).toBe(2)
  })

  test('returned where there is no data plane, they are fetched', async () => {
    const pass = task({ lazy: true }, (list: Lazy<number[]>) => list as unknown as number[])
    expect(await new Engine().submit(pass, [1, 2])).toEqual([1, 2])
  })

  test('a wrong option is refused', () => {
    expect(() => task({ lazy: [-1] }, () => {})).toThrow(/lazy takes true, or a list of positions/)
    expect(() => task({ lazy: 'yes' as never }, () => {})).toThrow(/lazy takes/)
  })
})

describe('records', () => {
  test('say how many bytes travelled by reference, and when they were transformed', async () => {
    const recordLogger = new MemoryRecordLogger()
    const store = new SlowStore()
    const engine = new Engine({ transformer: store, filter: lists, recordLogger })
    await store.goOn(engine.submit(sum, engine.submit(double, [1, 2])))
    await store.goOn(engine.shutdown())
    const [first, second] = recordLogger.records
    expect([first?.bytes, second?.bytes]).toEqual(['[1,2][2,4]'.length, '[2,4]'.length])
    for (const { execution } of recordLogger.records) {
      const times = [
        execution?.executionStartTime,
        execution?.inputTransformStartTime,
        execution?.inputTransformEndTime,
        execution?.taskStartTime,
        execution?.taskEndTime,
        execution?.resultTransformStartTime,
        execution?.resultTransformEndTime,
        execution?.executionEndTime,
      ] as number[]
      expect(times).toEqual([...times].sort((a, b) => a - b))
    }
  })
})

describe('options', () => {
  test('what is no transformer or filter is refused', () => {
    expect(() => new Engine({ transformer: {} as never })).toThrow(/transformer takes a transformer, with the methods/)
    expect(() => new Engine({ filter: 'all' as never })).toThrow(/filter takes a filter, which is a function/)
  })

  test('a filter alone does nothing', async () => {
    const value = {}
    expect(await new Engine({ filter: always() }).submit(echo, value)).toBe(value)
  })
})

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
