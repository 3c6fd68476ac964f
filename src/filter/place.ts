import { ConfigError } from '../errors.ts'
import { describe } from '../options.ts'
import { defineFilter, type Filter } from './filter.ts'
import { type PlainRegExp, plainRegExp, searchFor } from './pattern.ts'

const module = import.meta.url

const anArgument = /* @__PURE__ */ defineFilter({
  name: 'argument',
  module,
  create:
    (at: number | string): Filter =>
    (value, { kind, index }) =>
      kind === 'argument' && (typeof at === 'number' ? index === at : isOptionsWith(at, value)),
})

/**
 * One argument of a task; never its result.
 * @param indexOrKey - which one, from 0; or a key, for an argument that is a plain object which has it: an object with options
 * @throws ConfigError for what is neither
 */
export function argument(indexOrKey: number | string): Filter {
  const isIndex = Number.isSafeInteger(indexOrKey) && (indexOrKey as number) >= 0
  if (!isIndex && typeof indexOrKey !== 'string') {
    throw new ConfigError(
      `argument takes the position of an argument, from 0, or a key of an object with options, not ${describe(indexOrKey)}`,
    )
  }
  return anArgument(indexOrKey)
}

function isOptionsWith(key: string, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return (prototype === Object.prototype || prototype === null) && Object.hasOwn(value, key)
}

const named = /* @__PURE__ */ defineFilter({
  name: 'taskName',
  module,
  create: (names: readonly (string | PlainRegExp)[]): Filter => {
    const tests = names.map((name) => (typeof name === 'string' ? (task: string) => task === name : searchFor(name)))
    return (_value, { task }) => tests.some((test) => test(task))
  },
})

/**
 * The arguments and the result of the tasks with one of these names; without any, of none.
 * @param names - a text is the whole name; a RegExp is searched in it
 * @throws ConfigError for what is neither
 */
export function taskName(...names: readonly (string | RegExp)[]): Filter {
  return named(names.map(plainName))
}

function plainName(name: string | RegExp): string | PlainRegExp {
  if (typeof name === 'string') return name
  if (name instanceof RegExp) return plainRegExp('taskName', name)
  throw new ConfigError(`taskName takes names of tasks, as text or as RegExps, not ${describe(name)}`)
}
