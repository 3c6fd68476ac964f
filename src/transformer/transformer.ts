import { definePlugin, type PluginDefinition } from '../plugin.ts'

/**
 * Turns a value into an identifier, which travels in its place, and an identifier into the value again. Where there are workers,
 * each side has one of its own (see `defineTransformer`); all but `close` may be called on either side.
 *
 * Any method may return a promise. What it throws, or rejects with, fails the one task that is concerned, with `TransformError`.
 */
export interface Transformer {
  /** Whether a value is an identifier of this transformer. Never throws; asked of every top-level argument. */
  isIdentifier(value: unknown): boolean
  /**
   * Stores a value. Called when a task is submitted: what it needs of the value it takes before it returns, since the caller may
   * change it afterwards.
   * @returns the identifier: plain data
   */
  transform(value: unknown): unknown
  /** The value of an identifier; may be called any number of times. */
  resolve(identifier: unknown): unknown
  /** The size of what an identifier stands for, in bytes, for the record. Without it, records say 0. */
  sizeOf?(identifier: unknown): number
  /**
   * Nobody needs what it stands for any more. Without it, values are freed by `close` only. With it, each `transform` has to give an
   * identifier of its own: workers store too, and nobody counts for all of them who needs what.
   */
  evict?(identifier: unknown): unknown
  /** Frees all that was stored. Called once, on the client, when the engine has shut down. */
  close?(): unknown
}

/**
 * Makes a transformer that workers can make for themselves, from options that are plain data or other plug-ins, such as
 * connectors. Call it at the top level of the module that it names.
 *
 * @example
 * ```ts
 * export const zipped = defineTransformer({
 *   name: 'zipped',
 *   module: import.meta.url,
 *   create: ({ level }: { level: number }) => new ZipTransformer(level),
 * })
 * new Engine({ executor: new ProcessPoolExecutor(), transformer: zipped({ level: 9 }) })
 * ```
 * @returns what makes a transformer from options
 * @throws ConfigError for a definition without name, module or `create`
 */
export function defineTransformer<Options = void>(
  definition: PluginDefinition<Options, Transformer>,
): (options: Options) => Transformer {
  return definePlugin(definition)
}
