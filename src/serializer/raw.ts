/** JSON while it becomes a value: lists and objects in which parts are replaced. */

export type Raw = Record<PropertyKey, unknown>

/** A place in a list or an object. It exists: neither a path nor a key can reach what is inherited. */
export interface Slot {
  readonly parent: Raw
  readonly key: string
}

export function valueIn({ parent, key }: Slot): unknown {
  return parent[key]
}

/** The property is there and its own, also if it is named `__proto__`: so this is no more than it seems. */
export function put({ parent, key }: Slot, value: unknown): void {
  parent[key] = value
}

/** @throws RangeError if there is nothing at the key */
export function slotIn(parent: unknown, key: string): Slot {
  if (!isRaw(parent) || !hasKey(parent, key)) throw new RangeError('something is missing in it')
  return { parent, key }
}

/** Whether this came from JSON: everything else that is put there has another prototype, or a list of its own. */
function isRaw(value: unknown): value is Raw {
  return Array.isArray(value) || isObject(value)
}

/** An object of JSON. */
export function isObject(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

function hasKey(parent: Raw, key: string): boolean {
  return Object.hasOwn(parent, key) && !(key === 'length' && Array.isArray(parent))
}
