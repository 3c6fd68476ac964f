/** What users registered with superjson, whichever copy of it they use. */
import { type Registries, registries, type Transformer } from '../worker/custom-classes.ts'

/** A class, and which properties of its instances travel: all if there is no list. */
export interface RegisteredClass {
  readonly identifier: string
  readonly allowed: readonly string[] | undefined
}

/** The class of an instance, or `undefined` if it is not registered. */
export function classOf(value: object): RegisteredClass | undefined {
  const itsClass: unknown = value.constructor
  if (typeof itsClass !== 'function') return undefined
  return first(({ classRegistry }) => {
    const identifier = classRegistry.getIdentifier(itsClass)
    return identifier === undefined ? undefined : { identifier, allowed: classRegistry.getAllowedProps(itsClass) }
  })
}

export function classNamed(identifier: string): { readonly prototype: object } | undefined {
  return first(({ classRegistry }) => classRegistry.getValue(identifier)) as { prototype: object } | undefined
}

/** What users registered with `registerCustom` for a value like this. */
export function transformerOf(value: object): Transformer | undefined {
  return first(({ customTransformerRegistry }) => customTransformerRegistry.findApplicable(value))
}

export function transformerNamed(name: string): Transformer | undefined {
  return first(({ customTransformerRegistry }) => {
    const found = customTransformerRegistry.findByName(name)
    // A name such as `constructor` finds what every object inherits.
    return found?.name === name && typeof found.deserialize === 'function' ? found : undefined
  })
}

export function identifierOfSymbol(symbol: symbol): string | undefined {
  return first(({ symbolRegistry }) => symbolRegistry.getIdentifier(symbol))
}

export function symbolNamed(identifier: string): symbol | undefined {
  return first(({ symbolRegistry }) => symbolRegistry.getValue(identifier))
}

/** Properties of errors that travel although they are not their own, or not enumerable. */
export function allowedErrorProps(): readonly string[] {
  return [...registries()].flatMap((it) => it.allowedErrorProps)
}

/** An error of a reader. */
export function unregistered(what: string, name: string): Error {
  return new TypeError(
    `it has a ${what} named ${JSON.stringify(name)}, which is not registered with superjson here: let this program import the module that registers it`,
  )
}

function first<R>(find: (registries: Registries) => R | undefined): R | undefined {
  for (const each of registries()) {
    const found = find(each)
    if (found !== undefined) return found
  }
  return undefined
}
