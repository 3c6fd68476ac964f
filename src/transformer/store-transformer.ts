import { giveBack } from '../connector/chunks.ts'
import type { Connector } from '../connector/connector.ts'
import { ConfigError } from '../errors.ts'
import { whenThere } from '../future/reference.ts'
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
  /** Values by key, or promises of them. */
  readonly #cache: Lru<unknown>

  constructor(options: StoreOptions) {
    this.#options = options
    this.#connector = options.connector
    this.#cache = new Lru(options.cacheSize)
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
      const bytes = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0)
      return whenThere(this.#connector.put(chunks), (key): Identifier => {
        if (this.#options.populateTarget) this.#cache.set(textOf(key), value)
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
    const text = textOf(key)
    if (this.#cache.has(text)) return this.#cache.get(text)
    const value = whenThere(this.#connector.get(key), (bytes) => {
      if (bytes === undefined) throw gone(text)
      if (this.#connector.isSharedMemory === true) return deserialize(bytes, { share: true })
      const there = deserialize(bytes)
      giveBack(bytes)
      return there
    })
    this.#cache.set(text, value)
    if (value instanceof Promise) {
      value.then(
        (there) => this.#cache.replace(text, value, there),
        () => this.#cache.delete(text),
      )
    }
    return value
  }

  sizeOf(identifier: unknown): number {
    const { bytes } = identifier as Identifier
    return typeof bytes === 'number' && bytes > 0 ? bytes : 0
  }

  evict(identifier: unknown): unknown {
    const { key } = identifier as Identifier
    this.#cache.delete(textOf(key))
    return this.#connector.evict(key)
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
  /** How many values each side keeps at hand, the last used ones; 0 for none. @defaultValue 16 */
  readonly cacheSize?: number | undefined
  /**
   * Whether tasks get the values; else they get `Lazy` ones, to `get()` when they need them. (A single task says so by its
   * option `lazy`.) Who awaits a future gets the value in any case. @defaultValue true, false with `asyncResolve`
   */
  readonly extractTarget?: boolean | undefined
  /**
   * Whether the side that stores a value keeps it at hand, as far as `cacheSize` goes: then it is not read back there. It is kept as
   * it is, not as a copy: who changes it afterwards, changes what others get there. @defaultValue true
   */
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
 * Keeps values in the store of a connector, and sends their keys. Each side keeps the values that it used last; a value that
 * is at hand is given as it is, so a task that changes it changes it for the others that run there.
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
