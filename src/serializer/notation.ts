/**
 * superjson's notation for what JSON cannot say: `{ json, meta: { values, referentialEqualities, v: 1 } }`.
 *
 * - `values` tells by place what a value is. A node is `[type]`, `[type, children]` or `children`, and `children` has nodes by
 *   path. Those of a Map count in its list of entries: `3.0` is the key of the fourth.
 * - `referentialEqualities` has by path a list of the paths at which the same value stands; `[paths of the root]` or
 *   `[paths of the root, others]` where the value itself is among them. The first place has the value, the others have null.
 * - A path has keys with dots between them; `\` stands before a dot or a `\` of a key.
 */

/** What superjson writes. */
export interface Document {
  json: unknown
  meta?: Meta
}

export interface Meta {
  values?: unknown
  referentialEqualities?: unknown
  v: 1
}

/** What a value is: `'Date'`, `['class', 'Point']`, `['custom', 'taps-sdk.Uint8Array']`. */
export type Type = string | readonly [kind: string, name: string]

/** Begins the names of the types that superjson does not have. */
const OWN = 'taps-sdk.'

/** A type that superjson does not have. */
export function ownType(name: string): Type {
  return ['custom', OWN + name]
}

/** The name of a type that superjson does not have; undefined for all others. */
export function ownNameOf(type: Type): string | undefined {
  return type[0] === 'custom' && type[1]?.startsWith(OWN) ? type[1].slice(OWN.length) : undefined
}

/** The only numbers that JSON does not have, and their names. */
export const NUMBERS: ReadonlyMap<unknown, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
  ['-0', -0],
])

/** Whether JSON says all about a number: not NaN, not infinite (both give NaN here), not -0. */
export function isJsonNumber(value: number): boolean {
  return value === 0 ? 1 / value > 0 : value - value === 0
}

export function escapeKey(key: string): string {
  return isKey(key) ? key : key.replace(/[.\\]/g, '\\$&')
}

/** Whether a path is no more than a key. */
export function isKey(path: string): boolean {
  return !path.includes('.') && !path.includes('\\')
}

/** The keys of a path. @throws RangeError for a path that nobody wrote */
export function parsePath(path: string): string[] {
  if (!path.includes('\\')) return path.split('.')
  const keys = ['']
  for (const piece of path.match(/\\.|[^\\]+|\\$/gs) ?? []) {
    const last = keys.length - 1
    if (piece.startsWith('\\')) {
      if (piece !== '\\.' && piece !== '\\\\') throw new RangeError('there is no such path')
      keys[last] = `${keys[last]}${piece[1]}`
    } else {
      const [first = '', ...others] = piece.split('.')
      keys[last] = `${keys[last]}${first}`
      keys.push(...others)
    }
  }
  return keys
}

/** Whether a value is made by what users registered, all at once: it cannot refer to itself. */
export function isMadeByUser(type: Type): boolean {
  const own = ownNameOf(type)
  return type[0] === 'custom' && (own === undefined || own === 'Custom')
}
