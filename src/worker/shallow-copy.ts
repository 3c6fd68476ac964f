import { define } from './error-shape.ts'

/** Looking for named properties among more elements would cost more than all the rest. */
const MOST_ELEMENTS_WITH_NAMES = 10_000

/** What v8 writes as it is, whatever it is. */
export function isLeaf(value: unknown): boolean {
  const type = typeof value
  return (type !== 'object' || value === null) && type !== 'function' && type !== 'symbol'
}

/** Whether nothing in a copy has to be looked at again. */
export function isFlat(copy: object): boolean {
  if (Array.isArray(copy)) return false
  for (const key in copy) if (!isLeaf((copy as Record<string, unknown>)[key])) return false
  return true
}

export function copyArray(source: readonly unknown[]): unknown[] {
  if (!isLoose(source)) return source.slice()
  const copy: unknown[] = []
  copy.length = source.length
  for (const [key, value] of Object.entries(source)) define(copy, key, value, true)
  return copy
}

/**
 * Whether an array has holes, or properties besides its elements. Of a long one only some elements are looked at: to
 * list its properties would cost more than all the rest, and holes do no harm as long as they are not nearly all there is.
 */
export function isLoose(array: readonly unknown[]): boolean {
  const { length } = array
  if (length <= MOST_ELEMENTS_WITH_NAMES) return Object.keys(array).length !== length
  for (let i = 0; i < length; i += length >> 7) if (!Object.hasOwn(array, i)) return true
  return false
}
