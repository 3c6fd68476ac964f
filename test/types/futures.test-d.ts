import { describe, expectTypeOf, test } from 'vitest'
import {
  asCompleted,
  type Completed,
  constant,
  type Engine,
  type FutureDependencyExecutor,
  FutureList,
  futureDict,
  futureList,
  isFuture,
  type Joined,
  opaque,
  type TaskFuture,
  type TaskInfo,
  task,
  wait,
} from '../../src/index.ts'

declare const engine: Engine
declare const executor: FutureDependencyExecutor
declare const num: TaskFuture<number>
declare const text: TaskFuture<string>

describe('what submit answers', () => {
  test('a future of what the function returns, awaited', () => {
    expectTypeOf(engine.submit(() => 1)).toEqualTypeOf<TaskFuture<number>>()
    expectTypeOf(engine.submit(async () => 1)).toEqualTypeOf<TaskFuture<number>>()
    expectTypeOf(engine.submit(() => Promise.resolve({ a: 1 }))).toEqualTypeOf<TaskFuture<{ a: number }>>()
    expectTypeOf(engine.submit(() => {})).toEqualTypeOf<TaskFuture<void>>()
    expectTypeOf(engine.submit((): never => ({}) as never)).toExtend<TaskFuture<number>>()
    expectTypeOf(executor.submit(() => 1)).toEqualTypeOf<TaskFuture<number>>()
  })

  test('joined: a future that is returned, and a top-level array of futures', () => {
    expectTypeOf<Joined<TaskFuture<number>>>().toEqualTypeOf<number>()
    expectTypeOf<Joined<Promise<TaskFuture<number>>>>().toEqualTypeOf<number>()
    expectTypeOf<Joined<TaskFuture<number>[]>>().toEqualTypeOf<number[]>()
    expectTypeOf<Joined<Promise<readonly TaskFuture<number>[]>>>().toEqualTypeOf<readonly number[]>()
    expectTypeOf<Joined<[TaskFuture<number>, string, TaskFuture<Date>]>>().toEqualTypeOf<[number, string, Date]>()
    expectTypeOf<Joined<FutureList<number>>>().toEqualTypeOf<number[]>()
    expectTypeOf<Joined<{ a: TaskFuture<number> }>>().toEqualTypeOf<{ a: TaskFuture<number> }>()
    expectTypeOf<Joined<number | string[]>>().toEqualTypeOf<number | string[]>()
    expectTypeOf<Joined<unknown>>().toEqualTypeOf<unknown>()
    expectTypeOf<Joined<void>>().toEqualTypeOf<void>()
    expectTypeOf(engine.submit(() => [num, num])).toEqualTypeOf<TaskFuture<number[]>>()
    expectTypeOf(engine.submit(async () => [num, 'a'] as const)).toEqualTypeOf<TaskFuture<readonly [number, 'a']>>()
    expectTypeOf(engine.submit(() => engine.map((n: number) => n, [1]))).toEqualTypeOf<TaskFuture<number[]>>()
  })
})

describe('a future', () => {
  test('is awaited to its value', async () => {
    expectTypeOf(await num).toEqualTypeOf<number>()
    expectTypeOf<Awaited<TaskFuture<TaskFuture<string>>>>().toEqualTypeOf<string>()
    expectTypeOf(await Promise.all([num, text, 5])).toEqualTypeOf<[number, string, number]>()
    expectTypeOf(num.then((n) => `${n}`)).toEqualTypeOf<Promise<string>>()
    expectTypeOf(num.then()).toEqualTypeOf<Promise<number>>()
    expectTypeOf(num.catch(() => 'none')).toEqualTypeOf<Promise<number | string>>()
    expectTypeOf(num.finally(() => {})).toEqualTypeOf<Promise<number>>()
    expectTypeOf(num.result({ timeout: 5 })).toEqualTypeOf<Promise<number>>()
    expectTypeOf(num.exception()).toEqualTypeOf<Promise<unknown>>()
    expectTypeOf(num).toExtend<PromiseLike<number>>()
    // @ts-expect-error there is no option wait
    num.result({ wait: 5 })
  })

  test('answers questions', () => {
    expectTypeOf(num.cancel('enough')).toEqualTypeOf<boolean>()
    expectTypeOf(num.done()).toEqualTypeOf<boolean>()
    expectTypeOf(num.running()).toEqualTypeOf<boolean>()
    expectTypeOf(num.cancelled()).toEqualTypeOf<boolean>()
    expectTypeOf(num.info).toEqualTypeOf<TaskInfo>()
    num.addDoneCallback((future) => {
      expectTypeOf(future).toEqualTypeOf<TaskFuture<number>>()
    })
    // @ts-expect-error its info is a record, not to be written
    num.info = {}
  })

  test('of a subtype is one of its supertype', () => {
    expectTypeOf(num).toExtend<TaskFuture<unknown>>()
    expectTypeOf(num).toExtend<TaskFuture<number | string>>()
    expectTypeOf<TaskFuture<number[]>>().toExtend<TaskFuture<unknown>>()
    expectTypeOf<TaskFuture<number[]>>().toExtend<TaskFuture<readonly unknown[]>>()
    expectTypeOf<TaskFuture<number[][]>>().toExtend<TaskFuture<unknown[]>>()
    expectTypeOf<TaskFuture<number[]>>().toExtend<TaskFuture<object>>()
    expectTypeOf<TaskFuture<number | string>>().not.toExtend<TaskFuture<number>>()
    expectTypeOf<TaskFuture<unknown>>().not.toExtend<TaskFuture<number>>()
    expectTypeOf<TaskFuture<never>>().toExtend<TaskFuture<string[]>>()
  })

  test('is told apart by isFuture', () => {
    const value = {} as number | TaskFuture<number>
    if (isFuture(value)) expectTypeOf(value).toExtend<TaskFuture<unknown>>()
    else expectTypeOf(value).toEqualTypeOf<number>()
  })

  test('of a constant is one of its value, opaque or not', () => {
    expectTypeOf(constant(1)).toEqualTypeOf<TaskFuture<number>>()
    expectTypeOf(opaque([1])).toEqualTypeOf<TaskFuture<number[]>>()
    expectTypeOf(opaque(Promise.resolve(1))).toEqualTypeOf<TaskFuture<Promise<number>>>()
  })
})

describe('views', () => {
  const rich = engine.submit(() => ({ a: 1, list: ['x'], maybe: undefined as { b: Date } | undefined }))

  test('pick is typed by its key', () => {
    expectTypeOf(rich.pick('a')).toEqualTypeOf<TaskFuture<number>>()
    expectTypeOf(rich.pick('list').pick('length')).toEqualTypeOf<TaskFuture<number>>()
    expectTypeOf(rich.pick('list').pick(0)).toEqualTypeOf<TaskFuture<string>>()
    expectTypeOf(rich.pick('maybe')).toEqualTypeOf<TaskFuture<{ b: Date } | undefined>>()
    // @ts-expect-error there is no such property
    rich.pick('b')
    // @ts-expect-error it may be undefined
    rich.pick('maybe').pick('b')
  })

  test('at is for arrays', () => {
    expectTypeOf(rich.pick('list').at(-1)).toEqualTypeOf<TaskFuture<string>>()
    expectTypeOf(engine.submit(() => [1, 'a'] as const).at(0)).toEqualTypeOf<TaskFuture<1 | 'a'>>()
    expectTypeOf(
      engine
        .submit((): readonly number[][] => [])
        .at(0)
        .at(1),
    ).toEqualTypeOf<TaskFuture<number>>()
    // @ts-expect-error a number has no elements
    num.at(0)
    // @ts-expect-error an index is a number
    rich.pick('list').at('0')
  })

  test('map is typed by its function, awaited', () => {
    expectTypeOf(num.map((n) => `${n}`)).toEqualTypeOf<TaskFuture<string>>()
    expectTypeOf(num.map(async (n) => [n])).toEqualTypeOf<TaskFuture<number[]>>()
    expectTypeOf(num.map(() => text)).toEqualTypeOf<TaskFuture<string>>()
    expectTypeOf(rich.map(({ list }) => list).at(0)).toEqualTypeOf<TaskFuture<string>>()
    // @ts-expect-error it is given a number
    num.map((s: string) => s)
  })
})

describe('lists and dictionaries', () => {
  test('a list is an array of futures, and is awaited to the array of values', async () => {
    const list = engine.map((n: number) => `${n}`, [1])
    expectTypeOf(list).toEqualTypeOf<FutureList<string>>()
    expectTypeOf(list).toExtend<TaskFuture<string>[]>()
    expectTypeOf(await list).toEqualTypeOf<string[]>()
    expectTypeOf(list.then((values) => values.length)).toEqualTypeOf<Promise<number>>()
    expectTypeOf(list.catch(() => null)).toEqualTypeOf<Promise<string[] | null>>()
    expectTypeOf(list.map((future) => future)).toEqualTypeOf<TaskFuture<string>[]>()
    for await (const value of list) expectTypeOf(value).toEqualTypeOf<string>()
    for (const future of list) expectTypeOf(future).toEqualTypeOf<TaskFuture<string>>()
  })

  test('TypeScript maps over arrays only, not over their subclasses: spread a list for Promise.allSettled', async () => {
    const list = engine.map((n: number) => n, [1])
    expectTypeOf(await Promise.allSettled([...list])).toEqualTypeOf<PromiseSettledResult<number>[]>()
    expectTypeOf(await Promise.all([...list])).toEqualTypeOf<number[]>()
  })

  test('futureList and futureDict', async () => {
    expectTypeOf(futureList([num])).toEqualTypeOf<FutureList<number>>()
    expectTypeOf(futureList(new Set([text]))).toEqualTypeOf<FutureList<string>>()
    const dict = futureDict({ a: num, b: text })
    expectTypeOf(dict.a).toEqualTypeOf<TaskFuture<number>>()
    expectTypeOf(await dict).toEqualTypeOf<{ a: number; b: string }>()
    // @ts-expect-error a number is no future
    futureList([1])
    // @ts-expect-error a promise is no future
    futureDict({ a: Promise.resolve(1) })
  })

  test('new FutureList() is not how lists are made, but has its type', () => {
    expectTypeOf(new FutureList<number>()).toExtend<FutureList<number>>()
  })
})

describe('wait and asCompleted', () => {
  test('give back the futures they were given', async () => {
    const { done, notDone } = await wait([num, num], { timeout: 5, returnWhen: 'FIRST_EXCEPTION' })
    expectTypeOf(done).toEqualTypeOf<Set<TaskFuture<number>>>()
    expectTypeOf(notDone).toEqualTypeOf<Set<TaskFuture<number>>>()
    for await (const completed of asCompleted([num])) {
      expectTypeOf(completed).toEqualTypeOf<Completed<TaskFuture<number>>>()
      expectTypeOf(completed.future).toEqualTypeOf<TaskFuture<number>>()
      expectTypeOf(completed.index).toEqualTypeOf<number>()
    }
    // @ts-expect-error no such moment
    wait([num], { returnWhen: 'FIRST' })
    // @ts-expect-error not a list of futures
    asCompleted([1])
  })

  test('take futures of different types together', async () => {
    const { done } = await wait([num, text])
    expectTypeOf(done).toEqualTypeOf<Set<TaskFuture<number> | TaskFuture<string>>>()
    for await (const { future } of asCompleted([num, text])) {
      expectTypeOf(future).toEqualTypeOf<TaskFuture<number> | TaskFuture<string>>()
    }
    expectTypeOf(await futureList([num, text])).toEqualTypeOf<(number | string)[]>()
    wait(engine.map((n: number) => n, [1]))
  })
})

describe('map and stream', () => {
  const add = task((a: number, b: string) => a + b.length)

  test('map takes one iterable for each parameter, of values or futures', () => {
    expectTypeOf(engine.map(add, [1], ['a'])).toEqualTypeOf<FutureList<number>>()
    engine.map(add, [num, 1, Promise.resolve(1)], [text])
    engine.map(add, new Set([1]), 'abc')
    engine.map(
      (n: number) => n,
      engine.map((n: number) => n, [1]),
    )
    engine.map((xs: number[]) => xs, [[1, num], num.map((n) => [n])])
    expectTypeOf(engine.map(async (s: string) => s, 'abc')).toEqualTypeOf<FutureList<string>>()
    expectTypeOf(executor.map(add, [1], ['a'])).toEqualTypeOf<FutureList<number>>()
    // @ts-expect-error the first are numbers
    engine.map(add, ['a'], ['a'])
    // @ts-expect-error the futures are of the wrong type
    engine.map(add, [text], [text])
    // @ts-expect-error one iterable is missing
    engine.map(add, [1])
    // @ts-expect-error a number is not iterable
    engine.map((n: number) => n, 1)
  })

  test('map keeps the inference of un-annotated lambdas', () => {
    const list = engine.map((n, s) => [n, s] as const, [1, 2], ['a'])
    expectTypeOf(list).toEqualTypeOf<FutureList<readonly [number, string]>>()
  })

  test('stream takes a sync or async source, and gives values', async () => {
    async function* source() {
      yield 1
    }
    const half = task((n: number) => `${n / 2}`)
    expectTypeOf(engine.stream(half, [1, num])).toEqualTypeOf<AsyncIterableIterator<string>>()
    for await (const value of engine.stream(half, source(), { window: 4, ordered: false }))
      expectTypeOf(value).toEqualTypeOf<string>()
    // @ts-expect-error the source has strings
    engine.stream(half, ['a'])
    // @ts-expect-error there is no such option
    engine.stream(half, [1], { size: 4 })
    // @ts-expect-error the function takes two values
    engine.stream(add, [1])
  })
})
