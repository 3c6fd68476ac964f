/** Values without parts, as they are written. */
import { unboxed } from './kinds.ts'
import { isJsonNumber, type Type } from './notation.ts'
import * as is from './types.ts'

/** Larger ones are written in hexadecimal digits: that takes linear time. */
const LARGE = 2n ** 4_096n

/** Whether JSON says all about a value, and it has no parts. */
export function isPlain(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      return isJsonNumber(value)
    default:
      return value === null
  }
}

/** The type of a value without parts that JSON does not have; undefined for all others. */
export function typeOfLeaf(value: unknown): Type | undefined {
  switch (typeof value) {
    case 'undefined':
      return is.UNDEFINED
    case 'number':
      return isJsonNumber(value) ? undefined : is.NUMBER
    case 'bigint':
      return value < LARGE && value > -LARGE ? is.BIGINT : is.OWN_BIGINT
    default:
      return undefined
  }
}

/** What stands for it. */
export function jsonOfLeaf(value: unknown): string | null {
  if (value === undefined) return null
  if (typeof value !== 'bigint') return value === 0 ? '-0' : String(value)
  return value.toString(typeOfLeaf(value) === is.BIGINT ? 10 : 16)
}

/** Of an object such as `new Number(1)`. */
export function boxedJson(value: object): [type: string, text: string] {
  const inside = unboxed(value)
  if (typeof inside === 'bigint') return ['bigint', inside.toString(16)]
  return [typeof inside, Object.is(inside, -0) ? '-0' : String(inside)]
}
