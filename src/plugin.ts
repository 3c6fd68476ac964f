/**
 * Filters, transformers and connectors exist on both sides, in the client and in its workers. They travel like tasks: by the
 * module that defines them, a name, and options that are plain data.
 */
import { ConfigError } from './errors.ts'
import { describe, isObject } from './options.ts'
import { shared } from './shared.ts'

/** How another process makes the same plug-in for itself. Plain data. */
export interface Recipe {
  /** The URL of the module that defines it. */
  readonly module: string
  /** Its name there. */
  readonly name: string
  /** What it is made with; plug-ins inside stand as their own recipes. */
  readonly options: unknown
}

/** What a module says of a plug-in that it defines. */
export interface PluginDefinition<Options, Plugin extends object> {
  /** Tells the plug-ins of one module apart. */
  readonly name: string
  /** Where the definition stands, for workers to import: `import.meta.url`. */
  readonly module: string
  /** Makes one, in the client and in each worker: from the same options, which are plain data and other plug-ins. */
  create(options: Options): Plugin
}

const RECIPE = Symbol.for('taps-sdk.recipe')
/** The only key of an object that stands for a plug-in among options. */
const NESTED = 'taps-sdk.plugin'

type Create = (options: unknown) => object

/** Enters a plug-in, so that its recipe can be followed here. @returns what makes one that knows its recipe */
export function definePlugin<Options, Plugin extends object>(
  definition: PluginDefinition<Options, Plugin>,
): (options: Options) => Plugin {
  if (!isObject(definition)) throw new ConfigError('A plug-in is defined by { name, module: import.meta.url, create }')
  const { name, module } = definition
  if (typeof name !== 'string' || name === '') throw new ConfigError('A plug-in needs a name')
  if (typeof definition.create !== 'function') throw new ConfigError(`Plug-in ${name}: create takes a function`)
  // In a bundle that is no module `import.meta.url` is undefined, or empty: then it is of this process only.
  if (module === undefined || (module as string) === '') return (options) => definition.create(options)
  if (typeof module !== 'string' || !module.includes(':'))
    throw new ConfigError(`Plug-in ${name}: module takes import.meta.url, not ${describe(module)}`)
  const create = (options: Options): Plugin => {
    const plugin: unknown = definition.create(options)
    if (!isPlugin(plugin) || !Object.isExtensible(plugin)) {
      const what = isPlugin(plugin) ? 'an object that is frozen' : describe(plugin)
      throw new ConfigError(`Plug-in ${name}: create has to return an object or a function, not ${what}`)
    }
    return withRecipe(plugin as Plugin, { module, name, options })
  }
  enterPlugin(module, name, create as Create)
  return create
}

/** Enters a class of plug-ins, whose constructor calls {@link withRecipe}. */
export function enterPlugin(module: string, name: string, create: Create): void {
  shared().plugins.set(keyOf(module, name), create)
}

/** Notes with what a plug-in was made. */
export function withRecipe<Plugin extends object>(plugin: Plugin, recipe: Recipe): Plugin {
  return Object.defineProperty(plugin, RECIPE, { value: recipe, configurable: true })
}

function keyOf(module: string, name: string): string {
  return `${name} ${module}`
}

function ownRecipe(plugin: unknown): Recipe | undefined {
  return isPlugin(plugin) ? (plugin as { [RECIPE]?: Recipe })[RECIPE] : undefined
}

function isPlugin(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

/**
 * The recipe of a plug-in as plain data. @param what - what it is, for the error: `transformer`
 * @throws ConfigError if it, or one inside of its options, is known in this process only
 */
export function recipeOf(plugin: object, what: string): Recipe {
  const recipe = ownRecipe(plugin)
  if (recipe === undefined) {
    throw new ConfigError(
      `The ${what} is known in this process only, and the executor has workers, which need one of their own: make it with ${cureFor(what)}({ name, module: import.meta.url, create }), in a module of its own`,
    )
  }
  const { module, name, options } = recipe
  return { module, name, options: toPlain(options, `options of ${what} ${name}`, []) }
}

function cureFor(what: string): string {
  if (what.endsWith('filter')) return 'defineFilter'
  return what.endsWith('transformer') ? 'defineTransformer' : 'defineConnector'
}

/** @param around - what it stands in */
function toPlain(value: unknown, path: string, around: readonly unknown[]): unknown {
  if (ownRecipe(value) !== undefined) return { [NESTED]: recipeOf(value as object, path) }
  if (around.includes(value)) throw new ConfigError(`${path} is a part of itself, which options of plug-ins cannot be`)
  const inside = [...around, value]
  if (Array.isArray(value)) return value.map((element, i) => toPlain(element, `${path}[${i}]`, inside))
  if (isObject(value) && isPlain(value)) {
    const entries = Object.entries(value).map(([key, child]) => [key, toPlain(child, `${path}.${key}`, inside)])
    return Object.fromEntries(entries)
  }
  if (value === undefined || value === null || ['string', 'boolean'].includes(typeof value) || Number.isFinite(value))
    return value
  throw new ConfigError(
    `${path} is ${described(value)}, which workers cannot be told: they need plain data, or a plug-in that they can make for themselves`,
  )
}

/** With the class: a connector in memory, for example, is of no use to workers. */
function described(value: unknown): string {
  const { name } = (isObject(value) ? value.constructor : undefined) ?? { name: '' }
  return name === '' || name === 'Object' ? describe(value) : `a ${name}, known in this process only`
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

/** The same recipe, where modules are called otherwise. @param moduleOf - the module there */
export function recipeAbroad(recipe: Recipe, moduleOf: (module: string) => string): Recipe {
  return changedRecipe(recipe, (each) => ({ ...each, module: moduleOf(each.module) }))
}

/** A recipe with changes: to itself, and to each that stands inside of its options. */
export function changedRecipe(recipe: Recipe, change: (recipe: Recipe) => Recipe): Recipe {
  const { module, name, options } = change(recipe)
  return { module, name, options: changedOptions(options, change) }
}

function changedOptions(value: unknown, change: (recipe: Recipe) => Recipe): unknown {
  if (Array.isArray(value)) return value.map((element) => changedOptions(element, change))
  if (!isObject(value)) return value
  if (Object.hasOwn(value, NESTED)) return { [NESTED]: changedRecipe(value[NESTED] as Recipe, change) }
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, changedOptions(child, change)]))
}

/** Makes the plug-in of a recipe. @param load - imports a module */
export async function follow(recipe: Recipe, load: (module: string) => Promise<unknown>): Promise<object> {
  const { module, name } = recipe
  const options = await fromPlain(recipe.options, load)
  await load(module)
  const create = shared().plugins.get(keyOf(module, name))
  if (create === undefined) {
    throw new ConfigError(
      `${module} defines no plug-in ${JSON.stringify(name)} while it is imported: define it at the top level of the module that its definition names`,
    )
  }
  return create(options)
}

async function fromPlain(value: unknown, load: (module: string) => Promise<unknown>): Promise<unknown> {
  if (Array.isArray(value)) return Promise.all(value.map((element) => fromPlain(element, load)))
  if (!isObject(value)) return value
  if (Object.hasOwn(value, NESTED)) return follow(value[NESTED] as Recipe, load)
  const entries = Object.entries(value).map(async ([key, child]) => [key, await fromPlain(child, load)] as const)
  return Object.fromEntries(await Promise.all(entries))
}
