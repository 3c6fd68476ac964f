const OTHER_LEAF = 8

/**
 * The size of a value: the bytes of binary data, the UTF-8 length of text, 8 for each other leaf. Each object counts once.
 * @param enough - where to stop: a larger size may be given as any size of at least this
 */
export function measure(value: unknown, enough: number): number {
  return isObject(value) ? new Measuring(enough).measure(value) : sizeOfPrimitive(value, enough)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function sizeOfPrimitive(value: unknown, enough: number): number {
  return typeof value === 'string' ? utf8Length(value, enough) : OTHER_LEAF
}

/** Without encoding it. A surrogate that stands alone is written as the replacement character, of three bytes. */
export function utf8Length(text: string, enough: number): number {
  const { length } = text
  // Each unit has one byte at least.
  if (length >= enough) return length
  let size = length
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    if (unit < 0x800) size++
    else {
      size += 2
      // The second half of a pair has added its one byte already: four for both.
      if (isHighSurrogate(unit) && isLowSurrogate(text.charCodeAt(i + 1))) i++
    }
  }
  return size
}

function isHighSurrogate(unit: number): boolean {
  return (unit & 0xfc00) === 0xd800
}

function isLowSurrogate(unit: number): boolean {
  return (unit & 0xfc00) === 0xdc00
}

/** The search through one value. Lazy and iterative: the answer may be certain long before the end. */
class Measuring {
  readonly #enough: number
  readonly #seen: Set<object> = new Set()
  /** What is left to look at: the inmost last. */
  readonly #rest: Iterator<unknown>[] = []
  #size = 0

  constructor(enough: number) {
    this.#enough = enough
  }

  measure(root: object): number {
    this.#open(root)
    for (let inmost = this.#rest.at(-1); inmost !== undefined; inmost = this.#rest.at(-1)) {
      if (this.#size >= this.#enough) break
      const next = nextOf(inmost)
      if (next.done) this.#rest.pop()
      else if (isObject(next.value)) this.#open(next.value)
      else this.#size += sizeOfPrimitive(next.value, this.#enough - this.#size)
    }
    return this.#size
  }

  #open(object: object): void {
    if (this.#seen.has(object)) return
    this.#seen.add(object)
    try {
      const bytes = binarySize(object)
      if (bytes !== undefined) this.#size += bytes
      else if (!this.#push(object)) this.#size += OTHER_LEAF
    } catch {
      // A revoked proxy, or one whose traps throw: whoever writes the value says so.
    }
  }

  /** @returns whether there is something to look at inside, or could be */
  #push(object: object): boolean {
    if (object instanceof Map) this.#rest.push(object.keys(), object.values())
    else if (object instanceof Set || Array.isArray(object)) this.#rest.push(object[Symbol.iterator]())
    else {
      const keys = Object.keys(object)
      // Dates, URLs, and all else whose content cannot be seen.
      if (keys.length === 0) return isPlain(object)
      this.#rest.push(propertiesOf(object, keys))
    }
    return true
  }
}

const END = { done: true, value: undefined } as const

function nextOf(iterator: Iterator<unknown>): IteratorResult<unknown> {
  try {
    return iterator.next()
  } catch {
    return END
  }
}

/** Reads each property once, and only when it is asked for it. What cannot be read is `undefined`. */
function* propertiesOf(object: object, keys: readonly string[]): Generator<unknown> {
  for (const key of keys) yield read(object, key)
}

function read(object: object, key: string): unknown {
  try {
    return (object as Readonly<Record<string, unknown>>)[key]
  } catch {
    return undefined
  }
}

function isPlain(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object)
  return prototype === null || prototype === Object.prototype
}

/** The bytes that an object is, or shows; undefined if it is none. */
function binarySize(object: object): number | undefined {
  if (ArrayBuffer.isView(object) || object instanceof ArrayBuffer) return object.byteLength
  if (object instanceof Blob) return object.size
  // Some pages of browsers have no such class.
  return typeof SharedArrayBuffer === 'function' && object instanceof SharedArrayBuffer ? object.byteLength : undefined
}
