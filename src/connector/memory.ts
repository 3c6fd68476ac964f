import { type Clock, systemClock } from '../clock.ts'
import { TapsError, TransformError } from '../errors.ts'
import { checkOptions, describe, isObject, oneOf } from '../options.ts'
import { concatenate, handOver } from './chunks.ts'
import type { Connector } from './connector.ts'
import { ttlOption } from './ttl.ts'

/** Options of {@link MemoryConnector}. */
export interface MemoryConnectorOptions {
  /** How long bytes are kept, in ms. @defaultValue until `evict` or `close` */
  readonly ttl?: number | undefined
  /** What time it goes by. @defaultValue the system's */
  readonly clock?: Clock | undefined
}

interface Entry {
  readonly bytes: Uint8Array
  readonly expires: number
}

/**
 * Stores bytes in the memory of this process: for tests, and for executors in process. Bytes are copied in and out, as they are by
 * connectors that reach further. It is of no use with workers, which could not see them.
 */
export class MemoryConnector implements Connector {
  /** Its bytes go without a checksum. */
  readonly isMemory = true
  readonly #ttl: number
  readonly #clock: Clock
  readonly #run: string = globalThis.crypto.randomUUID()
  readonly #entries: Map<string, Entry> = new Map()
  #count = 0
  #isClosed = false

  /** @throws ConfigError for a wrong option */
  constructor(options: MemoryConnectorOptions = {}) {
    checkOptions('MemoryConnector', options, {
      ttl: ttlOption,
      clock: oneOf('a clock', (value) => isObject(value) && typeof value.now === 'function'),
    })
    this.#ttl = options.ttl ?? Number.POSITIVE_INFINITY
    this.#clock = options.clock ?? systemClock
  }

  /** How many keys there are; those that have expired do not count. */
  get size(): number {
    this.#removeExpired()
    return this.#entries.size
  }

  /** How many bytes there are under all keys. */
  get bytes(): number {
    this.#removeExpired()
    let sum = 0
    for (const { bytes } of this.#entries.values()) sum += bytes.byteLength
    return sum
  }

  /** Stores a copy. @throws TapsError after `close` */
  put(chunks: readonly Uint8Array[]): string {
    if (this.#isClosed) throw new TapsError('ILLEGAL_STATE', 'The MemoryConnector is closed: it stores no more')
    const key = `${this.#run}/${this.#count++}`
    this.#entries.set(key, { bytes: concatenate(chunks), expires: this.#clock.now() + this.#ttl })
    return key
  }

  /** A copy of the bytes; `undefined` if there are none (any more). @throws TransformError for a key of another one */
  get(key: unknown): Uint8Array | undefined {
    const bytes = this.#find(key)?.bytes
    return bytes === undefined ? undefined : handOver(bytes.slice())
  }

  /** Whether there are bytes under a key. */
  exists(key: unknown): boolean {
    return this.#find(key) !== undefined
  }

  /** Removes the bytes of a key, if there are any. */
  evict(key: unknown): void {
    this.#entries.delete(this.#own(key))
  }

  /** Removes everything. */
  close(): void {
    this.#isClosed = true
    this.#entries.clear()
  }

  #own(key: unknown): string {
    if (typeof key === 'string' && key.startsWith(`${this.#run}/`)) return key
    throw new TransformError(`${describe(key)} is no key of this MemoryConnector, which reads what it stored itself`)
  }

  #find(key: unknown): Entry | undefined {
    const entry = this.#entries.get(this.#own(key))
    if (entry === undefined || entry.expires > this.#clock.now()) return entry
    this.#entries.delete(key as string)
    return undefined
  }

  #removeExpired(): void {
    const now = this.#clock.now()
    for (const [key, { expires }] of this.#entries) if (expires <= now) this.#entries.delete(key)
  }
}
