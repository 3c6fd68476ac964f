import { ConfigError } from '../errors.ts'
import { checkOptions, describe, oneOf } from '../options.ts'
import { defineFilter, type Filter } from './filter.ts'
import { type PlainRegExp, plainRegExp, searchFor } from './pattern.ts'

/** A regular expression for the name of a type, or a class. */
export type TypePattern = string | RegExp | (abstract new (...args: never[]) => unknown)

/** Which types pass. */
export interface TypeOptions {
  /** One of them has to fit. */
  readonly patterns: readonly TypePattern[]
}

/** A pattern as plain data. */
type PlainPattern = PlainRegExp | { readonly className: string }

const typed = /* @__PURE__ */ defineFilter({
  name: 'objectType',
  module: import.meta.url,
  create: (patterns: readonly PlainPattern[]): Filter => {
    const tests = patterns.map(testOf)
    return (value) => {
      const names = typeNames(value)
      return tests.some((test) => test(names))
    }
  },
})

/**
 * What is of one of these types; without any, nothing.
 * - Text is a regular expression, which is searched in the name of the type: `'Array'` finds `Uint8Array` too,
 *   `'^Array$'` does not. So is a RegExp, with its flags.
 * - A class stands for its instances and those of its subclasses. Classes are compared by their names, which workers know too.
 *
 * The name of a type is that of its class, such as `Uint8Array`, `Map`, `Object`; else `null`, or what `typeof` says:
 * `number`, `string`, `undefined`. To classes these are `Number`, `String`, and so on.
 *
 * @example `objectType('^(Float|Uint)', Image)`
 * @throws ConfigError for what is no pattern: a text that is no regular expression, a class without a name
 */
export function objectType(...patterns: readonly TypePattern[] | readonly [TypeOptions]): Filter {
  return typed(patternsOf(patterns).map(plainPattern))
}

function patternsOf(given: readonly (TypePattern | TypeOptions)[]): readonly TypePattern[] {
  const [first] = given
  if (given.length !== 1 || typeof first !== 'object' || first === null || first instanceof RegExp)
    return given as readonly TypePattern[]
  checkOptions('objectType', first, { patterns: oneOf('a list of patterns', Array.isArray) })
  return first.patterns ?? []
}

function plainPattern(pattern: TypePattern): PlainPattern {
  if (typeof pattern === 'string' || pattern instanceof RegExp) return plainRegExp('objectType', pattern)
  const className = isClass(pattern) ? nameOf(pattern) : ''
  if (className !== '') return { className }
  throw new ConfigError(
    `objectType takes regular expressions (as text, or RegExps) and classes that have a name, not ${describe(pattern)}`,
  )
}

function isClass(value: unknown): value is object {
  return typeof value === 'function' && Object.hasOwn(value, 'prototype')
}

function testOf(pattern: PlainPattern): (names: TypeNames) => boolean {
  if ('className' in pattern) return ({ classes }) => classes.includes(pattern.className)
  const isIn = searchFor(pattern)
  return ({ type }) => isIn(type)
}

interface TypeNames {
  readonly type: string
  /** The classes that it is an instance of, the nearest first. */
  readonly classes: readonly string[]
}

function typeNames(value: unknown): TypeNames {
  if (value === null || value === undefined) return { type: String(value), classes: [] }
  if (typeof value === 'object') {
    const classes = classNames(value)
    return { type: classes[0] ?? 'Object', classes }
  }
  const classes = classNames(Object(value) as object)
  // Primitive values are no instances of Object.
  return { type: typeof value, classes: typeof value === 'function' ? classes : classes.slice(0, 1) }
}

/** Without those that have no name. Runs no code of the object, unless it is a proxy, whose errors end the list. */
function classNames(object: object): readonly string[] {
  const names: string[] = []
  try {
    for (let at = Object.getPrototypeOf(object); at !== null; at = Object.getPrototypeOf(at)) {
      const name = nameOf(Object.getOwnPropertyDescriptor(at, 'constructor')?.value)
      if (name !== '') names.push(name)
    }
  } catch {
    // What cannot be asked has no more classes.
  }
  return names
}

/** The name of a class, of its descriptor, since a class may have a static member `name`. */
function nameOf(value: unknown): string {
  if (typeof value !== 'function') return ''
  const name: unknown = Object.getOwnPropertyDescriptor(value, 'name')?.value
  return typeof name === 'string' ? name : ''
}
