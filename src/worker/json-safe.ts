/** Beyond these, what v8 writes is faster than JSON. */
const MOST_LEAVES = 2_000
const MOST_CHARACTERS = 65_536
/** Far from where a recursion would overflow the stack. */
const DEEPEST = 100

/** The JSON text of a value, if parsing it gives an equal value, and JSON is the fastest way to carry it; else undefined. */
export function toJson(value: unknown): string | undefined {
  try {
    if (Array.isArray(value) && isSmallIntegerList(value)) return `[${value[0]}]`
    return new JsonCheck().isSafe(value, 0) ? JSON.stringify(value) : undefined
  } catch {
    // A getter or a proxy that throws: whoever looks closer can say where.
    return undefined
  }
}

/** The commonest argument list. A small positive integer has none of the traps of numbers. */
function isSmallIntegerList(array: readonly unknown[]): boolean {
  if (array.length !== 1) return false
  const only = array[0]
  return typeof only === 'number' && only > 0 && (only | 0) === only && isPlainArray(array)
}

/** No subclass, and no properties but its elements; holes are for {@link JsonCheck} to see. */
function isPlainArray(array: readonly unknown[]): boolean {
  return Object.getPrototypeOf(array) === Array.prototype && hasOnlyElements(array)
}

/** Whether JSON says all there is to say about a value. */
class JsonCheck {
  #leaves = 0
  #characters = 0
  /** Objects met so far. JSON would make two of one that stands in two places. */
  readonly #seen: Seen = new Seen()

  isSafe(value: unknown, depth: number): boolean {
    switch (typeof value) {
      case 'string':
        this.#characters += value.length
        return ++this.#leaves <= MOST_LEAVES && this.#characters <= MOST_CHARACTERS
      case 'number':
        return ++this.#leaves <= MOST_LEAVES && isJsonNumber(value)
      case 'boolean':
        return ++this.#leaves <= MOST_LEAVES
      case 'object':
        return ++this.#leaves <= MOST_LEAVES && (value === null || this.#isSafeObject(value, depth))
      default:
        return false
    }
  }

  #isSafeObject(value: object, depth: number): boolean {
    if (depth === DEEPEST || !this.#seen.add(value)) return false
    // JSON.stringify calls it, own or inherited.
    if ((value as { toJSON?: unknown }).toJSON !== undefined) return false
    if (Array.isArray(value)) return this.#isSafeArray(value, depth)
    return Object.getPrototypeOf(value) === Object.prototype && this.#hasSafeProperties(value, depth)
  }

  #isSafeArray(array: readonly unknown[], depth: number): boolean {
    if (array.length > MOST_LEAVES || !isPlainArray(array)) return false
    // A hole reads as undefined, which is not safe either.
    for (let i = 0; i < array.length; i++) if (!this.isSafe(array[i], depth + 1)) return false
    return true
  }

  #hasSafeProperties(object: object, depth: number): boolean {
    for (const key in object) {
      if (key === '__proto__') return false
      // The descriptor, because a getter could answer differently when JSON.stringify asks.
      const property = Object.getOwnPropertyDescriptor(object, key)
      if (property === undefined || property.get !== undefined) return false
      if (!this.isSafe(property.value, depth + 1)) return false
    }
    return true
  }
}

function hasOnlyElements(array: readonly unknown[]): boolean {
  return Object.keys(array).length === array.length
}

/** Not NaN, not infinite (both give NaN here), not -0. */
function isJsonNumber(value: number): boolean {
  return value === 0 ? 1 / value > 0 : value - value === 0
}

/** A set that costs little as long as it has few members. */
class Seen {
  readonly #few: object[] = []
  #many: Set<object> | undefined

  /** @returns false if it was there already */
  add(value: object): boolean {
    if (this.#many !== undefined) return this.#many.size !== this.#many.add(value).size
    if (this.#few.includes(value)) return false
    if (this.#few.push(value) > 16) this.#many = new Set(this.#few)
    return true
  }
}
