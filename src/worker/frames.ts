/**
 * Messages on a pipe: a header, the text, and the bytes beside it.
 * Header, in 32-bit words (little endian): a mark, the length of the text, how many objects there are, the length of each.
 */
import { TapsError } from '../errors.ts'

/** Tells frames from whatever else somebody may write to the pipe. */
const MARK = 0x53504154
const WORD = 4
/** The fixed part of the header. */
const HEAD = 3 * WORD
/** Bytes of a text or an object, at the most. */
const LARGEST = 0x7fffffff
/** Objects beside a text, at the most. */
const MOST_OBJECTS = 1_000_000

/** What to write for a message, in order. */
export function frame(text: string, beside: readonly object[] = []): Uint8Array[] {
  const textLength = Buffer.byteLength(text)
  const head = Buffer.allocUnsafe(HEAD + beside.length * WORD + textLength)
  head.writeUInt32LE(MARK, 0)
  head.writeUInt32LE(textLength, WORD)
  head.writeUInt32LE(beside.length, 2 * WORD)
  const chunks: Uint8Array[] = [head]
  beside.forEach((object, i) => {
    const bytes = new Uint8Array(object as ArrayBuffer)
    if (bytes.length > LARGEST) throw new RangeError(`${bytes.length} bytes are too many for one object`)
    head.writeUInt32LE(bytes.length, HEAD + i * WORD)
    if (bytes.length > 0) chunks.push(bytes)
  })
  head.write(text, HEAD + beside.length * WORD)
  return chunks
}

/** Puts the chunks that arrive on a pipe together again. */
export class FrameReader {
  readonly #onMessage: (text: string, beside: readonly object[]) => void
  /** The part that is being filled: header, lengths and text, then each object. */
  #part: Uint8Array = new Uint8Array(HEAD)
  #filled = 0
  #stage: 'head' | 'text' | 'objects' = 'head'
  #lengths: readonly number[] = []
  #count = 0
  #text = ''
  #beside: ArrayBuffer[] = []

  constructor(onMessage: (text: string, beside: readonly object[]) => void) {
    this.#onMessage = onMessage
  }

  /** @throws TapsError for what is no frame: nothing on this pipe can be trusted any more */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length || this.#filled === this.#part.length; ) {
      const count = Math.min(chunk.length - at, this.#part.length - this.#filled)
      this.#part.set(count === chunk.length ? chunk : chunk.subarray(at, at + count), this.#filled)
      this.#filled += count
      at += count
      if (this.#filled < this.#part.length) return
      this.#next()
    }
  }

  #next(): void {
    if (this.#stage === 'head') this.#takeHead()
    else if (this.#stage === 'text') this.#takeText()
    else this.#beside.push(this.#part.buffer as ArrayBuffer)
    if (this.#stage === 'objects') this.#nextObject()
  }

  #takeHead(): void {
    const view = new DataView(this.#part.buffer, this.#part.byteOffset, HEAD)
    const [mark, text, count] = [0, 1, 2].map((word) => view.getUint32(word * WORD, true)) as [number, number, number]
    if (mark !== MARK || text > LARGEST || count > MOST_OBJECTS) {
      throw new TapsError(
        'ILLEGAL_STATE',
        `There was ${JSON.stringify(Buffer.from(this.#part).toString())} where a message was due. Only the worker may write to its pipe; with a prefix, that is standard output`,
      )
    }
    this.#count = count
    this.#stage = 'text'
    this.#expect(count * WORD + text)
  }

  #takeText(): void {
    const { buffer, byteOffset, byteLength } = this.#part
    const view = new DataView(buffer, byteOffset, byteLength)
    this.#lengths = Array.from({ length: this.#count }, (_, i) => view.getUint32(i * WORD, true))
    this.#text = Buffer.from(buffer, byteOffset, byteLength).toString('utf8', this.#count * WORD)
    this.#stage = 'objects'
  }

  #nextObject(): void {
    const length = this.#lengths[this.#beside.length]
    if (length !== undefined) {
      this.#expect(length)
      return
    }
    const [text, beside] = [this.#text, this.#beside]
    this.#beside = []
    this.#text = ''
    this.#stage = 'head'
    this.#expect(HEAD)
    this.#onMessage(text, beside)
  }

  #expect(length: number): void {
    this.#part = new Uint8Array(length)
    this.#filled = 0
  }
}
