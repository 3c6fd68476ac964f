import { viewType } from '../worker/global-classes.ts'
import { ALIGNMENT, isSmall } from './frame.ts'

/** What the library's language version does not know of buffers yet. */
interface ModernBuffer extends ArrayBuffer {
  readonly detached?: boolean
  readonly resizable?: boolean
  readonly maxByteLength: number
}

/** A buffer, and the range of it that is needed. */
interface Hold {
  buffer: ModernBuffer
  start: number
  end: number
  /** What stands for it and its views in JSON: lists that begin with its number, and the offset of a view. */
  readonly mentions: number[][]
}

/** So much address space may a frame reserve for buffers that can grow. */
export const MOST_RESERVED: number = 2 ** 34

/** The binary data of a value. Of a buffer only the range travels that views show: Node's small Buffers share a large one. */
export class Memory {
  readonly #holds: Map<ArrayBuffer, Hold> = new Map()
  #reserved = 0

  /** The whole of a buffer. @returns what stands for it in JSON */
  addBuffer(buffer: ArrayBuffer): number[] {
    const hold = this.#hold(buffer)
    hold.start = 0
    hold.end = buffer.byteLength
    return this.#mention(hold, [-1])
  }

  /** A view, and of its buffer what it shows: of shared memory too, which is read when the bytes are. @returns what stands for it in JSON */
  addView(view: ArrayBufferView): number[] {
    const { buffer, byteOffset, byteLength } = view
    const hold = this.#hold(buffer as ArrayBuffer)
    hold.start = Math.min(hold.start, byteOffset - (byteOffset % ALIGNMENT))
    hold.end = Math.max(hold.end, byteOffset + byteLength)
    return this.#mention(hold, [-1, byteOffset, lengthOf(view)])
  }

  /** Goes on with copies of the buffers. */
  copy(): void {
    for (const hold of this.#holds.values()) hold.buffer = hold.buffer.slice(0) as ModernBuffer
  }

  /** Completes what stands in JSON: to be called after the last `add…`. @returns the buffers, small ones first */
  close(): Uint8Array[] {
    const holds = [...this.#holds.values()]
    const small = holds.filter((hold) => isSmall(hold.end - hold.start))
    const large = holds.filter((hold) => !isSmall(hold.end - hold.start))
    return [...small, ...large].map(({ buffer, start, end, mentions }, index) => {
      for (const mention of mentions) {
        mention[0] = index
        if (mention.length > 2) (mention[1] as number) -= start
      }
      return new Uint8Array(buffer, start, end - start)
    })
  }

  #hold(buffer: ArrayBuffer): Hold {
    const known = this.#holds.get(buffer)
    if (known !== undefined) return known
    const { detached, resizable, byteLength } = buffer as ModernBuffer
    if (detached) throw new TypeError('its memory was moved away before')
    if (resizable) this.#reserve((buffer as ModernBuffer).maxByteLength)
    // One that can be resized keeps its size, which says how far it may grow.
    const range = resizable ? { start: 0, end: byteLength } : { start: Number.POSITIVE_INFINITY, end: 0 }
    const hold = { buffer: buffer as ModernBuffer, ...range, mentions: [] }
    this.#holds.set(buffer, hold)
    return hold
  }

  #reserve(maxByteLength: number): void {
    this.#reserved += maxByteLength
    if (this.#reserved > MOST_RESERVED) throw new RangeError('its buffers may grow larger than anybody would read')
  }

  #mention({ buffer, mentions }: Hold, mention: number[]): number[] {
    if (buffer.resizable) mention.push(buffer.maxByteLength)
    mentions.push(mention)
    return mention
  }
}

/** In elements; of a DataView in bytes. */
function lengthOf(view: ArrayBufferView): number {
  return viewType(view) === 'DataView' ? view.byteLength : (view as Uint8Array).length
}
