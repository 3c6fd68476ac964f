import { describe, expect, test } from 'vitest'
import { ndArray } from '../../src/python/arrays.ts'
import { decodeResult, encodeArgs } from '../../src/python/values.ts'

/** As Python would send it back. */
function roundTrip(...args: readonly unknown[]): unknown {
  const encoded = encodeArgs(args)
  if (typeof encoded === 'string') return decodeResult(JSON.parse(encoded), [])
  // Behind the objects of another call.
  return decodeResult(JSON.parse(encoded.textAt(2)), [new ArrayBuffer(1), new ArrayBuffer(2), ...encoded.beside])
}

describe('arguments of Python functions', () => {
  test('JSON travels as it is', () => {
    expect(encodeArgs([1, 'a', null, true, { b: [2.5] }])).toBe('[1,"a",null,true,{"b":[2.5]}]')
  })

  test.each([
    ['numbers that JSON has not', [Number.NaN, Infinity, -Infinity, -0]],
    ['bigints', [10n ** 30n, -1n]],
    ['undefined', [undefined, { a: undefined }]],
    ['keys of the notation itself', [{ $py: ['nothing'] }, { $py: { $py: 1 }, other: -0 }]],
    ['texts that mention the notation', ['$py', { a: '"$py"' }]],
    ['bytes', [new Uint8Array([1, 2]), { deep: [new Uint8Array(0)] }]],
    ['typed arrays', [new Float64Array([1, -0, Number.NaN]), new BigInt64Array([-1n]), new Int16Array(3)]],
    ['arrays of several dimensions', [ndArray(new Float32Array(6), [2, 3]), ndArray(new Uint8Array(1), [])]],
    ['a value in two places', [Array(2).fill({ a: new Uint8Array([1]) })]],
  ])('%s come back as they were', (_, args) => {
    expect(roundTrip(...args)).toEqual(args)
  })

  test('all that is bytes becomes bytes', () => {
    const bytes = new Uint8Array([1, 2, 3, 4])
    const clamped = new Uint8ClampedArray(bytes)
    expect(roundTrip(bytes.buffer, Buffer.from(bytes), bytes.subarray(1, 3), clamped)).toEqual([
      bytes,
      bytes,
      bytes.slice(1, 3),
      bytes,
    ])
  })

  test('what is sent is a copy', () => {
    const bytes = new Uint8Array([1])
    const encoded = encodeArgs([bytes])
    bytes[0] = 2
    expect(typeof encoded === 'string' ? [] : encoded.beside).toEqual([new Uint8Array([1]).buffer])
  })

  test('a key named __proto__ is a key like any other', () => {
    const value = JSON.parse('{"__proto__": {"x": null}}')
    value.nothing = undefined
    const [copy] = roundTrip(value) as [object]
    expect(Object.keys(copy)).toEqual(['__proto__', 'nothing'])
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype)
  })

  test.each([
    ['a Date', [{ when: new Date(0) }], 'args[0].when is an instance of Date'],
    ['a Map', [1, [new Map()]], 'args[1][0] is an instance of Map'],
    ['a Set', [new Set()], 'args[0] is an instance of Set'],
    ['a function', [{ 'a b': () => 1 }], 'args[0]["a b"] is a function'],
    ['a symbol', [Symbol('s')], 'args[0] is a symbol'],
    ['a view that NumPy has not', [new DataView(new ArrayBuffer(1))], 'args[0] is an instance of DataView'],
    ['an instance of a class', [new (class Point {})()], 'args[0] is an instance of Point'],
  ])('%s is refused with its path', (_, args, message) => {
    expect(() => encodeArgs(args)).toThrowError(expect.objectContaining({ code: 'SERIALIZATION' }))
    expect(() => encodeArgs(args)).toThrowError(message)
  })

  test('cycles and endless depth are refused', () => {
    const ring: { self?: object } = {}
    ring.self = ring
    expect(() => encodeArgs([ring])).toThrowError('args[0].self is a part of itself')
    let deep: unknown = 1
    for (let i = 0; i < 100_000; i++) deep = [deep]
    expect(() => encodeArgs([deep])).toThrowError('nested too deeply')
  })

  test('a getter that throws is told with its path', () => {
    const value = {
      get broken(): never {
        throw new Error('no')
      },
    }
    expect(() => encodeArgs([value])).toThrowError('args[0].broken cannot be read')
  })
})

describe('results of Python functions', () => {
  test('keys that JSON would escape come in pairs', () => {
    const decoded = decodeResult({ $py: ['pairs', [['a"b', { $py: ['nothing'] }]]] }, [])
    expect(decoded).toEqual({ 'a"b': undefined })
  })

  test.each([
    ['an unknown placeholder', { $py: ['class', 'Point'] }],
    ['a placeholder that is no list', { $py: 1 }],
    ['an unknown float', { $py: ['float', 'toString'] }],
    ['an integer that is none', { $py: ['int', '1e3'] }],
    ['bytes that are not there', { $py: ['bytes', 7] }],
    ['a kind of elements that no typed array has', { $py: ['array', 0, 'complex128', [1]] }],
    ['a shape that the bytes do not have', { $py: ['array', 0, 'float64', [2, 2]] }],
    ['a shape that is none', { $py: ['array', 0, 'float64', [-1, -1]] }],
  ])('%s is refused', (_, json) => {
    const read = (): unknown => decodeResult(json, [new ArrayBuffer(8)])
    expect(read).toThrowError(expect.objectContaining({ code: 'SERIALIZATION' }))
  })

  test('a result that is nested too deeply is refused', () => {
    expect(() => decodeResult(JSON.parse(`${'['.repeat(9_999)}${']'.repeat(9_999)}`), [])).toThrowError('nested deeper')
  })

  test('an array is made of exactly as many elements as its typed array has', () => {
    expect(() => ndArray(new Int8Array(5), [2, 3])).toThrowError('5 elements have no shape [2,3]')
    expect(() => ndArray([1] as never, [1])).toThrowError('takes a typed array')
  })
})
