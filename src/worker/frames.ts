/**
 * Messages on a pipe: a header, the text, and the bytes beside it.
 * Header, in 32-bit words (little endian): a mark, how many objects the sender has taken from the store, the length of the
 * text, how many objects there are, and for each its length and its place in the store, 0 if it follows the text.
 */
import { TapsError } from '../errors.ts'
import type { StoreReader, StoreWriter } from './byte-store.ts'

/** Tells frames from whatever else somebody may write to the pipe. */
const MARK = 0x53504154
const WORD = 4
/** The fixed part of the header. */
const HEAD = 4 * WORD
/** The part of each object. */
const ENTRY = 2 * WORD
/** Bytes of a text or an object, at the most. */
const LARGEST = 0x7fffffff
/** Objects beside a text, at the most. */
const MOST_OBJECTS = 1_000_000

/** Where large objects go, if there is such a place. */
export interface Stores {
  readonly writer: StoreWriter
  readonly reader: StoreReader
}

/** An object that is on its way. */
interface Entry {
  readonly length: number
  readonly place: number
}

/** One end of a pair of pipes. */
export class Frames {
  readonly #onMessage: (text: string, beside: readonly object[]) => void
  readonly #stores: Stores | undefined
  /** How many objects the other side has taken from the store. */
  #taken = 0
  /** The part that is being filled: header, entries and text, then each object that follows. */
  #part: Uint8Array = new Uint8Array(HEAD)
  #filled = 0
  #stage: 'head' | 'text' | 'objects' = 'head'
  #count = 0
  #text = ''
  #entries: readonly Entry[] = []
  #beside: ArrayBuffer[] = []

  constructor(onMessage: (text: string, beside: readonly object[]) => void, stores?: Stores) {
    this.#onMessage = onMessage
    this.#stores = stores
  }

  /** What to write for a message, in order. */
  frame(text: string, beside: readonly object[] = []): Uint8Array[] {
    const textLength = Buffer.byteLength(text)
    const head = Buffer.allocUnsafe(HEAD + beside.length * ENTRY + textLength)
    const chunks: Uint8Array[] = [head]
    beside.forEach((object, i) => {
      const bytes = new Uint8Array(object as ArrayBuffer)
      if (bytes.length > LARGEST) throw new RangeError(`${bytes.length} bytes are too many for one object`)
      const place = this.#stores?.writer.write(bytes, this.#taken) ?? 0
      head.writeUInt32LE(bytes.length, HEAD + i * ENTRY)
      head.writeUInt32LE(place, HEAD + i * ENTRY + WORD)
      if (place === 0 && bytes.length > 0) chunks.push(bytes)
    })
    head.writeUInt32LE(MARK, 0)
    head.writeUInt32LE((this.#stores?.reader.taken ?? 0) >>> 0, WORD)
    head.writeUInt32LE(textLength, 2 * WORD)
    head.writeUInt32LE(beside.length, 3 * WORD)
    head.write(text, HEAD + beside.length * ENTRY)
    return chunks
  }

  /** Puts the chunks that arrive together again. @throws TapsError for what is no frame: nothing on this pipe can be trusted any more */
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
    const [mark, taken, text, count] = [0, 1, 2, 3].map((word) => view.getUint32(word * WORD, true)) as [
      number,
      number,
      number,
      number,
    ]
    if (mark !== MARK || text > LARGEST || count > MOST_OBJECTS) {
      throw new TapsError(
        'ILLEGAL_STATE',
        `There was ${JSON.stringify(Buffer.from(this.#part).toString())} where a message was due. Only the worker may write to its pipe; with a prefix, that is standard output`,
      )
    }
    this.#taken = taken
    this.#count = count
    this.#stage = 'text'
    this.#expect(count * ENTRY + text)
  }

  #takeText(): void {
    const { buffer, byteOffset, byteLength } = this.#part
    const view = new DataView(buffer, byteOffset, byteLength)
    const word = (i: number, at: number): number => view.getUint32(i * ENTRY + at, true)
    this.#entries = Array.from({ length: this.#count }, (_, i) => ({ length: word(i, 0), place: word(i, WORD) }))
    this.#text = Buffer.from(buffer, byteOffset, byteLength).toString('utf8', this.#count * ENTRY)
    this.#stage = 'objects'
  }

  #nextObject(): void {
    for (;;) {
      const entry = this.#entries[this.#beside.length]
      if (entry === undefined) return this.#complete()
      if (entry.place === 0) return this.#expect(entry.length)
      const bytes = memory(entry.length)
      this.#stores?.reader.read(entry.place, bytes)
      this.#beside.push(bytes.buffer as ArrayBuffer)
    }
  }

  #complete(): void {
    const [text, beside] = [this.#text, this.#beside]
    this.#beside = []
    this.#entries = []
    this.#text = ''
    this.#stage = 'head'
    this.#expect(HEAD)
    this.#onMessage(text, beside)
  }

  #expect(length: number): void {
    this.#part = memory(length)
    this.#filled = 0
  }
}

/** Memory of its own, which is about to be filled: it need not be zero. */
function memory(length: number): Uint8Array {
  return Buffer.allocUnsafeSlow(length)
}
