import SuperJSON from 'superjson'
import { beforeAll, describe, expect, test } from 'vitest'
import { SerializationError } from '../../src/errors.ts'
import { deserialize, serialize } from '../../src/serializer/serializer.ts'
import { bytesOf, expectSame, frameOf, roundTrip, textOf } from './support.ts'

class Point {
  readonly x: number
  readonly y: number
  constructor(x: number, y: number) {
    this.x = x
    this.y = y
  }
  get length(): number {
    return Math.hypot(this.x, this.y)
  }
}

/** Of which one property is not to travel. */
class Account {
  name = 'a name'
  password = 'secret'
  friends: unknown[] = []
}

class Decimal {
  readonly #digits: string
  constructor(digits: string) {
    this.#digits = digits
  }
  toString(): string {
    return this.#digits
  }
}

/** What it is made of has annotations, and may refer to others. */
class Matrix {
  readonly rows: unknown
  constructor(rows: unknown) {
    this.rows = rows
  }
}

class CodedError extends Error {
  get hint(): string {
    return 'a hint'
  }
}

const SYMBOL = Symbol('registered')

beforeAll(() => {
  SuperJSON.registerClass(Point, 'serializer.Point')
  SuperJSON.registerClass(Account, { identifier: 'serializer.Account', allowProps: ['name', 'friends'] })
  SuperJSON.registerCustom<Decimal, string>(
    { isApplicable: (v): v is Decimal => v instanceof Decimal, serialize: String, deserialize: (v) => new Decimal(v) },
    'serializer.Decimal',
  )
  SuperJSON.registerCustom<Matrix, never>(
    {
      isApplicable: (v): v is Matrix => v instanceof Matrix,
      serialize: ({ rows }) => rows as never,
      deserialize: (rows) => new Matrix(rows),
    },
    'serializer.Matrix',
  )
  SuperJSON.registerClass(CodedError, 'serializer.CodedError')
  SuperJSON.registerSymbol(SYMBOL, 'serializer.symbol')
  SuperJSON.allowErrorProps('hint')
})

const shared = { deep: { when: new Date(5) } }
const ring: Record<string, unknown> = { name: 'ring' }
ring.self = ring

const plain: [string, unknown][] = [
  ['plain data', { a: [1, 'x', null, true, { b: [] }] }],
  ['undefined at the top', undefined],
  [
    'leaves',
    { u: undefined, n: [Number.NaN, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY], b: 12n, d: new Date(3) },
  ],
  ['a RegExp and a URL', [/a[/]b/gi, new URL('http://example.org/x')]],
  [
    'Maps and Sets',
    new Map<unknown, unknown>([
      ['a.b', new Set([1n, { u: undefined }])],
      [3, new Map([[null, -0]])],
    ]),
  ],
  ['keys with dots and backslashes', { 'a.b': { '\\c.\\\\': undefined, '': { '.': 1n } }, '0': new Date(0) }],
  ['shared parts', { deeply: { inside: [shared] }, again: shared, twice: [shared, shared.deep] }],
  ['a ring', ring],
  ['a list in itself', (() => { const list: unknown[] = [1]; list.push(list, { list }); return list })()], // biome-ignore format: one line
  [
    'a Map with shared values',
    new Map([
      ['a', shared],
      ['b', shared],
    ]),
  ],
  ['equal bigints and NaN', [5n, 5n, { x: 5n, y: Number.NaN, z: Number.NaN }]],
  ['instances', [new Point(3, 4), { p: new Point(Number.NaN, 0) }, new Decimal('1.50'), SYMBOL]],
]

describe('superjson reads what the serializer wrote', () => {
  test.each(plain)('%s', (_, value) => {
    expectSame(SuperJSON.parse(textOf(bytesOf(value))), value)
  })
})

describe('the serializer reads what superjson wrote', () => {
  test.each(plain)('%s', (_, value) => {
    expectSame(deserialize(frameOf(SuperJSON.stringify(value))), value)
  })

  /** Nothing is registered with it. */
  const another = new SuperJSON({ dedupe: true })

  test.each(plain.filter(([name]) => name !== 'instances'))('%s, each part once', (_, value) => {
    expectSame(deserialize(frameOf(another.stringify(value))), value)
  })

  test('typed arrays as lists of numbers', () => {
    const value = { bytes: Uint8Array.of(1, 255), floats: new Float64Array([0.5, Number.NaN]) }
    expectSame(deserialize(frameOf(SuperJSON.stringify(value))), value)
  })

  test('errors, as far as they are told', () => {
    const error = new CodedError('no', { cause: new Date(9) })
    const document = SuperJSON.stringify({ error: Object.assign(new TypeError('x', { cause: shared })), shared })
    const back = deserialize(frameOf(document)) as { error: Error; shared: unknown }
    expect(back.error).toBeInstanceOf(Error)
    expect([back.error.name, back.error.message, back.error.stack]).toEqual(['TypeError', 'x', 'TypeError: x'])
    expect(back.error.cause).toBe(back.shared)
    expect(roundTrip(error).cause).toEqual(new Date(9))
    const hinted = deserialize(frameOf(SuperJSON.stringify(Object.assign(new Error('x'), { hint: 'h', other: 1 }))))
    expect({ ...(hinted as Error) }).toEqual({ hint: 'h' })
  })

  test('a custom value that stands in a Set before its shorter path', () => {
    const decimal = new Decimal('7')
    const value = { deep: { inside: new Set([decimal]) }, short: decimal }
    const back = deserialize(frameOf(SuperJSON.stringify(value))) as typeof value
    expect(String(back.short)).toBe('7')
    expect([...back.deep.inside]).toEqual([back.short])
    expect([...back.deep.inside][0]).toBe(back.short)
  })
})

describe('what is registered with superjson', () => {
  test('comes back: instances, in rings too', () => {
    const point = Object.assign(new Point(1, -0), { self: undefined as unknown, bytes: Uint8Array.of(1) })
    point.self = new Map([[point, point]])
    const back = roundTrip({ point, again: point })
    expectSame(back, { point, again: point })
    expect(back.point.length).toBe(1)
  })

  test('leaves properties out that are not allowed', () => {
    const account = Object.assign(new Account(), { friends: [new Date(1)] })
    const text = textOf(bytesOf(account))
    expect(text).not.toContain('secret')
    expect(roundTrip(account)).toEqual(
      Object.assign(Object.create(Account.prototype), { name: 'a name', friends: [new Date(1)] }),
    )
  })

  test.each<[string, unknown]>([
    ['a text', 'x'],
    ['an object', { when: new Date(1), deep: [{ m: new Map([[1, undefined]]) }] }],
    ['a list', [1, undefined, [new Date(2)]]],
    ['a Map', new Map([[1, 2n]])],
    ['bytes', Uint8Array.of(1, 2, 3)],
    ['undefined', undefined],
    ['another custom value', new Matrix([new Decimal('3').toString(), new Matrix('inner')])],
  ])('is given all that it is made of: %s', (_, rows) => {
    const value = { before: 1, matrix: new Matrix(rows), after: [new Date(3)] }
    expectSame(roundTrip(value), value)
    const twice = [value.matrix, value.matrix]
    expectSame(roundTrip(twice), twice)
  })

  test('is given what stands before it as a whole', () => {
    const map = new Map([['k', 1]])
    let size: number | undefined
    SuperJSON.registerCustom<Sized, never>(
      {
        isApplicable: (v): v is Sized => v instanceof Sized,
        serialize: (sized) => sized.of as never,
        deserialize: (of: Map<unknown, unknown>) => {
          size = of.size
          return new Sized(of)
        },
      },
      'serializer.Sized',
    )
    const [first, sized] = roundTrip([map, new Sized(map)] as const)
    expect(size).toBe(1)
    expect(sized.of).toBe(first)
  })

  test('cannot be a part of what its own transformer gives', () => {
    const rows: unknown[] = []
    const matrix = new Matrix(rows)
    rows.push(matrix)
    expect(() => serialize({ matrix })).toThrow(
      'value.matrix[1][0] is an instance of Matrix, which cannot be serialized',
    )
  })

  test('includes classes of errors, and properties of errors that are not their own', () => {
    const error = roundTrip(new CodedError('no'))
    expect(error).toBeInstanceOf(CodedError)
    expect(Object.getOwnPropertyDescriptor(roundTrip(Object.assign(new Error('x'), {})), 'hint')).toBeUndefined()
    const inherited = Object.setPrototypeOf(new Error('x'), { __proto__: Error.prototype, hint: 'inherited' })
    expect((roundTrip(inherited) as { hint?: string }).hint).toBe('inherited')
  })

  test('includes errors for which there is a transformer', () => {
    class Quota extends Error {
      readonly left = 3
    }
    SuperJSON.registerCustom<Quota, number>(
      {
        isApplicable: (v): v is Quota => v instanceof Quota,
        serialize: ({ left }) => left,
        deserialize: (left) => Object.assign(new Quota('again'), { left }),
      },
      'serializer.Quota',
    )
    expect(roundTrip(new Quota('no'))).toMatchObject({ message: 'again', left: 3 })
  })

  test('and throws what cannot be read gives a SerializationError all the same', () => {
    class Trap {}
    SuperJSON.registerCustom<Trap, number>(
      {
        isApplicable: (v): v is Trap => v instanceof Trap,
        serialize: () => 1,
        deserialize: () => {
          throw Object.create(null)
        },
      },
      'serializer.Trap',
    )
    expect(() => roundTrip(new Trap())).toThrow(SerializationError)
  })

  test('includes symbols', () => {
    expectSame(roundTrip([SYMBOL, { s: SYMBOL }, SYMBOL]), [SYMBOL, { s: SYMBOL }, SYMBOL])
    expect(roundTrip(SYMBOL)).toBe(SYMBOL)
  })
})

class Sized {
  readonly of: Map<unknown, unknown>
  constructor(of: Map<unknown, unknown>) {
    this.of = of
  }
}
