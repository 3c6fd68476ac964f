import { TapsError, TransformError } from '../errors.ts'
import { describe, isObject } from '../options.ts'
import { weigh } from '../weight.ts'
import { copyInto, totalOf } from './chunks.ts'
import { newKey } from './run.ts'

/** Before the bytes stands whether they are evicted, and when they expire: a multiple of 8, so that any typed array fits. */
const HEADER = 16
const EVICTED = 0
const EXPIRES = 1

/** What travels between threads, by structured clone. */
interface ThreadKey {
  /** What tells keys apart where only their text is looked at: memory has none. */
  readonly id: string
  readonly run: string
  readonly memory: SharedArrayBuffer
}

/** Bytes that the threads of this process share. Nobody keeps a list of them: a key is all that holds its memory. */
export class ThreadMemory {
  readonly #run: string
  readonly #ttl: number
  #isClosed = false

  constructor(run: string, ttl: number = Number.POSITIVE_INFINITY) {
    this.#run = run
    this.#ttl = ttl
  }

  put(chunks: readonly Uint8Array[]): ThreadKey {
    if (this.#isClosed) throw new TapsError('ILLEGAL_STATE', 'The SharedMemoryConnector is closed: it stores no more')
    const memory = new SharedArrayBuffer(HEADER + totalOf(chunks))
    weigh(memory, memory.byteLength)
    new Float64Array(memory, 0, 2)[EXPIRES] = Date.now() + this.#ttl
    copyInto(new Uint8Array(memory, HEADER), chunks)
    return { id: newKey(this.#run), run: this.#run, memory }
  }

  get(key: unknown): Uint8Array | undefined {
    const memory = this.#memoryOf(key)
    return isThere(memory) ? new Uint8Array(memory, HEADER) : undefined
  }

  exists(key: unknown): boolean {
    return isThere(this.#memoryOf(key))
  }

  evict(key: unknown): void {
    Atomics.store(new Int32Array(this.#memoryOf(key), 0, 1), EVICTED, 1)
  }

  close(): void {
    this.#isClosed = true
  }

  #memoryOf(key: unknown): SharedArrayBuffer {
    const { run, memory } = (isObject(key) ? key : {}) as Partial<ThreadKey>
    if (!(memory instanceof SharedArrayBuffer) || memory.byteLength < HEADER)
      throw new TransformError(`${describe(key)} is no key of a SharedMemoryConnector between threads`)
    if (run !== this.#run)
      throw new TransformError(`A key of run ${describe(run)} was given to a SharedMemoryConnector of run ${this.#run}`)
    weigh(memory, memory.byteLength)
    return memory
  }
}

function isThere(memory: SharedArrayBuffer): boolean {
  const expires = new Float64Array(memory, 0, 2)[EXPIRES] as number
  return Atomics.load(new Int32Array(memory, 0, 1), EVICTED) === 0 && expires > Date.now()
}
