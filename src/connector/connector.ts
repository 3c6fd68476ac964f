import { definePlugin, type PluginDefinition } from '../plugin.ts'

/**
 * A store of bytes: what is under a transformer. Any method may return a promise. Where there are workers, each side has one of
 * its own (see `defineConnector`), and all of them reach the same bytes; `close` is called on the client only.
 */
export interface Connector {
  /**
   * Stores bytes under a new key. The chunks, which belong together in this order, are the caller's: what is not written or copied
   * when this returns (be it a promise) may change.
   * @returns the key: plain data that fits into JSON, unless `isSharedMemory`; another copy of the connector can use it as well
   */
  put(chunks: readonly Uint8Array[]): unknown
  /** The bytes of a key, all of them; `undefined` if there are none (any more). Rejects for what is no key of its own. */
  get(key: unknown): Uint8Array | undefined | PromiseLike<Uint8Array | undefined>
  /** Whether there are bytes under a key. */
  exists(key: unknown): boolean | PromiseLike<boolean>
  /** Removes the bytes of a key; does nothing if there are none. */
  evict(key: unknown): unknown
  /** Whether `get` gives memory that others see as well: then values are not copied out of it. @defaultValue false */
  readonly isSharedMemory?: boolean
  /** Whether the bytes stay in the memory of this machine, where nothing damages them: then they go without a checksum. @defaultValue false */
  readonly isMemory?: boolean
  /** Whether all that is stored is kept, to be inspected: then nothing is evicted before its end either. @defaultValue false */
  readonly keep?: boolean
  /** Removes all that was stored, unless it is to be kept, and lets go of connections. Called once, on the client. */
  close?(): unknown
}

/**
 * Makes a connector that workers can make for themselves, from options that are plain data. Call it at the top level of the
 * module that it names.
 *
 * @example
 * ```ts
 * export const bucket = defineConnector({
 *   name: 'bucket',
 *   module: import.meta.url,
 *   create: ({ url }: { url: string }) => new BucketConnector(url),
 * })
 * proxyTransformer({ connector: bucket({ url: 'http://localhost:9000/values' }) })
 * ```
 * @returns what makes a connector from options
 * @throws ConfigError for a definition without name, module or `create`
 */
export function defineConnector<Options = void>(
  definition: PluginDefinition<Options, Connector>,
): (options: Options) => Connector {
  return definePlugin(definition)
}
