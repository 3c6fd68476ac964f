import { describe, expectTypeOf, test } from 'vitest'
import {
  constant,
  type Engine,
  type FutureDict,
  type FutureList,
  futureDict,
  futureList,
  type Input,
  opaque,
  type Task,
  type TaskFuture,
  task,
} from '../../src/index.ts'

declare const engine: Engine
declare const num: TaskFuture<number>
declare const text: TaskFuture<string>
declare const either: TaskFuture<number | string>

const double = task((x: number) => x * 2)
const sum = task((xs: readonly number[]) => xs.length)
const pair = task((p: readonly [number, string]) => p)
interface Point {
  readonly x: number
  readonly label?: string
  readonly inner: { readonly tags: string[] }
}
const plot = task((point: Point) => point.x)

describe('an argument of submit', () => {
  test('is a value, a future or a promise of it', () => {
    engine.submit(double, 1)
    engine.submit(double, num)
    engine.submit(double, Promise.resolve(1))
    engine.submit(double, {} as PromiseLike<number>)
    engine.submit(double, constant(1))
    engine.submit(double, opaque(1))
  })

  test('a future of the wrong type is refused', () => {
    // @ts-expect-error a future of string is no number
    engine.submit(double, text)
    // @ts-expect-error a promise of string is no number
    engine.submit(double, Promise.resolve('1'))
    // @ts-expect-error it could be a string
    engine.submit(double, either)
    // @ts-expect-error a string is no number
    engine.submit(double, '1')
    engine.submit(
      task((x: number | string) => x),
      num,
    )
  })

  test('too many and too few arguments are refused', () => {
    // @ts-expect-error one is missing
    engine.submit(double)
    // @ts-expect-error one too many
    engine.submit(double, num, num)
    // @ts-expect-error a task without parameters takes none
    engine.submit(() => 1, num)
  })

  test('optional and rest parameters stay what they are', () => {
    const optional = task((a: number, b?: string) => `${a}${b}`)
    engine.submit(optional, 1)
    engine.submit(optional, num, text)
    engine.submit(optional, num, undefined)
    // @ts-expect-error a future of number is no string
    engine.submit(optional, num, num)
    const rest = task((first: string, ...more: number[]) => first.length + more.length)
    engine.submit(rest, text)
    engine.submit(rest, 'a', 1, num, Promise.resolve(2))
    // @ts-expect-error the rest are numbers
    engine.submit(rest, 'a', text)
  })
})

describe('futures inside of an argument', () => {
  test('arrays and tuples', () => {
    engine.submit(sum, [1, num, Promise.resolve(3)])
    engine.submit(sum, [num, num])
    engine.submit(pair, [num, 'a'])
    engine.submit(pair, [1, text])
    // @ts-expect-error a future of string is no number
    engine.submit(sum, [1, text])
    // @ts-expect-error the second is a string
    engine.submit(pair, [num, num])
    // @ts-expect-error the tuple has two elements
    engine.submit(pair, [num])
  })

  test('plain objects, with optional properties, nested', () => {
    engine.submit(plot, { x: num, inner: { tags: [] } })
    engine.submit(plot, { x: 1, label: text, inner: { tags: ['a', text] } })
    engine.submit(plot, { x: num, inner: Promise.resolve({ tags: [] }) })
    engine.submit(plot, { x: 1, inner: engine.submit(() => ({ tags: ['a'] })) })
    // @ts-expect-error x is a number
    engine.submit(plot, { x: text, inner: { tags: [] } })
    // @ts-expect-error tags are strings
    engine.submit(plot, { x: 1, inner: { tags: [num] } })
    // @ts-expect-error there is no y
    engine.submit(plot, { x: 1, y: num, inner: { tags: [] } })
  })

  test('records and properties named by symbols', () => {
    const key: unique symbol = Symbol('key') as never
    engine.submit((r: Record<string, number>) => r, { a: num, b: 1 })
    engine.submit((o: { [key]: number }) => o, { [key]: num })
    // @ts-expect-error the values are numbers
    engine.submit((r: Record<string, number>) => r, { a: text })
  })

  test('Maps, their keys too, and Sets', () => {
    const map = task((m: ReadonlyMap<string, number>) => m.size)
    const mutable = task((m: Map<string, Set<number>>) => m.size)
    engine.submit(map, new Map([['a', num]]))
    engine.submit(map, new Map([[text, 1]]))
    engine.submit(map, new Map([[text, num]]))
    engine.submit(mutable, new Map([['a', new Set([num])]]))
    engine.submit((s: Set<number>) => s.size, new Set([num]))
    engine.submit((s: ReadonlySet<number>) => s.size, new Set([1]))
    // @ts-expect-error the values are numbers
    engine.submit(map, new Map([['a', text]]))
    // @ts-expect-error the elements are numbers
    engine.submit((s: Set<number>) => s.size, new Set([text]))
  })

  test('five levels deep, and no deeper: there a future of a whole part will do', () => {
    type L5 = { a: { a: { a: { a: { a: number } } } } }
    const deep = task((value: L5) => value)
    engine.submit(deep, { a: { a: { a: { a: { a: num } } } } })
    type L6 = { a: L5 }
    const deeper = task((value: L6) => value)
    engine.submit(deeper, { a: { a: { a: { a: { a: engine.submit(() => ({ a: 1 })) } } } } })
    // @ts-expect-error the sixth level is found at run time, and not by the types
    engine.submit(deeper, { a: { a: { a: { a: { a: { a: num } } } } } })
  })

  test('not inside of class instances, typed arrays, dates and functions, which are not searched', () => {
    engine.submit((d: Date) => d, new Date())
    engine.submit(
      (d: Date) => d,
      engine.submit(() => new Date()),
    )
    engine.submit((bytes: Uint8Array) => bytes.length, new Uint8Array(4))
    engine.submit(
      (fn: (x: number) => number) => fn(1),
      (x: number) => x,
    )
    engine.submit((error: Error) => error.message, new Error('e'))
    // @ts-expect-error an array of futures is no Uint8Array
    engine.submit((bytes: Uint8Array) => bytes.length, [num])
  })
})

describe('recursive and open types', () => {
  type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

  test('a recursive parameter compiles', () => {
    const json = task((value: Json) => JSON.stringify(value))
    engine.submit(json, { a: [1, { b: 'c' }] })
    engine.submit(json, { a: [num, { b: text }] })
    engine.submit(
      json,
      engine.submit(() => ({ a: [1] })),
    )
    expectTypeOf(engine.submit(json, null)).toEqualTypeOf<TaskFuture<string>>()
    expectTypeOf<Json>().toExtend<Input<Json>>()
    // @ts-expect-error a date is no JSON
    engine.submit(json, { a: [new Date()] })
  })

  test('a recursive tree and a linked list compile', () => {
    interface Tree {
      readonly value: number
      readonly children: readonly Tree[]
    }
    const walk = task((tree: Tree) => tree.value)
    engine.submit(walk, { value: num, children: [{ value: 1, children: [] }, engine.submit(() => ({}) as Tree)] })
    // @ts-expect-error the value is a number
    engine.submit(walk, { value: 1, children: [{ value: text, children: [] }] })
  })

  test('unknown takes anything', () => {
    const any = task((value: unknown) => value)
    engine.submit(any, num)
    engine.submit(any, [{ deep: text }])
    engine.submit((...all: unknown[]) => all, num, text, [num])
    engine.submit((all: readonly unknown[]) => all, [num, text])
  })

  test('futures of subtypes stand for their supertypes', () => {
    const matrix = task((rows: readonly (readonly unknown[])[]) => rows.length)
    engine.submit(
      matrix,
      engine.submit(() => [[1], [2]]),
    )
    engine.submit(
      plot,
      engine.submit(() => ({ x: 1, inner: { tags: [] }, more: true })),
    )
  })
})

describe('lists and dictionaries of futures', () => {
  const list = {} as FutureList<number>
  const dict = {} as FutureDict<{ a: number; b: string }>

  test('stand for the array and the object of their values', () => {
    engine.submit(sum, list)
    engine.submit((lists: readonly number[][]) => lists.length, [list, [1]])
    engine.submit((o: { a: number; b: string }) => o.a, dict)
    engine.submit(({ inner }: { inner: { a: number } }) => inner.a, { inner: dict })
    engine.submit(sum, futureList([num, constant(2)]))
    engine.submit((o: { a: number }) => o.a, futureDict({ a: num }))
    // @ts-expect-error the values are numbers
    engine.submit((xs: readonly string[]) => xs.length, list)
    // @ts-expect-error b is a string
    engine.submit((o: { b: number }) => o.b, dict)
  })
})

describe('un-annotated lambdas', () => {
  test('keep their inference: of arguments that follow, and of results', () => {
    expectTypeOf(engine.submit(() => 1)).toEqualTypeOf<TaskFuture<number>>()
    expectTypeOf(engine.submit(async () => 'a')).toEqualTypeOf<TaskFuture<string>>()
    expectTypeOf(engine.submit((x: number, y: string) => ({ x, y }), 1, 'a')).toEqualTypeOf<
      TaskFuture<{ x: number; y: string }>
    >()
    engine.submit((x) => {
      expectTypeOf(x).toEqualTypeOf<number>()
      return x
    }, 5)
    engine.submit(
      (x, y) => {
        expectTypeOf(x).toEqualTypeOf<number>()
        expectTypeOf(y).toEqualTypeOf<string>()
      },
      num,
      text,
    )
    engine.submit(
      (xs) => {
        expectTypeOf(xs).toEqualTypeOf<number[]>()
      },
      [1, 2],
    )
  })

  test('of task() keep the types of their parameters', () => {
    expectTypeOf(double).toEqualTypeOf<Task<[x: number], number>>()
    expectTypeOf(task({ retries: 1 }, (a: string, b?: number) => a.length + (b ?? 0))).toEqualTypeOf<
      Task<[a: string, b?: number], number>
    >()
  })
})

describe('what is lost', () => {
  test('of overloads only the last one is seen, as everywhere in TypeScript', () => {
    function parse(x: string): number
    function parse(x: number): string
    function parse(x: string | number): string | number {
      return typeof x === 'string' ? Number(x) : String(x)
    }
    expectTypeOf(engine.submit(parse, 1)).toEqualTypeOf<TaskFuture<string>>()
    // @ts-expect-error the first overload is lost: wrap it, (x: string) => parse(x)
    engine.submit(parse, 'a')
    expectTypeOf(engine.submit((x: string) => parse(x), 'a')).toEqualTypeOf<TaskFuture<number>>()
  })

  test('a generic function given to submit keeps its type for values, and loses it for futures and as a task', () => {
    const wrap = <T>(value: T) => [value]
    expectTypeOf(engine.submit(wrap, 1)).toEqualTypeOf<TaskFuture<number[]>>()
    expectTypeOf(engine.submit(wrap, num)).toEqualTypeOf<TaskFuture<number[]>>()
    // Wrap it to say which one is meant.
    expectTypeOf(engine.submit((n: number) => wrap(n), num)).toEqualTypeOf<TaskFuture<number[]>>()
    const generic = task(wrap)
    expectTypeOf(generic).toEqualTypeOf<Task<[value: unknown], unknown[]>>()
    expectTypeOf(engine.submit(generic, num)).toEqualTypeOf<TaskFuture<unknown[]>>()
  })
})
