import { concatenate, giveBack, totalOf } from '../connector/chunks.ts'
import type { Connector } from '../connector/connector.ts'
import { ConfigError } from '../errors.ts'
import { whenThere } from '../future/reference.ts'
import { isThenable } from '../future/task-future.ts'
import { type Check, checkOptions, describe, isObject, oneOf } from '../options.ts'
import { definePlugin } from '../plugin.ts'
import { deserialize, serialize } from '../serializer/serializer.ts'
import { LazyValue } from './lazy.ts'
import { Lru } from './lru.ts'
import type { Transformer } from './transformer.ts'

/** What marks an identifier. */
const MARK = 'taps-sdk.identifier'

/** What travels in the place of a value: plain data. */
interface Identifier {
  /** The name of the transformer that made it. */
  readonly [MARK]: string
  /** Where the connector has the bytes. */
  readonly key: unknown
  /** How many those are. */
  readonly bytes: number
}

/** What a connector has under a key. */
type Bytes = Uint8Array | undefined

/** How a {@link StoreTransformer} goes about it. */
export interface StoreOptions {
  readonly connector: Connector
  /** Tells its identifiers from those of others. */
  readonly name: string
  readonly cacheSize: number
  readonly extractTarget: boolean
  readonly populateTarget: boolean
  readonly asyncResolve: boolean
}

/** Keeps values, serialized, in the store of a connector. */
export class StoreTransformer implements Transformer {
  readonly #options: StoreOptions
  readonly #connector: Connector
  /** Serialized values by key, or promises of them: each reader gets a value of its own. */
  readonly #cache: Lru<Bytes | PromiseLike<Bytes>>

  constructor(options: StoreOptions) {
    this.#options = options
    this.#connector = options.connector
    // Shared memory is at hand anyway.
    this.#cache = new Lru(options.connector.isSharedMemory === true ? 0 : options.cacheSize)
  }

  isIdentifier(value: unknown): value is Identifier {
    try {
      return isObject(value) && Object.hasOwn(value, MARK) && value[MARK] === this.#options.name
    } catch {
      // A proxy that refuses to be asked.
      return false
    }
  }

  transform(value: unknown): Identifier | Promise<Identifier> {
    const checksum = this.#connector.isMemory !== true
    return whenThere(serialize(value, { checksum }), (chunks) => {
      const bytes = totalOf(chunks)
      const kept = this.#options.populateTarget && this.#cache.isInUse ? concatenate(chunks) : undefined
      return whenThere(this.#connector.put(chunks), (key): Identifier => {
        if (kept !== undefined) this.#cache.set(textOf(key), kept)
        return { [MARK]: this.#options.name, key, bytes }
      })
    }) as Identifier | Promise<Identifier>
  }

  resolve(identifier: unknown): unknown {
    const { extractTarget, asyncResolve } = this.#options
    if (extractTarget) return this.#get(identifier)
    const lazy = new LazyValue(() => this.#get(identifier), identifier)
    return asyncResolve ? lazy.start() : lazy
  }

  #get(identifier: unknown): unknown {
    if (!this.isIdentifier(identifier))
      throw new TypeError(`${describe(identifier)} is no identifier of the transformer ${this.#options.name}`)
    const { key } = identifier
    return whenThere(this.#bytesOf(key), (bytes) => {
      if (bytes === undefined) throw gone(textOf(key))
      const value = deserialize(bytes, { share: this.#connector.isSharedMemory === true })
      if (!this.#cache.isInUse) giveBack(bytes)
      return value
    })
  }

  #bytesOf(key: unknown): Bytes | PromiseLike<Bytes> {
    const text = textOf(key)
    const known = this.#cache.get(text)
    if (known !== undefined) return known
    const bytes = this.#connector.get(key)
    if (bytes !== undefined) this.#cache.set(text, bytes)
    if (isThenable(bytes)) {
      bytes.then(
        (there) => (there === undefined ? this.#cache.delete(text) : this.#cache.replace(text, bytes, there)),
        () => this.#cache.delete(text),
      )
    }
    return bytes
  }

  sizeOf(identifier: unknown): number {
    const { bytes } = identifier as Identifier
    return typeof bytes === 'number' && bytes > 0 ? bytes : 0
  }

  evict(identifier: unknown): unknown {
    const { key } = identifier as Identifier
    this.#cache.delete(textOf(key))
    return this.#connector.keep === true ? undefined : this.#connector.evict(key)
  }

  close(): unknown {
    this.#cache.clear()
    return this.#connector.close?.()
  }
}

function textOf(key: unknown): string {
  return typeof key === 'string' ? key : JSON.stringify(key)
}

function gone(key: string): Error {
  return new Error(
    `there is nothing under ${key} in the store: it was freed, has expired, or belongs to another run or store`,
  )
}

/** Options of {@link proxyTransformer}. */
export interface ProxyTransformerOptions {
  /** Where the bytes are. */
  readonly connector: Connector
  /** How many values each side keeps at hand, as bytes, the last used ones: these are not fetched again. 0 for none. @defaultValue 16 */
  readonly cacheSize?: number | undefined
  /**
   * Whether tasks get the values; else they get `Lazy` ones, to `get()` when they need them. (A single task says so by its
   * option `lazy`.) Who awaits a future gets the value in any case. @defaultValue true, false with `asyncResolve`
   */
  readonly extractTarget?: boolean | undefined
  /** Whether the side that stores a value keeps it at hand as well, as far as `cacheSize` goes. @defaultValue true */
  readonly populateTarget?: boolean | undefined
  /** Tasks get `Lazy` values, which are being fetched while the task begins. @defaultValue false */
  readonly asyncResolve?: boolean | undefined
  /** Tells its identifiers from those of other transformers. @defaultValue 'proxy' */
  readonly name?: string | undefined
}

const aBoolean: Check = oneOf('true or false', (value) => typeof value === 'boolean')
const CHECKS: Readonly<Record<keyof ProxyTransformerOptions, Check>> = {
  connector: oneOf('a connector, with the methods put, get, exists and evict', isConnector),
  cacheSize: oneOf('a number of values, at least 0', (value) => Number.isInteger(value) && (value as number) >= 0),
  extractTarget: aBoolean,
  populateTarget: aBoolean,
  asyncResolve: aBoolean,
  name: oneOf('a name', (value) => typeof value === 'string' && value !== ''),
}

function isConnector(value: unknown): boolean {
  const methods = ['put', 'get', 'exists', 'evict']
  return isObject(value) && methods.every((method) => typeof value[method] === 'function')
}

/**
 * Keeps values in the store of a connector, and sends their keys. Each side keeps the values at hand that it used last, as bytes:
 * every task gets a value of its own.
 *
 * @example
 * ```ts
 * new Engine({
 *   executor: new ProcessPoolExecutor(),
 *   filter: objectSize({ minBytes: 100_000 }),
 *   transformer: proxyTransformer({ connector: new RedisConnector({ url: 'redis://localhost' }) }),
 * })
 * ```
 * @throws ConfigError for an unknown or wrong option
 */
export const proxyTransformer: (options: ProxyTransformerOptions) => Transformer = /* @__PURE__ */ definePlugin({
  name: 'proxyTransformer',
  module: import.meta.url,
  create: (options: ProxyTransformerOptions): Transformer => {
    checkOptions('proxyTransformer', options, CHECKS)
    const { connector, cacheSize = 16, asyncResolve = false, populateTarget = true, name = 'proxy' } = options
    const { extractTarget = !asyncResolve } = options
    if (connector === undefined)
      throw new ConfigError('proxyTransformer takes a connector: proxyTransformer({ connector })')
    if (asyncResolve && extractTarget)
      throw new ConfigError('Options asyncResolve and extractTarget cannot be enabled at the same time.')
    return new StoreTransformer({ connector, cacheSize, asyncResolve, extractTarget, populateTarget, name })
  },
})
