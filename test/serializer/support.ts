import fc from 'fast-check'
import { expect } from 'vitest'
import { SerializationError } from '../../src/errors.ts'
import { crc32 } from '../../src/serializer/crc32.ts'
import {
  type DeserializeOptions,
  deserialize,
  type SerializeOptions,
  serialize,
} from '../../src/serializer/serializer.ts'

type Bytes = Uint8Array<ArrayBuffer>

/** The bytes of a value in one piece, with memory of its own. */
export function bytesOf(value: unknown, options?: SerializeOptions): Bytes {
  const chunks = serialize(value, options)
  if (chunks instanceof Promise) throw new Error('There is a Blob in it')
  return joined(chunks)
}

export function joined(chunks: readonly Uint8Array[]): Bytes {
  return new Uint8Array(Buffer.concat(chunks))
}

export function roundTrip<T>(value: T, options?: DeserializeOptions): T {
  return deserialize(bytesOf(value), options) as T
}

/** A frame with this text, whatever it says. */
export function frameOf(text: string, buffers: readonly Uint8Array[] = []): Bytes {
  const head = Buffer.alloc(24 + 8 * buffers.length)
  const encoded = Buffer.from(text)
  head.write('TAPS')
  head.set([1, 1, 254, 0], 8)
  head.writeUInt32LE(buffers.length, 12)
  head.writeBigUInt64LE(BigInt(encoded.length), 16)
  for (const [i, { length }] of buffers.entries()) head.writeBigUInt64LE(BigInt(length), 24 + 8 * i)
  return resealed(joined([head, ...[encoded, ...buffers].flatMap((part) => [part, Buffer.alloc(-part.length & 7)])]))
}

/** The same, with the checksum that it ought to have. */
export function resealed(frame: Bytes): Bytes {
  if (frame.length >= 8) new DataView(frame.buffer).setUint32(4, crc32(frame.subarray(8), 0), true)
  return frame
}

export function textOf(frame: Uint8Array): string {
  const view = Buffer.from(frame)
  const start = 24 + 8 * view.readUInt32LE(12)
  return view.toString('utf8', start, start + Number(view.readBigUInt64LE(16)))
}

/** The error that an attempt ends with, which has to be of one class only. */
export function errorOf(attempt: () => unknown): SerializationError {
  try {
    attempt()
  } catch (error) {
    expect(error).toBeInstanceOf(SerializationError)
    return error as SerializationError
  }
  throw new Error('It did not fail')
}

export function refusal(value: unknown, options?: SerializeOptions): string {
  return errorOf(() => serialize(value, options)).message
}

/** A value, or the one error that is allowed. */
export function readOrRefused(frame: Uint8Array, options?: DeserializeOptions): unknown {
  try {
    return deserialize(frame, options)
  } catch (error) {
    if (!(error instanceof SerializationError)) throw error
    return error
  }
}

/** Checks that two values are equal, and that the same parts of them are one object. */
export function expectSame(actual: unknown, expected: unknown): void {
  expectSameIn(actual, expected, 'value', { there: new Map(), back: new Map() })
}

interface Known {
  readonly there: Map<unknown, unknown>
  readonly back: Map<unknown, unknown>
}

function expectSameIn(actual: unknown, expected: unknown, path: string, known: Known): void {
  if (typeof expected !== 'object' || expected === null || typeof actual !== 'object' || actual === null) {
    if (!Object.is(actual, expected)) throw new Error(`${path} is ${String(actual)}, not ${String(expected)}`)
    return
  }
  if (known.back.has(actual)) {
    if (known.back.get(actual) !== expected) throw new Error(`${path} is another object`)
    return
  }
  if (known.there.has(expected) && known.there.get(expected) !== actual) throw new Error(`${path} is another object`)
  known.there.set(expected, actual)
  known.back.set(actual, expected)
  if (Object.getPrototypeOf(actual) !== Object.getPrototypeOf(expected)) throw new Error(`${path} is of another class`)
  if (ArrayBuffer.isView(expected)) expectSameBuffer(actual as ArrayBufferView, expected, path, known)
  const [ours, theirs] = [partsOf(actual), partsOf(expected)]
  if (ours.length !== theirs.length) throw new Error(`${path} has ${ours.length} parts, not ${theirs.length}`)
  for (const [i, [key, part]] of theirs.entries()) {
    if (ours[i]?.[0] !== key) throw new Error(`${path} has no ${key}`)
    expectSameIn(ours[i]?.[1], part, `${path}.${key}`, known)
  }
}

/** Not its bytes: those that no view shows do not travel. */
function expectSameBuffer(actual: ArrayBufferView, expected: ArrayBufferView, path: string, { there }: Known): void {
  if (!there.has(expected.buffer)) there.set(expected.buffer, actual.buffer)
  else if (there.get(expected.buffer) !== actual.buffer) throw new Error(`${path} is a view of another buffer`)
}

/** What an object has, in order. */
function partsOf(object: object): [name: string, part: unknown][] {
  if (ArrayBuffer.isView(object)) {
    return [['bytes', Buffer.from(object.buffer, object.byteOffset, object.byteLength).toString('hex')]]
  }
  if (object instanceof ArrayBuffer) return [['bytes', Buffer.from(object).toString('hex')]]
  if (object instanceof Date) return [['time', object.getTime()]]
  if (object instanceof URL) return [['href', object.href]]
  const parts: [string, unknown][] = Object.entries(object)
  if (Array.isArray(object)) parts.push(['length', object.length])
  if (object instanceof Map) {
    for (const [i, [key, value]] of [...object].entries()) parts.push([`keys ${i}`, key], [`values ${i}`, value])
  }
  if (object instanceof Set) for (const [i, value] of [...object].entries()) parts.push([`elements ${i}`, value])
  if (object instanceof RegExp) parts.push(['text', String(object)], ['lastIndex', object.lastIndex])
  if (object instanceof Error) {
    const { name, message, stack, cause } = object
    parts.push(['name', name], ['message', message], ['stack', stack], ['cause', cause])
    if (object instanceof AggregateError) parts.push(['errors', object.errors])
  }
  for (const boxed of [Number, String, Boolean, BigInt]) {
    if (object instanceof boxed) parts.push(['inside', object.valueOf()])
  }
  return parts
}

// --- Random values

const bytes = fc.uint8Array({ maxLength: 40 })
const leaves: fc.Arbitrary<unknown>[] = [
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', '.', '\\', 'a.b\\.c', '\ud800', '\u0000'),
  fc.integer(),
  fc.double(),
  fc.constantFrom<unknown>(undefined, null, true, false, Number.NaN, -0, Number.POSITIVE_INFINITY, -Infinity),
  fc.bigInt(),
  fc.bigInt({ min: 0n, max: 1n << 5_000n }),
  fc.date({ noInvalidDate: false }),
  fc.constantFrom(/a[/]b/, /\//gi, /(?<x>\n)/su).map((regExp) => new RegExp(regExp)),
  fc.integer({ min: 0, max: 5 }).map((lastIndex) => Object.assign(/x/g, { lastIndex })),
  fc.webUrl().map((url) => new URL(url)),
  bytes.map((array) => array.slice().buffer),
  bytes.map((array) => Buffer.from(array)),
  bytes.map((array) => new DataView(array.slice().buffer, array.length >> 1)),
  ...[Int8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array].map(
    (View) => bytes.map((array) => new View(array)),
  ),
  bytes.map((array) => BigInt64Array.from(array, BigInt)),
  bytes.map((array) => BigUint64Array.from(array, BigInt)),
  fc.oneof(fc.double(), fc.string(), fc.boolean(), fc.bigInt()).map((inside) => Object(inside)),
  fc.string().map((message) => new RangeError(message)),
  fc.string().map((message) => Object.assign(new Error(message), { code: 'E_TEST', extra: undefined })),
  bytes.map((array) => {
    const buffer = new ArrayBuffer(64)
    return [buffer, new Uint8Array(buffer, array.length), new Float64Array(buffer, 8, 3), new DataView(buffer, 3, 7)]
  }),
  bytes.map((array) => {
    const pool = new ArrayBuffer(20_000)
    return [new Uint8Array(pool, array.length, 3), new Uint16Array(pool, 18_000 + 2 * array.length, 4)]
  }),
]

const keys = fc.oneof(
  fc.string(),
  fc.constantFrom(
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'length',
    'a.b',
    '\\',
    '0',
    '10',
    '2',
    '',
    'json',
  ),
)

function define(object: object, entries: readonly (readonly [string, unknown])[]): object {
  for (const [key, value] of entries) {
    Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true })
  }
  return object
}

const { tree } = fc.letrec((tie) => {
  const child = tie('tree')
  const entries = fc.array(fc.tuple(keys, child), { maxLength: 5 })
  return {
    tree: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.oneof(...leaves),
      fc.array(child, { maxLength: 5 }),
      entries.map((list) => define({}, list)),
      entries.map((list) => define(Object.create(null), list)),
      fc.array(fc.tuple(child, child), { maxLength: 4 }).map((list) => new Map(list)),
      fc.array(child, { maxLength: 4 }).map((list) => new Set(list)),
      fc.sparseArray(child, { maxNumElements: 3, maxLength: 12 }),
      fc.array(child, { maxLength: 3 }).map((list) => Object.assign(list, { 'a name': list.length })),
      fc.tuple(child, child).map(([cause, extra]) => Object.assign(new TypeError('no', { cause }), { extra })),
      fc.array(child, { maxLength: 3 }).map((errors) => new AggregateError(errors, 'some')),
    ),
  }
})

/** The containers in a value, so that they can be made to refer to each other. */
function containersIn(value: unknown, found: Set<object> = new Set()): Set<object> {
  if (!isContainer(value) || found.has(value)) return found
  found.add(value)
  if (value instanceof Map) for (const entry of value) for (const each of entry) containersIn(each, found)
  else if (value instanceof Set) for (const each of value) containersIn(each, found)
  else for (const each of Object.values(value)) containersIn(each, found)
  return found
}

function isContainer(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const isPlain = Object.getPrototypeOf(value) === null || Object.getPrototypeOf(value) === Object.prototype
  return isPlain || [Array, Map, Set, Error].some((it) => value instanceof it)
}

function refer(from: object, to: object): void {
  if (from instanceof Map) from.set(to, to)
  else if (from instanceof Set) from.add(to)
  else if (Array.isArray(from)) from.push(to)
  else Object.assign(from, { 'refers.to': to })
}

/** All that the serializer takes, with parts that stand in several places, and in themselves. */
export const anyValue: fc.Arbitrary<unknown> = fc
  .tuple(tree, fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 4 }))
  .map(([value, links]) => {
    const containers = [...containersIn(value)]
    for (const [from, to] of links) {
      if (containers.length === 0) break
      refer(containers[from % containers.length] as object, containers[to % containers.length] as object)
    }
    return value
  })
