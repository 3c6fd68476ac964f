/** What is read of the objects that are written. */
import { COMMON, define } from '../worker/error-shape.ts'
import { placeOfGetter } from '../worker/place.ts'
import { unwritable } from './refusal.ts'
import { allowedErrorProps } from './registered.ts'
import type { Spot } from './spot.ts'

/** The getters of an object are called here, and never again. */
export function spread(source: object, spot: Spot): Record<string, unknown> {
  try {
    return { ...source }
  } catch (cause) {
    throw unwritable(placeOfGetter(source, spot), cause)
  }
}

/** Of an array of any length: `isLoose` looks at some elements only. */
export function hasHoles(array: readonly unknown[]): boolean {
  for (let i = 0; i < array.length; i++) if (array[i] === undefined && !Object.hasOwn(array, i)) return true
  return false
}

export function picked(source: object, keys: readonly string[]): object {
  return Object.fromEntries(keys.map((key) => [key, (source as Record<string, unknown>)[key]]))
}

/** What users let travel with errors, although it is not the error's own. */
export function addAllowed(error: object, shown: object, hidden: object): void {
  for (const key of allowedErrorProps()) {
    if (COMMON.has(key) || Object.hasOwn(shown, key) || Object.hasOwn(hidden, key)) continue
    const value = (error as Record<string, unknown>)[key]
    if (value !== undefined) define(hidden, key, value, true)
  }
}
