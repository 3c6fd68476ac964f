/** What a value is, in words, for errors: of a value of which nothing is known, not even whether it can be asked. */
import * as types from 'node:util/types'
import { isFuture } from '../future/task-future.ts'

/** Such as `a function`, `an instance of Socket`. Never throws. */
export function describe(value: unknown): string {
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'symbol') return 'a symbol'
  if (typeof value !== 'object' || value === null) return String(value)
  if (types.isProxy(value)) return 'a Proxy'
  if (isFuture(value)) return 'a future'
  if (types.isPromise(value)) return 'a Promise'
  const name = className(value)
  if (name === 'Object') return 'an object'
  return name === 'Array' ? 'an array' : `an instance of ${name}`
}

/** What to do instead of sending a value that cannot travel. */
export function cure(value: unknown): string {
  if (typeof value === 'function') return 'pass the data it needs, and let the module of the task import the function'
  if (typeof value === 'symbol') return 'pass a string'
  if (typeof value !== 'object' || value === null || types.isProxy(value)) return 'pass its data'
  if (isFuture(value) || types.isPromise(value)) return 'await it first, or submit the task to an Engine, which does'
  return 'pass its data as a plain object, or register its class with superjson in the module of the task'
}

/** The name of the class of an object. Never throws. */
export function className(value: object): string {
  try {
    const { name } = value.constructor as { name?: unknown }
    return typeof name === 'string' && name !== '' ? name : 'a class without a name'
  } catch {
    return 'an unknown class'
  }
}
