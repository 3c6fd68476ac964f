/** Classes that users registered with superjson. It is loaded when the first instance of a class is met, not before. */
import { createRequire } from 'node:module'
import { shared } from './shared.ts'

/** The part of superjson's class that is used here. */
interface SuperJson {
  serialize(value: unknown): unknown
  deserialize(payload: unknown): unknown
  readonly defaultInstance: {
    readonly classRegistry: { getIdentifier(value: unknown): string | undefined; getValue(identifier: string): unknown }
    readonly customTransformerRegistry: { findApplicable(value: unknown): unknown }
  }
}

/** Where superjson has been looked for. */
const places = new Set<string>()

/** Makes the classes known that a module, or what it imports, registers. Called with the modules of tasks. */
export function lookForCustomClassesIn(moduleUrl: string): void {
  waiting.add(moduleUrl)
}

/** Modules whose superjson is to be used, but nothing has needed it yet. */
const waiting = new Set<string>()

function superjsons(): Iterable<SuperJson> {
  // Empty where this is part of a bundle that is no module.
  const here: string | undefined = import.meta.url
  if (here) waiting.add(here)
  for (const place of waiting) lookIn(place)
  waiting.clear()
  return shared().superjsons as Set<SuperJson>
}

function lookIn(place: string): void {
  if (places.has(place)) return
  places.add(place)
  try {
    const { default: superjson } = createRequire(place)('superjson') as { default: SuperJson }
    if (typeof superjson.defaultInstance === 'object') shared().superjsons.add(superjson)
  } catch {
    // Not installed there: then nothing was registered with it.
  }
}

/** What stands for an instance of a registered class; undefined if its class is not registered. */
export function serializeCustom(value: object): { readonly payload: unknown } | undefined {
  for (const superjson of superjsons()) {
    const { classRegistry, customTransformerRegistry } = superjson.defaultInstance
    if (isRegistered(classRegistry, value) || customTransformerRegistry.findApplicable(value) !== undefined)
      return { payload: superjson.serialize(value) }
  }
  return undefined
}

function isRegistered(registry: SuperJson['defaultInstance']['classRegistry'], value: object): boolean {
  return typeof value.constructor === 'function' && registry.getIdentifier(value.constructor) !== undefined
}

/** The instance that {@link serializeCustom} was given, made again. */
export function deserializeCustom(payload: unknown): unknown {
  let failure: unknown = new Error('superjson is not installed')
  for (const superjson of superjsons()) {
    try {
      return superjson.deserialize(payload)
    } catch (error) {
      failure = error
    }
  }
  throw failure
}

/** The identifier under which the class of an error is registered. superjson itself would lose its message and stack. */
export function customErrorClass(error: object): string | undefined {
  for (const { defaultInstance } of superjsons()) {
    const identifier = defaultInstance.classRegistry.getIdentifier(error.constructor)
    if (identifier !== undefined) return identifier
  }
  return undefined
}

/** The class of an identifier. */
export function customClass(identifier: string): unknown {
  for (const { defaultInstance } of superjsons()) {
    const found = defaultInstance.classRegistry.getValue(identifier)
    if (found !== undefined) return found
  }
  return undefined
}
