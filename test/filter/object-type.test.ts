import { describe, expect, test } from 'vitest'
import { objectType, type TypePattern } from '../../src/filter/object-type.ts'
import { HERE, madeAgain, RESULT } from './support.ts'

class Image {}
class Photo extends Image {}
class Renamed {
  static readonly name = 42
  readonly field = 1
}

const passes = (pattern: TypePattern, value: unknown): boolean => objectType(pattern)(value, HERE)

describe('objectType', () => {
  test.each<[unknown, string]>([
    [new Uint8Array(1), 'Uint8Array'],
    [Buffer.alloc(1), 'Buffer'],
    [new ArrayBuffer(1), 'ArrayBuffer'],
    [new Map(), 'Map'],
    [new Set(), 'Set'],
    [new Date(), 'Date'],
    [/x/, 'RegExp'],
    [new RangeError(), 'RangeError'],
    [{}, 'Object'],
    [Object.create(null), 'Object'],
    [{ constructor: Map }, 'Object'],
    [[], 'Array'],
    [new Photo(), 'Photo'],
    [new (class extends Photo {})(), 'Photo'],
    [Object.create(new Photo()), 'Photo'],
    [new Renamed(), 'Object'],
    [1, 'number'],
    [Number.NaN, 'number'],
    ['text', 'string'],
    ['', 'string'],
    [true, 'boolean'],
    [1n, 'bigint'],
    [Symbol('s'), 'symbol'],
    [undefined, 'undefined'],
    [null, 'null'],
    [() => 1, 'function'],
  ])('the type of %o is %s', (value, name) => {
    expect(passes(`^${name}$`, value)).toBe(true)
    expect(objectType(new RegExp(`^(?!${name}$)`))(value, RESULT)).toBe(false)
  })

  test('text is searched in the name, wherever it stands', () => {
    expect(passes('Array', new Uint8Array(1))).toBe(true)
    expect(passes('hot', new Photo())).toBe(true)
    expect(passes('^Array', new Uint8Array(1))).toBe(false)
    expect(passes('array', new Uint8Array(1))).toBe(false)
    expect(passes('Image', new Photo())).toBe(false)
  })

  test('a RegExp keeps its flags, and no place', () => {
    const filter = objectType(/ARRAY/gi)
    expect([1, 2, 3].map(() => filter(new Uint8Array(1), HERE))).toEqual([true, true, true])
    expect(passes(/U/y, new Uint8Array(1))).toBe(true)
    expect(passes(/i/y, new Uint8Array(1))).toBe(false)
  })

  test.each<[TypePattern, unknown, boolean]>([
    [Photo, new Photo(), true],
    [Image, new Photo(), true],
    [Photo, new Image(), false],
    [Uint8Array, Buffer.alloc(1), true],
    [Buffer, new Uint8Array(1), false],
    [Object, new Map(), true],
    [Object, Object.create(null), false],
    [Object, 'text', false],
    [String, 'text', true],
    [Number, 1, true],
    [Number, '1', false],
    [Function, () => 1, true],
    [Error, new RangeError(), true],
    [Map, undefined, false],
    [Map, null, false],
  ])('the class %o says of %o: %s', (pattern, value, expected) => {
    expect(passes(pattern, value)).toBe(expected)
  })

  test('classes are compared by their names, since each worker has classes of its own', () => {
    const { Photo: another } = { Photo: class Photo {} }
    expect(passes(another, new Photo())).toBe(true)
  })

  test('one of several patterns is enough, and without any nothing passes', () => {
    const filter = objectType('^string$', /^number$/, Image)
    expect(['a', 1, new Photo(), true].map((value) => filter(value, HERE))).toEqual([true, true, true, false])
    expect(objectType()(1, HERE)).toBe(false)
    expect(objectType({ patterns: [] })(1, HERE)).toBe(false)
  })

  test('patterns may be an option', () => {
    const filter = objectType({ patterns: ['^Map$', Image] })
    expect([new Map(), new Photo(), {}].map((value) => filter(value, HERE))).toEqual([true, true, false])
  })

  test('is made again by workers', async () => {
    const filter = await madeAgain(objectType('^string$', /^NUM/i, Image))
    expect(['a', 1, new Photo(), true, {}].map((value) => filter(value, HERE))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ])
  })

  test('runs no code of a value, and is not stopped by one that cannot be asked', () => {
    let ran = 0
    const value = Object.create({
      get constructor() {
        ran++
        return Map
      },
    })
    expect(passes('Object', value)).toBe(true)
    expect(ran).toBe(0)
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    expect(passes('Object', proxy)).toBe(true)
    expect(passes(Map, proxy)).toBe(false)
  })

  test.each<[unknown, string]>([
    ['(', 'objectType: "(" is no regular expression'],
    [42, 'not 42'],
    [null, 'not null'],
    [undefined, 'not undefined'],
    [(value: unknown) => value === 1, 'not a function'],
    [class {}, 'classes that have a name'],
    [['Map'], 'objectType takes an object with options, not an array'],
    [{ pattern: 'Map' }, 'objectType has no option "pattern"; there are patterns'],
    [{ patterns: 'Map' }, 'objectType: patterns takes a list of patterns, not "Map"'],
    [{ patterns: [42] }, 'not 42'],
  ])('refuses %o at once', (pattern, message) => {
    expect(() => objectType(pattern as never)).toThrow(
      expect.objectContaining({ code: 'CONFIG', message: expect.stringContaining(message) }),
    )
  })
})
