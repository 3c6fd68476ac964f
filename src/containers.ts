/** What futures and references are searched in: arrays, objects, Maps (keys too) and Sets. */
import { FUTURE_CONTAINER, hasMark } from './future/task-future.ts'

export type Container = object

/** The position of the first object or function at or after `from`, else -1. Apart, and tiny, so that it is fast at the first call. */
export function indexOfObject(array: readonly unknown[], from: number): number {
  for (let i = from; i < array.length; i++) {
    const type = typeof array[i]
    if (type === 'object' || type === 'function') return i
  }
  return -1
}

/** A list or a dictionary of futures. */
export function isFutureContainer(value: object): boolean {
  return hasMark(value, FUTURE_CONTAINER)
}

/** Visits what stands in a container itself. */
export function forEachChild(container: Container, visit: (child: unknown) => void): void {
  if (container instanceof Map) {
    for (const [key, value] of container) {
      visit(key)
      visit(value)
    }
  } else if (container instanceof Set) {
    for (const value of container) visit(value)
  } else {
    for (const key of keysOf(container)) visit((container as Record<PropertyKey, unknown>)[key])
  }
}

/** The names of the properties that are searched and copied: the enumerable ones, symbols too. */
function keysOf(container: Container): PropertyKey[] {
  const symbols = Object.getOwnPropertySymbols(container)
  return symbols.length === 0 ? Object.keys(container) : Reflect.ownKeys(container).filter(isEnumerable, container)
}

function isEnumerable(this: Container, key: PropertyKey): boolean {
  return Object.prototype.propertyIsEnumerable.call(this, key)
}

export function shallowCopy(container: Container): Container {
  // FutureList is left behind, holes are kept.
  if (Array.isArray(container)) return container.slice()
  if (container instanceof Map) return new Map(container)
  if (container instanceof Set) return new Set(container)
  // Not assign: it would call a setter named __proto__.
  const prototype = isFutureContainer(container) ? Object.prototype : Object.getPrototypeOf(container)
  return Object.defineProperties(Object.create(prototype), copiedProperties(container))
}

function copiedProperties(container: Container): PropertyDescriptorMap {
  const descriptors: PropertyDescriptorMap = Object.create(null)
  for (const key of keysOf(container)) {
    const value = (container as Record<PropertyKey, unknown>)[key]
    descriptors[key as string] = { value, writable: true, enumerable: true, configurable: true }
  }
  return descriptors
}

/** Puts other values in the places of those that `replace` changes. */
export function replaceChildren(container: Container, replace: (child: unknown) => unknown): void {
  if (Array.isArray(container)) {
    for (let i = indexOfObject(container, 0); i !== -1; i = indexOfObject(container, i + 1))
      container[i] = replace(container[i])
  } else if (container instanceof Map) {
    const entries = [...container]
    container.clear()
    for (const [key, value] of entries) container.set(replace(key), replace(value))
  } else if (container instanceof Set) {
    const values = [...container]
    container.clear()
    for (const value of values) container.add(replace(value))
  } else {
    for (const key of keysOf(container)) {
      const child = (container as Record<PropertyKey, unknown>)[key]
      const value = replace(child)
      // Defined, not assigned: `__proto__` is a name like any other here.
      if (value !== child)
        Object.defineProperty(container, key, { value, writable: true, enumerable: true, configurable: true })
    }
  }
}
