import { definePlugin, type PluginDefinition } from '../plugin.ts'

/** Where a value stands that may travel by reference. */
export interface Where {
  /** The name of the task. */
  readonly task: string
  /** An argument of it, or its result. */
  readonly kind: 'argument' | 'result'
  /** Which argument, from 0; -1 for the result. */
  readonly index: number
}

/**
 * Says which values travel by reference. It is asked for each top-level argument of a task, never for a future or what holds
 * futures, and for the result, which is asked where the task ran.
 */
export type Filter = (value: unknown, where: Where) => boolean

/**
 * Makes a filter that workers can make for themselves, from options that are plain data or other filters. Call it at the top
 * level of the module that it names.
 *
 * @example
 * ```ts
 * export const longText = defineFilter({
 *   name: 'longText',
 *   module: import.meta.url,
 *   create: ({ length }: { length: number }) => (value) => typeof value === 'string' && value.length >= length,
 * })
 * new Engine({ filter: longText({ length: 10_000 }), transformer })
 * ```
 * @returns what makes a filter from options
 * @throws ConfigError for a definition without name, module or `create`
 */
export function defineFilter<Options = void>(
  definition: PluginDefinition<Options, Filter>,
): (options: Options) => Filter {
  return definePlugin(definition)
}
