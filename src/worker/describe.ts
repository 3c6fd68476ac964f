/** What a value is, in words, for errors: of a value of which nothing is known, not even whether it can be asked. */
import { isInstance } from '../errors.ts'
import { isFuture } from '../future/task-future.ts'
import { nodeModule } from '../node-module.ts'

/** Checks that nothing can deceive, where there is Node. */
interface Types {
  isNativeError(value: unknown): boolean
  isPromise(value: unknown): boolean
  isProxy(value: unknown): boolean
}
const types = nodeModule<Types>('node:util/types')

/** Such as `a function`, `an instance of Socket`. Never throws. */
export function describe(value: unknown): string {
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'symbol') return 'a symbol'
  if (typeof value !== 'object' || value === null) return String(value)
  if (isProxy(value)) return 'a Proxy'
  if (isFuture(value)) return 'a future'
  if (isPromise(value)) return 'a Promise'
  const name = className(value)
  if (name === 'Object') return 'an object'
  return name === 'Array' ? 'an array' : `an instance of ${name}`
}

/** What to do instead of sending a value that cannot travel. */
export function cure(value: unknown): string {
  if (typeof value === 'function') return 'pass the data it needs, and let the module of the task import the function'
  if (typeof value === 'symbol') return 'pass a string'
  if (typeof value !== 'object' || value === null || isProxy(value)) return 'pass its data'
  if (isFuture(value) || isPromise(value)) return 'await it first, or submit the task to an Engine, which does'
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

/** From the nearest on. May throw for a proxy. */
export function prototypes(object: object): object[] {
  const chain: object[] = []
  let at: unknown = Object.getPrototypeOf(object)
  // Bounded, because a proxy may be its own prototype.
  while (at !== null && chain.length < 100) {
    chain.push(at as object)
    at = Object.getPrototypeOf(at)
  }
  return chain
}

/** Whether a value is told as an error. Never throws. */
export function isError(value: unknown): value is Error {
  return types?.isNativeError(value) === true || isInstance(value, Error)
}

/** Only Node can tell. */
function isProxy(value: unknown): boolean {
  return types?.isProxy(value) === true
}

function isPromise(value: object): boolean {
  return types === undefined ? className(value) === 'Promise' : types.isPromise(value)
}
