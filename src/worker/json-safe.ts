/** Beyond these, what v8 writes is faster than JSON. */
const MOST_LEAVES = 2_000
const MOST_CHARACTERS = 65_536
/** Far from where a recursion would overflow the stack. */
const DEEPEST = 100
/** So many objects are compared one by one, which is faster than a set. */
const FEW = 16

/**
 * The JSON text of a value, if parsing it gives an equal value, and JSON is the fastest way to carry it; else undefined.
 * @param isList - whether the value is an array of the caller's own making, which has elements and nothing else
 */
export function toJson(value: unknown, isList = false): string | undefined {
  try {
    if (isList && isSmallInteger(value as readonly unknown[])) return `[${(value as readonly number[])[0]}]`
    if (!new JsonCheck().isSafe(value, isList ? 0 : 1)) return undefined
    const text = JSON.stringify(value)
    return text.includes('\\') && hasEscapedKey(value) ? undefined : text
  } catch {
    // A getter or a proxy that throws: whoever looks closer can say where.
    return undefined
  }
}

/**
 * Whether a key is written with an escape. V8 13.6 takes such a key for another one, which it has met in an object of this shape
 * before: after `{"x":0,"\\\\":1}` it reads `{"x":0,"\\\\j":2}` with the key of the first.
 */
function hasEscapedKey(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return value.some(hasEscapedKey)
  return Object.entries(value).some(([key, child]) => JSON.stringify(key).includes('\\') || hasEscapedKey(child))
}

/** The commonest list of arguments. Small positive integers have none of the traps of numbers. */
function isSmallInteger(list: readonly unknown[]): boolean {
  if (list.length !== 1) return false
  const only = list[0]
  return typeof only === 'number' && only > 0 && (only | 0) === only
}

/** Whether JSON says all there is to say about a value. One class and no more, because it is made for each call. */
class JsonCheck {
  #leaves = 0
  #characters = 0
  /** Objects met so far: JSON would make two of one that stands in two places. */
  readonly #few: object[] = []
  #many: Set<object> | undefined

  /** @param depth - 0 only for a list of the caller's own making */
  isSafe(value: unknown, depth: number): boolean {
    if (++this.#leaves > MOST_LEAVES) return false
    switch (typeof value) {
      case 'string':
        this.#characters += value.length
        return this.#characters <= MOST_CHARACTERS
      case 'number':
        return isJsonNumber(value)
      case 'boolean':
        return true
      case 'object':
        return value === null || this.#isSafeObject(value, depth)
      default:
        return false
    }
  }

  #isSafeObject(value: object, depth: number): boolean {
    if (depth > DEEPEST || !this.#isNew(value)) return false
    // JSON.stringify calls it, own or inherited.
    if ((value as { toJSON?: unknown }).toJSON !== undefined) return false
    if (Array.isArray(value)) return this.#isSafeArray(value, depth)
    return Object.getPrototypeOf(value) === Object.prototype && this.#hasSafeProperties(value, depth)
  }

  #isSafeArray(array: readonly unknown[], depth: number): boolean {
    if (array.length > MOST_LEAVES || Object.getPrototypeOf(array) !== Array.prototype) return false
    if (depth > 0 && Object.keys(array).length !== array.length) return false
    // A hole reads as undefined, which is not safe either.
    for (let i = 0; i < array.length; i++) if (!this.isSafe(array[i], depth + 1)) return false
    return true
  }

  #hasSafeProperties(object: object, depth: number): boolean {
    for (const key in object) {
      if (key === '__proto__') return false
      // Of the descriptor, where it is undefined for a getter, which could answer differently when JSON.stringify asks.
      if (!this.isSafe(Object.getOwnPropertyDescriptor(object, key)?.value, depth + 1)) return false
    }
    return true
  }

  #isNew(value: object): boolean {
    if (this.#many !== undefined) return this.#many.size !== this.#many.add(value).size
    for (let i = 0; i < this.#few.length; i++) if (this.#few[i] === value) return false
    if (this.#few.push(value) > FEW) this.#many = new Set(this.#few)
    return true
  }
}

/** Not NaN, not infinite (both give NaN here), not -0. */
function isJsonNumber(value: number): boolean {
  return value === 0 ? 1 / value > 0 : value - value === 0
}
