import { globalClass, VIEWS } from '../worker/global-classes.ts'
import { MOST_RESERVED } from './memory.ts'
import { put, type Slot, valueIn } from './raw.ts'

/** Makes a view of a buffer. */
interface ViewClass {
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): ArrayBufferView
  readonly BYTES_PER_ELEMENT?: number
}
type ResizableClass = new (length: number, options: { maxByteLength: number }) => ArrayBuffer

/** A view or a buffer that is to be made. */
interface Wanted {
  readonly slot: Slot
  readonly source: Source
  /** Undefined for a buffer. */
  readonly View: ViewClass | undefined
  readonly byteOffset: number
  readonly length: number
}

/** A buffer of the frame. */
interface Source {
  readonly bytes: Uint8Array
  /** How far the buffer may grow, if it may. */
  maxByteLength: number | undefined
  /** Whether views may show the memory of the frame. */
  isShareable: boolean
  /** A copy of the bytes, once it is made. */
  copy: ArrayBuffer | undefined
  isBlob: boolean
}

/** The binary data of a value that is read. */
export class Views {
  readonly #sources: readonly Source[]
  readonly #wanted: Wanted[] = []
  #reserved = 0

  /** @param share - whether views may show the memory of the frame */
  constructor(buffers: readonly Uint8Array[], share: boolean) {
    this.#sources = buffers.map((bytes) => ({
      bytes,
      maxByteLength: undefined,
      isShareable: share,
      copy: undefined,
      isBlob: false,
    }))
  }

  /** Takes what stands for a view, or for an ArrayBuffer. */
  add(type: string, slot: Slot): void {
    const View = type === 'ArrayBuffer' ? undefined : viewClass(type)
    const [index, ...others] = numbers(valueIn(slot))
    const [byteOffset = 0, length = 0] = View === undefined ? [] : others
    const maxByteLength = others[View === undefined ? 0 : 2]
    const source = this.#source(index)
    if (maxByteLength !== undefined) this.#grow(source, maxByteLength)
    const size = View?.BYTES_PER_ELEMENT ?? 1
    if (byteOffset + length * size > source.bytes.length) throw new RangeError('a view exceeds its buffer')
    if (View === undefined || (source.bytes.byteOffset + byteOffset) % size !== 0) source.isShareable = false
    this.#wanted.push({ slot, source, View, byteOffset, length })
  }

  /** Makes what was added. */
  close(): void {
    for (const { slot, source, View, byteOffset, length } of this.#wanted) {
      if (View === undefined) put(slot, bufferOf(source))
      else put(slot, viewOf(View, source, byteOffset, length))
    }
  }

  /** What stands for a Blob or a File. */
  blob(json: unknown): Blob {
    const [number, type, name, lastModified] = Array.isArray(json) ? (json as unknown[]) : []
    const source = this.#source(numbers(number)[0])
    // Each makes a copy: many of one buffer would take more memory than the frame.
    if (source.isBlob || typeof type !== 'string') throw new TypeError('there is no such Blob')
    source.isBlob = true
    const parts = [source.bytes as Uint8Array<ArrayBuffer>]
    if (name === undefined) return new Blob(parts, { type })
    if (typeof name !== 'string' || typeof lastModified !== 'number') throw new TypeError('there is no such File')
    return new File(parts, name, { type, lastModified })
  }

  #source(index: number | undefined): Source {
    const source = this.#sources[index ?? -1]
    if (source === undefined) throw new RangeError('a buffer is missing')
    return source
  }

  #grow(source: Source, maxByteLength: number): void {
    if (source.maxByteLength === undefined) this.#reserved += maxByteLength
    if (this.#reserved > MOST_RESERVED) throw new RangeError('its buffers may grow too large')
    source.maxByteLength = maxByteLength
    source.isShareable = false
  }
}

function viewClass(type: string): ViewClass {
  const found = VIEWS.includes(type) ? globalClass<ViewClass>(type) : undefined
  if (found !== undefined) return found
  // A Buffer is a Uint8Array with more methods: where there is none, that will do.
  if (type === 'Buffer') return Uint8Array
  throw new TypeError(`this runtime has no ${type}`)
}

function viewOf(View: ViewClass, source: Source, byteOffset: number, length: number): ArrayBufferView {
  const { bytes, isShareable } = source
  const [buffer, start] = isShareable ? [bytes.buffer, bytes.byteOffset + byteOffset] : [bufferOf(source), byteOffset]
  return isBuffer(View) ? View.from(buffer, start, length) : new View(buffer, start, length)
}

interface BufferClass {
  from(buffer: ArrayBufferLike, byteOffset: number, length: number): ArrayBufferView
}

/** Its constructor is deprecated. */
function isBuffer(View: object): View is BufferClass {
  return View === globalClass('Buffer')
}

function bufferOf(source: Source): ArrayBuffer {
  source.copy ??= copyOf(source)
  return source.copy
}

function copyOf({ bytes, maxByteLength }: Source): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = bytes
  if (maxByteLength === undefined && buffer instanceof ArrayBuffer)
    return buffer.slice(byteOffset, byteOffset + byteLength)
  const copy =
    maxByteLength === undefined
      ? new ArrayBuffer(byteLength)
      : new (ArrayBuffer as ResizableClass)(byteLength, { maxByteLength })
  new Uint8Array(copy).set(bytes)
  return copy
}

function numbers(json: unknown): number[] {
  if (!Array.isArray(json) || !json.every((each) => Number.isSafeInteger(each) && each >= 0))
    throw new TypeError('there is no such buffer')
  return json as number[]
}
