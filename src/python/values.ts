/**
 * Arguments and results of Python functions: JSON, in which an object `{"$py": [...]}` stands for what JSON has not.
 *
 * - `["bytes", i]` bytes: number `i` of the objects beside it
 * - `["array", i, dtype, shape]` a NumPy array of such bytes
 * - `["float", "nan" | "inf" | "-inf" | "-0"]`
 * - `["int", "123…"]` a bigint; from Python, an integer that a number cannot hold
 * - `["nothing"]` undefined
 * - `["object", {...}]` an object that has the key `$py` itself
 * - `["pairs", [[key, value], …]]` an object with keys that JSON has to escape: V8 13.6 mistakes those for others
 *
 * `i` counts what is beside the whole message.
 */
import { SerializationError } from '../errors.ts'
import type { ForeignCodec, ForeignPacket } from '../executor/packs/foreign.ts'
import { isObject } from '../options.ts'
import { cure, describe } from '../worker/describe.ts'
import { toJson } from '../worker/json-safe.ts'
import { type Place, pathOf, placeIn, rootPlace } from '../worker/place.ts'
import { arrayFrom, bytesOf, copyOf, dtypeOf, isNdArray } from './arrays.ts'

const KEY = '$py'
/** Levels of lists and objects: Python's own limit is about 1,000. */
const DEEPEST = 500

/** How values travel to Python and back. */
export const pythonCodec: ForeignCodec = { scheme: 'python:', encode: encodeArgs, decode: decodeResult }

/** A copy of the arguments of a call. @throws SerializationError with the path of what Python could not be given */
export function encodeArgs(args: readonly unknown[]): string | ForeignPacket {
  const plain = toJson(args, true)
  // A text that mentions the key may be harmless; the walk knows.
  if (plain !== undefined && !plain.includes(KEY)) return plain
  const writer = new Writer()
  const written = writer.write(args, rootPlace('args'))
  return writer.beside.length === 0 ? JSON.stringify(written) : new ArgsPacket(written, writer)
}

/** Arguments with bytes beside them. */
class ArgsPacket implements ForeignPacket {
  readonly bytes: Uint8Array = new Uint8Array(0)
  readonly beside: readonly ArrayBuffer[]
  readonly size: number
  readonly #written: unknown
  readonly #indexed: readonly unknown[][]

  constructor(written: unknown, { beside, indexed }: Writer) {
    this.#written = written
    this.#indexed = indexed
    this.beside = beside
    this.size = beside.reduce((size, { byteLength }) => size + byteLength, 0)
  }

  textAt(first: number): string {
    this.#indexed.forEach((content, i) => {
      content[1] = first + i
    })
    return JSON.stringify(this.#written)
  }
}

class Writer {
  readonly beside: ArrayBuffer[] = []
  /** The placeholders of what is beside, in the same order. */
  readonly indexed: unknown[][] = []
  /** What the value stands in, to tell a cycle. */
  readonly #around: Set<object> = new Set()

  /** @returns what JSON has for it */
  write(value: unknown, place: Place): unknown {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value
      case 'number':
        return Number.isFinite(value) && !Object.is(value, -0) ? value : placeholder('float', floatName(value))
      case 'bigint':
        return placeholder('int', String(value))
      case 'undefined':
        return placeholder('nothing')
      case 'object':
        return value === null ? null : this.#writeObject(value, place)
      default:
        throw refusal(value, place)
    }
  }

  #writeObject(value: object, place: Place): unknown {
    const bytes = bytesOf(value)
    if (bytes !== undefined) return this.#beside(bytes, 'bytes')
    const dtype = dtypeOf(value)
    if (dtype !== undefined)
      return this.#beside(value as ArrayBufferView, 'array', dtype, [(value as Int8Array).length])
    const isList = Array.isArray(value)
    if (!isList && !isPlain(value)) throw refusal(value, place)
    if (this.#around.has(value)) throw new SerializationError(`${pathOf(place)} is a part of itself, ${NO_PLACE}`)
    if (place.depth > DEEPEST)
      throw new SerializationError(`${pathOf(place)} is nested too deeply: Python takes ${DEEPEST} levels`)
    this.#around.add(value)
    const written = isList ? this.#list(value, place) : this.#plainObject(value, place)
    this.#around.delete(value)
    return written
  }

  #list(list: readonly unknown[], place: Place): unknown[] {
    return Array.from(list, (element, i) => this.write(element, placeIn(place, 'property', String(i))))
  }

  #plainObject(value: object, place: Place): unknown {
    if (isNdArray(value)) return this.#beside(value.data, 'array', value.dtype, value.shape)
    const copy = {}
    for (const key of Object.keys(value)) {
      const at = placeIn(place, 'property', key)
      put(copy, key, this.write(read(value, key, at), at))
    }
    return Object.hasOwn(copy, KEY) ? placeholder('object', copy) : copy
  }

  #beside(view: ArrayBufferView, kind: string, ...more: readonly unknown[]): unknown {
    const content = [kind, this.beside.push(copyOf(view)) - 1, ...more]
    this.indexed.push(content)
    return { [KEY]: content }
  }
}

const NO_PLACE = 'which Python functions cannot be given'

function placeholder(...content: readonly unknown[]): object {
  return { [KEY]: content }
}

function floatName(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (value === 0) return '-0'
  return value > 0 ? 'inf' : '-inf'
}

function isPlain(value: object): boolean {
  try {
    const prototype: unknown = Object.getPrototypeOf(value)
    return prototype === null || prototype === Object.prototype
  } catch {
    // A proxy that does not tell.
    return false
  }
}

function read(object: object, key: string, place: Place): unknown {
  try {
    return (object as Record<string, unknown>)[key]
  } catch (cause) {
    throw new SerializationError(`${pathOf(place)} cannot be read`, { cause })
  }
}

/** Not an assignment: `__proto__` is a name like any other here. */
function put(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true })
}

function refusal(value: unknown, place: Place): SerializationError {
  const known = 'they take JSON, bytes, typed arrays, bigints and undefined'
  const instead =
    value instanceof Date ? 'pass a number or a text' : cure(value).replace(/, or register its class.*/, '')
  return new SerializationError(`${pathOf(place)} is ${describe(value)}, ${NO_PLACE}: ${known}; ${instead}`)
}

/**
 * What a Python function gave.
 * @param json - the payload of a result of the kind `PYTHON_VALUE`, which is changed
 * @param beside - what goes beside its message
 * @throws SerializationError for what is no such payload
 */
export function decodeResult(json: unknown, beside: readonly object[]): unknown {
  return readValue(json, beside, 0)
}

function readValue(json: unknown, beside: readonly object[], depth: number): unknown {
  if (typeof json !== 'object' || json === null) return json
  if (depth > DEEPEST) throw new SerializationError(`The result is nested deeper than ${DEEPEST} levels`)
  if (isObject(json) && Object.hasOwn(json, KEY)) return readPlaceholder(json[KEY], beside, depth)
  return readInside(json, beside, depth)
}

/** In its place: nobody else has it. */
function readInside(json: object, beside: readonly object[], depth: number): object {
  const whole = json as Record<string, unknown>
  // Properties of its own all of them, also one named `__proto__`, which an assignment would not reach otherwise.
  for (const key in whole) if (typeof whole[key] === 'object') whole[key] = readValue(whole[key], beside, depth + 1)
  return json
}

const FLOATS: Readonly<Record<string, number>> = { nan: Number.NaN, inf: Infinity, '-inf': -Infinity, '-0': -0 }

function readPlaceholder(content: unknown, beside: readonly object[], depth: number): unknown {
  const [kind, first, ...more] = Array.isArray(content) ? content : []
  switch (kind) {
    case 'bytes':
      return new Uint8Array(objectAt(beside, first))
    case 'array':
      return arrayFrom(objectAt(beside, first), more[0], more[1])
    case 'float':
      if (Object.hasOwn(FLOATS, first)) return FLOATS[first]
      break
    case 'int':
      if (/^-?\d+$/.test(first)) return BigInt(first)
      break
    case 'nothing':
      return undefined
    case 'object':
      if (isObject(first)) return readInside(first, beside, depth)
      break
    case 'pairs':
      if (Array.isArray(first)) return fromPairs(first, beside, depth)
  }
  throw new SerializationError(`The result has ${JSON.stringify(content)?.slice(0, 100)} where a value was due`)
}

function fromPairs(pairs: readonly unknown[], beside: readonly object[], depth: number): object {
  const object = {}
  for (const pair of pairs) {
    const [key, value] = Array.isArray(pair) ? pair : []
    put(object, String(key), readValue(value, beside, depth + 1))
  }
  return object
}

function objectAt(beside: readonly object[], index: unknown): ArrayBuffer {
  const object = Number.isInteger(index) ? beside[index as number] : undefined
  if (object instanceof ArrayBuffer) return object
  throw new SerializationError('The result has lost some of its bytes')
}
