import { TapsError, TransformError } from '../errors.ts'
import { checkOptions, oneOf } from '../options.ts'
import { enterPlugin, withRecipe } from '../plugin.ts'
import { free, handOver, totalOf } from './chunks.ts'
import type { Connector } from './connector.ts'
import type { Command, RedisConnection } from './redis-connection.ts'
import { aliveName, indexName, removeRun, valueName } from './redis-run.ts'
import { connectionTo, PREFIX, type RedisServerOptions, serverChecks } from './redis-server.ts'
import { nameOf, newKey, newRun, runOption } from './run.ts'
import { ttlOption } from './ttl.ts'

/** Options of {@link RedisConnector}. */
export interface RedisConnectorOptions extends RedisServerOptions {
  /** Whether values stay, to be inspected: none is evicted before its time, and `close` leaves them where they are. @defaultValue false */
  readonly keep?: boolean | undefined
  /** How long a value is kept, in ms. @defaultValue until `evict` or `close` */
  readonly ttl?: number | undefined
  /**
   * Reads and adds to what another connector stores, or did with `keep`: the `run` of that one. `close` then removes nothing.
   * @defaultValue a new one
   */
  readonly run?: string | undefined
}

/** How long a run counts as in use after it was last said, and how often that is said, in ms. */
const ALIVE = 300_000
const BEAT = 60_000
/** For how long a copy that is not used goes on to say so, in ms: a worker may outlive its client. */
const PATIENCE = 600_000
/** The most that Redis takes as one value, in bytes. */
const LARGEST = 512 * 1024 * 1024

/**
 * Stores bytes in Redis, one value for each key, named `<prefix>:<run>:<uuid>`. It needs the package `redis`, and connects when
 * it is first used. Keys are strings, valid in this run only. What goes wrong is told by a `TransformError` that names host and port.
 */
export class RedisConnector implements Connector {
  /** What tells the keys of this connector from those of others. */
  readonly run: string
  /** Whether what is stored is kept. */
  readonly keep: boolean
  readonly #prefix: string
  readonly #ttl: number | undefined
  readonly #isOwner: boolean
  readonly #removes: boolean
  readonly #connection: RedisConnection
  #lastUse = 0
  #lastBeat = 0
  #heart: ReturnType<typeof setInterval> | undefined
  #closing: Promise<void> | undefined

  /** @throws ConfigError for a wrong option */
  constructor(options: RedisConnectorOptions) {
    checkOptions('RedisConnector', options, {
      ...serverChecks,
      keep: oneOf('true or false', (value) => typeof value === 'boolean'),
      ttl: ttlOption,
      run: runOption,
    })
    const { keep = false, prefix = PREFIX, ttl, run = newRun() } = options
    this.#connection = connectionTo('RedisConnector', options)
    this.run = run
    this.#prefix = prefix
    this.#ttl = ttl === undefined ? undefined : Math.max(1, Math.ceil(ttl))
    this.#isOwner = options.run === undefined
    this.keep = keep
    this.#removes = this.#isOwner && !keep
    const { url, connectTimeout, timeout } = options
    const copy = { url, prefix, connectTimeout, timeout, ttl, run }
    withRecipe(this, { module: import.meta.url, name: 'RedisConnector', options: copy })
  }

  /** Stores a value, of at most 512 MB. @returns `<run>/<uuid>` */
  put(chunks: readonly Uint8Array[]): Promise<string> {
    const size = totalOf(chunks)
    if (size > LARGEST) return Promise.reject(tooLarge(size, this.#connection.place))
    return this.#put(Buffer.concat(chunks, size))
  }

  /** The value; `undefined` if there is none (any more). Rejects with a TransformError for a key of another run. */
  async get(key: unknown): Promise<Uint8Array | undefined> {
    const name = this.#nameOf(key)
    const [bytes] = await this.#send(['GET', name])
    return bytes === null ? undefined : handOver(ownMemory(bytes as Buffer))
  }

  /** Whether there is a value under a key. */
  async exists(key: unknown): Promise<boolean> {
    const name = this.#nameOf(key)
    const [count] = await this.#send(['EXISTS', name])
    return count === 1
  }

  /** Removes a value, if it is there. */
  async evict(key: unknown): Promise<void> {
    const name = this.#nameOf(key)
    await this.#send(['UNLINK', name], ['ZREM', indexName(this.#prefix, this.run), name])
  }

  /** Removes what the run has stored, if this connector has begun it and is not to keep it, and lets go of the connection. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    clearInterval(this.#heart)
    try {
      if (this.#removes) await removeRun(this.#connection, this.#prefix, this.run)
    } finally {
      this.#connection.close()
    }
  }

  async #put(bytes: Buffer): Promise<string> {
    const key = newKey(this.run)
    const name = this.#nameOf(key)
    const expiry = this.#ttl === undefined ? [] : ['PX', String(this.#ttl)]
    const until = this.#ttl === undefined ? '+inf' : String(Date.now() + this.#ttl)
    // In the index first, so that there is never a value that `close` does not find.
    await this.#send(['ZADD', indexName(this.#prefix, this.run), until, name], ['SET', name, bytes, ...expiry])
    // The server has answered, so it has all of it.
    free(bytes)
    return key
  }

  #send(...commands: readonly Command[]): Promise<unknown[]> {
    if (this.#closing !== undefined)
      return Promise.reject(new TapsError('ILLEGAL_STATE', 'The RedisConnector is closed'))
    this.#lastUse = Date.now()
    if (this.#lastUse - this.#lastBeat >= BEAT) this.#beat()
    this.#heart ??= setInterval(() => this.#beat(), BEAT).unref()
    return this.#connection.send(...commands)
  }

  /** Says that the run is in use, and forgets what has expired long since. */
  #beat(): void {
    const now = Date.now()
    if (!this.#isOwner && now - this.#lastUse > PATIENCE) {
      clearInterval(this.#heart)
      this.#heart = undefined
      return
    }
    this.#lastBeat = now
    const alive: Command = ['SET', aliveName(this.#prefix, this.run), '', 'PX', String(ALIVE)]
    const trim: Command = ['ZREMRANGEBYSCORE', indexName(this.#prefix, this.run), '-inf', String(now - ALIVE)]
    // It has to hold for what follows, and if it does not, whoever stores something is told what is wrong.
    this.#connection.sendInBackground(alive, trim).catch(() => {
      this.#lastBeat = 0
    })
  }

  #nameOf(key: unknown): string {
    return valueName(this.#prefix, this.run, nameOf(key, this.run, 'RedisConnector'))
  }
}

/** A small answer is a part of a larger piece of memory, which it would keep, and lies anywhere in it. */
function ownMemory(bytes: Buffer): Uint8Array {
  return bytes.byteLength * 2 > bytes.buffer.byteLength ? bytes : new Uint8Array(bytes)
}

function tooLarge(size: number, place: string): TransformError {
  return new TransformError(
    `A value of ${size} bytes is too large for Redis at ${place}, which takes ${LARGEST}: store it in smaller parts, or with a FileConnector`,
  )
}

enterPlugin(import.meta.url, 'RedisConnector', (options) => new RedisConnector(options as RedisConnectorOptions))
