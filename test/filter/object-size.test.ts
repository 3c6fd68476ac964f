import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { measure, utf8Length } from '../../src/filter/measure.ts'
import { objectSize } from '../../src/filter/object-size.ts'
import { HERE, madeAgain, RESULT } from './support.ts'

const sizeOf = (value: unknown): number => measure(value, Infinity)

/** The definition, word for word. */
function model(value: unknown, seen: Set<unknown> = new Set()): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (typeof value !== 'object' || value === null) return 8
  if (seen.has(value)) return 0
  seen.add(value)
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return value.byteLength
  if (value instanceof Date) return 8
  const children =
    value instanceof Map ? [...value].flat() : value instanceof Set ? [...value] : Object.values(value as object)
  return children.reduce((sum: number, child: unknown) => sum + model(child, seen), 0)
}

const anything = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withTypedArray: true,
  withNullPrototype: true,
  withUnicodeString: true,
})

class Picture {
  readonly pixels = new Uint8Array(100)
  readonly title = 'ä'
  readonly #hidden = 'not counted'
  get hidden(): string {
    return this.#hidden
  }
}

function cycle(): unknown {
  const object: Record<string, unknown> = { text: 'abc' }
  object.self = object
  object.list = [object, object]
  return object
}

const shared = new Uint8Array(10)

describe('the size of an object', () => {
  test.each<[string, unknown, number]>([
    ['an empty text', '', 0],
    ['ASCII', 'abc', 3],
    ['text of two, three and four bytes', 'ä€🌍', 2 + 3 + 4],
    ['halves of a pair, each alone', '\ud800x\udc00', 3 + 1 + 3],
    ['a number', 1.5, 8],
    ['NaN', Number.NaN, 8],
    ['a boolean', false, 8],
    ['null', null, 8],
    ['undefined', undefined, 8],
    ['a BigInt', 10n ** 100n, 8],
    ['a symbol', Symbol('s'), 8],
    ['a function', () => 'text', 8],
    ['a date', new Date(0), 8],
    ['a regular expression', /text/, 8],
    ['a URL', new URL('http://localhost'), 8],
    ['an error', new Error('text'), 8],
    ['an instance without properties', new (class Empty {})(), 8],
    ['an empty object', {}, 0],
    ['an object without a prototype', Object.create(null), 0],
    ['an empty list', [], 0],
    ['a list', [1, 'a', null], 8 + 1 + 8],
    ['the names of properties, which do not count', { aLongName: 'a', another: 1 }, 1 + 8],
    ['a Map, with its keys', new Map<unknown, unknown>([['key', 1]]), 3 + 8],
    ['a Map with objects for keys', new Map([[{ a: 'abc' }, [1]]]), 3 + 8],
    ['a Set', new Set(['abc', 1]), 3 + 8],
    ['an instance of a class', new Picture(), 100 + 2],
    ['an error with properties', Object.assign(new Error('text'), { code: 'E_X' }), 3],
    ['an ArrayBuffer', new ArrayBuffer(100), 100],
    ['a SharedArrayBuffer', new SharedArrayBuffer(100), 100],
    ['a typed array', new Float64Array(4), 32],
    ['a Buffer', Buffer.from('abc'), 3],
    ['a DataView', new DataView(new ArrayBuffer(8), 2, 4), 4],
    ['a view: what it shows, not all of its buffer', new Uint8Array(new ArrayBuffer(100), 10, 5), 5],
    ['two views of one buffer', [new Uint8Array(shared.buffer, 0, 4), new Uint8Array(shared.buffer, 0, 4)], 8],
    ['the same view twice', [shared, shared], 10],
    ['the same object twice', [new Picture(), new Picture()].flatMap((it) => [it, it]), 2 * 102],
    ['the same text twice', ['abc', 'abc'], 6],
    ['a Blob', new Blob(['abc', new Uint8Array(7)]), 10],
    ['binary data deep inside', { a: [new Map([[1, new Set([new Uint8Array(9)])]])] }, 8 + 9],
    ['a cycle', cycle(), 3],
    ['properties with symbols for names, which do not count', { [Symbol('s')]: 'abc' }, 0],
  ])('%s', (_, value, size) => {
    expect(sizeOf(value)).toBe(size)
  })

  test('is what a naive search says', () => {
    fc.assert(
      fc.property(anything, (value) => {
        expect(sizeOf(value)).toBe(model(value))
      }),
    )
  })

  test('of text is its length once it is encoded', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0xffff })), (units) => {
        const text = String.fromCharCode(...units)
        expect(utf8Length(text, Infinity)).toBe(new TextEncoder().encode(text).length)
      }),
    )
  })

  test('of a million objects inside each other needs no stack', () => {
    let nested: unknown = 'abc'
    for (let i = 0; i < 1_000_000; i++) nested = i % 2 ? [nested] : { nested }
    expect(sizeOf(nested)).toBe(3)
  })

  test('is asked of a getter once, and of one that throws never again', () => {
    let reads = 0
    const value = {
      get text() {
        reads++
        return 'abc'
      },
      get broken(): string {
        reads++
        throw new Error('no')
      },
      after: 'x',
    }
    expect(sizeOf(value)).toBe(3 + 8 + 1)
    expect(reads).toBe(2)
  })

  test('of what cannot be looked into is nothing, and what stands beside it counts', () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    const refuses = new Proxy(
      {},
      {
        ownKeys() {
          throw new Error('no')
        },
      },
    )
    expect(sizeOf([proxy, refuses, new Proxy(new Map([[1, 1]]), {}), 'abc'])).toBe(3)
    expect(sizeOf(proxy)).toBe(0)
  })

  test('of a list that breaks while it is read is what was read', () => {
    const broken = Object.assign(['abc', 'abc'], {
      *[Symbol.iterator]() {
        yield 'abc'
        throw new Error('no')
      },
    })
    expect(sizeOf([broken, 1])).toBe(3 + 8)
  })
})

describe('objectSize', () => {
  const ten = new Uint8Array(10)

  test.each([
    [{}, true],
    [{ minBytes: 10 }, true],
    [{ minBytes: 10.5 }, false],
    [{ minBytes: 11 }, false],
    [{ maxBytes: 10 }, true],
    [{ maxBytes: 9.5 }, false],
    [{ maxBytes: 9 }, false],
    [{ minBytes: 10, maxBytes: 10 }, true],
    [{ minBytes: 11, maxBytes: 12 }, false],
    [{ minBytes: 8, maxBytes: 9 }, false],
    [{ minBytes: 10, maxBytes: Infinity }, true],
    [{ minBytes: 11, maxBytes: Infinity }, false],
    [{ minBytes: Infinity, maxBytes: Infinity }, false],
    [{ minBytes: undefined, maxBytes: undefined }, true],
    [{ maxBytes: Number.MAX_SAFE_INTEGER }, true],
  ])('with %o says of ten bytes: %s', async (options, expected) => {
    const filter = objectSize(options)
    for (const value of [ten, 'aaaaaaaaaa', [1, 'aa'], { half: new Uint8Array(5), other: 'äüa' }])
      expect(filter(value, HERE)).toBe(expected)
    expect(filter(ten, RESULT)).toBe(expected)
    expect((await madeAgain(filter))(ten, HERE)).toBe(expected)
  })

  test('without options lets everything pass', () => {
    expect(objectSize()(undefined, HERE)).toBe(true)
  })

  test('agrees with a naive search, wherever the bounds are', () => {
    fc.assert(
      fc.property(anything, fc.nat(60), fc.option(fc.nat(60), { nil: Infinity }), (value, minBytes, more) => {
        const maxBytes = minBytes + more
        const size = model(value)
        expect(objectSize({ minBytes, maxBytes })(value, HERE)).toBe(minBytes <= size && size <= maxBytes)
      }),
    )
  })

  test('looks no further than is needed', () => {
    let reads = 0
    const numbers = new Proxy(new Array<number>(1_000_000).fill(1), {
      get(target, key) {
        if (typeof key === 'string' && key !== 'length') reads++
        return Reflect.get(target, key)
      },
    })
    expect(objectSize({ minBytes: 80 })(numbers, HERE)).toBe(true)
    expect(reads).toBe(10)
    expect(objectSize({ maxBytes: 80 })(numbers, HERE)).toBe(false)
    expect(reads).toBe(10 + 11)
  })

  test.each<[object, string]>([
    [{ minBytes: -1 }, 'objectSize: minBytes takes a number of bytes, at least 0, not -1'],
    [{ maxBytes: Number.NaN }, 'objectSize: maxBytes takes a number of bytes, at least 0, not NaN'],
    [{ minBytes: '10' }, 'objectSize: minBytes takes a number of bytes, at least 0, not "10"'],
    [{ minBytes: 2, maxBytes: 1 }, 'objectSize: minBytes (2) is more than maxBytes (1), so nothing would pass'],
    [{ minSize: 1 }, 'objectSize has no option "minSize"; there are minBytes, maxBytes'],
  ])('refuses %o', (options, message) => {
    expect(() => objectSize(options)).toThrow(expect.objectContaining({ code: 'CONFIG', message }))
  })

  test('refuses a bare number', () => {
    expect(() => objectSize(1000 as never)).toThrow('objectSize takes an object with options, not 1000')
  })
})
