/** Typed arrays and NumPy's. */
import { ConfigError, SerializationError } from '../errors.ts'

/** The name of a kind of elements, as NumPy calls it. */
export type DType =
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'float32'
  | 'float64'

/** A typed array that NumPy has as well. */
export type TypedArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array

/** The kinds of elements that typed arrays and NumPy have in common. */
const ARRAYS = {
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  float32: Float32Array,
  float64: Float64Array,
} as const satisfies Record<DType, unknown>

/**
 * A NumPy array that has not exactly one dimension: plain data, which any task takes. Arrays of one dimension are typed arrays
 * alone.
 */
export interface NdArray<Data extends TypedArray = TypedArray> {
  /** What its elements are. */
  readonly dtype: DType
  /** How many elements there are in each dimension; the last one varies fastest. */
  readonly shape: readonly number[]
  /** The elements, one after the other. */
  readonly data: Data
}

/**
 * An array of several dimensions, for a Python function that takes one.
 * @param data - the elements; the last dimension varies fastest
 * @example
 * ```ts
 * engine.submit(inverse, ndArray(new Float64Array([1, 2, 3, 4]), [2, 2]))
 * ```
 * @throws ConfigError if the shape has another number of elements
 */
export function ndArray<Data extends TypedArray>(data: Data, shape: readonly number[]): NdArray<Data> {
  const dtype = dtypeOf(data)
  if (dtype === undefined)
    throw new ConfigError('ndArray takes a typed array of a kind that NumPy has, from Int8Array to Float64Array')
  if (!isShape(shape) || countIn(shape) !== data.length)
    throw new ConfigError(`ndArray: ${data.length} elements have no shape ${JSON.stringify(shape)}`)
  return { dtype, shape: [...shape], data }
}

/** The name of the elements; undefined for what is no typed array of ours. A Buffer counts as bytes, in `uint8`. */
export function dtypeOf(value: unknown): DType | undefined {
  if (!ArrayBuffer.isView(value)) return undefined
  const name = (value as unknown as { readonly [Symbol.toStringTag]?: string })[Symbol.toStringTag]
  return DTYPES.get(name ?? '')
}

const DTYPES: ReadonlyMap<string, DType> = new Map(
  Object.entries(ARRAYS).map(([dtype, { name }]) => [name, dtype as DType]),
)

/** Whether a plain object is what {@link ndArray} makes: it may have been copied, or come from a worker. */
export function isNdArray(value: object): value is NdArray {
  const { dtype, shape, data } = value as Partial<NdArray>
  if (dtype === undefined || dtypeOf(data) !== dtype || Object.keys(value).length !== KEYS) return false
  return isShape(shape) && countIn(shape) === (data as TypedArray).length
}

const KEYS = 3

function isShape(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((length) => Number.isSafeInteger(length) && length >= 0)
}

function countIn(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1)
}

/** What came from NumPy. @throws SerializationError if its bytes are others than it says */
export function arrayFrom(memory: unknown, dtype: unknown, shape: unknown): TypedArray | NdArray {
  if (typeof dtype !== 'string' || !Object.hasOwn(ARRAYS, dtype))
    throw new SerializationError(
      `The array has elements of the kind ${String(dtype)}, for which there is no typed array: return another one, such as float64`,
    )
  const Type = ARRAYS[dtype as DType]
  if (
    !(memory instanceof ArrayBuffer) ||
    !isShape(shape) ||
    memory.byteLength !== countIn(shape) * Type.BYTES_PER_ELEMENT
  )
    throw new SerializationError(`The array has not the bytes of a shape ${JSON.stringify(shape)} of ${dtype}`)
  const data = new Type(memory)
  return shape.length === 1 ? data : { dtype: dtype as DType, shape, data }
}

/** What Python knows as bytes, be it shared or not; undefined for all else. */
export function bytesOf(value: object): Uint8Array | undefined {
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  if (value instanceof Uint8Array || value instanceof Uint8ClampedArray)
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  return undefined
}

/** Memory with nothing but these bytes, ours to give away. */
export function copyOf({ buffer, byteOffset, byteLength }: ArrayBufferView): ArrayBuffer {
  const copy = new ArrayBuffer(byteLength)
  new Uint8Array(copy).set(new Uint8Array(buffer, byteOffset, byteLength))
  return copy
}
