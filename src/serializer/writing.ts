import { SerializationError } from '../errors.ts'
import type { Transformer } from '../worker/custom-classes.ts'
import { describe } from '../worker/describe.ts'
import { errorContent, errorPart, isOfUsersClass } from '../worker/error-shape.ts'
import { viewType } from '../worker/global-classes.ts'
import { insideError, payFor, type Step } from '../worker/place.ts'
import { isLoose } from '../worker/shallow-copy.ts'
import { Annotations } from './annotations.ts'
import type { Frame } from './frame.ts'
import { type Kind, kindOf } from './kinds.ts'
import { boxedJson, isPlain, jsonOfLeaf, typeOfLeaf } from './leaves.ts'
import { Memory } from './memory.ts'
import { type Document, escapeKey, isMadeByUser, ownType, type Type } from './notation.ts'
import { refuse, unwritable } from './refusal.ts'
import { RegExps } from './reg-exps.ts'
import { classOf, identifierOfSymbol, type RegisteredClass, transformerOf } from './registered.ts'
import { addAllowed, hasHoles, picked, spread } from './source.ts'
import { isWithin, rootSpot, type Spot, spotIn } from './spot.ts'
import * as is from './types.ts'

/** JSON.stringify recurses, and so do many who will read the value. */
const DEEPEST = 1_000
/** An error costs as much as so many objects. */
const COST_OF_ERROR = 100
const SHARED = 'its memory cannot leave this process: pass a copy of its data, as an ArrayBuffer'

/**
 * Makes the JSON of a value, and the annotations. It walks in the order of the text and does not recurse: a container is copied,
 * then its children that are objects wait on a stack, in the copy, until each is replaced by what stands for it.
 */
export class Writing {
  readonly #memory = new Memory()
  readonly #annotations = new Annotations()
  readonly #regExps = new RegExps()
  readonly #seen: Map<object, Spot> = new Map()
  readonly #waiting: Spot[] = []
  readonly #document: Document
  readonly #root: Spot
  /** What makes the bytes of Blobs arrive. */
  readonly loads: (() => Promise<void>)[] = []

  constructor(value: unknown, root: string) {
    this.#document = { json: value }
    this.#root = rootSpot(root, this.#document)
  }

  /** Looks at everything in the value. @throws SerializationError with the path of what cannot be written */
  walk(): void {
    this.#waiting.push(this.#root)
    for (let spot = this.#waiting.pop(); spot !== undefined; spot = this.#waiting.pop()) {
      spot.holder[spot.at] = this.#write(spot.holder[spot.at], spot)
    }
  }

  /** From here on, changes of the value's memory change nothing. */
  copyMemory(): void {
    this.#memory.copy()
  }

  /** What is to be written. To be called after all else. */
  close(): Frame {
    const buffers = this.#memory.close()
    const meta = this.#annotations.meta()
    if (meta !== undefined) this.#document.meta = meta
    try {
      return { text: JSON.stringify(this.#document), buffers }
    } catch (cause) {
      throw unwritable(this.#root, cause)
    }
  }

  #write(value: unknown, spot: Spot): unknown {
    try {
      if (typeof value === 'object' && value !== null) return this.#object(value, spot)
      return typeof value === 'symbol' ? this.#symbol(value, spot) : this.#leaf(value, spot)
    } catch (cause) {
      if (spot.inError !== undefined) return this.#describe(value)
      throw cause instanceof SerializationError ? cause : unwritable(spot, cause)
    }
  }

  /** In an error, which has to arrive. */
  #describe(value: unknown): string {
    this.#seen.delete(value as object)
    return describe(value)
  }

  /** For the value itself. */
  #leaf(value: unknown, spot: Spot): unknown {
    if (typeof value === 'function') refuse(value, spot)
    const type = typeOfLeaf(value)
    return type === undefined ? value : this.#as(type, jsonOfLeaf(value), spot)
  }

  #symbol(symbol: symbol, spot: Spot): unknown {
    const identifier = identifierOfSymbol(symbol)
    if (identifier === undefined) return refuse(symbol, spot, 'pass a string, or register it with superjson')
    return this.#as(['symbol', identifier], symbol.description ?? '', spot)
  }

  #object(value: object, spot: Spot): unknown {
    const first = this.#seen.get(value)
    if (first !== undefined) return this.#again(value, first, spot)
    const kind = kindOf(value)
    const isPaid = payFor(spot, kind === 'error' ? COST_OF_ERROR : 1)
    if (!isPaid || spot.depth > DEEPEST) return refuse(value, spot, 'it is nested too deeply')
    this.#seen.set(value, spot)
    return this.#firstTime(value, kind, spot)
  }

  #again(value: object, first: Spot, spot: Spot): unknown {
    if (first.note !== undefined && isMadeByUser(first.note[0]) && isWithin(spot, first))
      return refuse(value, spot, 'it is part of what its own superjson transformer gives')
    this.#annotations.same(first, spot)
    return null
  }

  #firstTime(value: object, kind: Kind, spot: Spot): unknown {
    switch (kind) {
      case 'object':
        return this.#properties(value, spot)
      case 'array':
        return this.#array(value as unknown[], spot)
      case 'map':
        return this.#as(is.MAP, this.#map(value, spot), spot)
      case 'set':
        return this.#as(is.SET, this.#set(value, spot), spot)
      case 'nullObject':
        return this.#as(is.OWN_NULL, this.#properties(value, spot), spot)
      case 'date':
        return this.#date(value as Date, spot)
      case 'regexp':
        return this.#regExp(value as RegExp, spot)
      case 'url':
        return this.#as(is.LINK, (value as URL).href, spot)
      case 'boxed':
        return this.#as(is.OWN_BOXED, boxedJson(value), spot)
      case 'buffer':
        return this.#as(is.OWN_BUFFER, this.#memory.addBuffer(value as ArrayBuffer), spot)
      case 'view':
        return this.#view(value as ArrayBufferView, spot)
      case 'blob':
        return this.#blob(value as Blob, spot)
      case 'error':
        return this.#error(value as Error, spot)
      case 'sharedBuffer':
        return refuse(value, spot, SHARED)
      case 'instance':
        return this.#instance(value, spot)
    }
  }

  #as(type: Type, json: unknown, spot: Spot): unknown {
    this.#annotations.type(spot, type)
    return json
  }

  #properties(source: object, spot: Spot, prefix?: string): object {
    const copy = spread(source, spot)
    const start = this.#waiting.length
    for (const key in copy) {
      const value = copy[key]
      if (isPlain(value) || !Object.hasOwn(copy, key)) continue
      const path = prefix === undefined ? undefined : prefix + escapeKey(key)
      this.#child(value, spot, 'property', key, path, copy, key)
    }
    this.#turn(start)
    return copy
  }

  #array(source: readonly unknown[], spot: Spot): unknown {
    if (isLoose(source) || hasHoles(source)) return this.#looseArray(source, spot)
    const copy = source.slice()
    this.#elements(copy, spot, 'property')
    return copy
  }

  #looseArray(source: readonly unknown[], spot: Spot): unknown {
    return this.#as(is.OWN_ARRAY, [source.length, this.#properties(source, spot, '1.')], spot)
  }

  #set(source: object, spot: Spot): unknown[] {
    const copy = [...Set.prototype.values.call(source)]
    this.#elements(copy, spot, 'setElement')
    return copy
  }

  #elements(copy: unknown[], spot: Spot, step: Step): void {
    const start = this.#waiting.length
    for (let i = 0; i < copy.length; i++) {
      const value = copy[i]
      if (!isPlain(value)) this.#child(value, spot, step, i, undefined, copy, i)
    }
    this.#turn(start)
  }

  #map(source: object, spot: Spot): unknown[] {
    const start = this.#waiting.length
    const copy: unknown[] = []
    for (const entry of Map.prototype.entries.call(source)) {
      const row = copy.push(entry) - 1
      const [key, value] = entry
      if (!isPlain(key)) this.#child(key, spot, 'mapKey', row, `${row}.0`, entry, 0)
      if (!isPlain(value)) this.#child(value, spot, 'mapValue', key, `${row}.1`, entry, 1)
    }
    this.#turn(start)
    return copy
  }

  /** Replaces a child that JSON does not say all about: at once, or when its turn comes. */
  #child(
    value: unknown,
    parent: Spot,
    step: Step,
    key: unknown,
    path: string | undefined,
    holder: object,
    at: PropertyKey,
  ): void {
    const type = typeOfLeaf(value)
    if (type === undefined) {
      this.#waiting.push(spotIn(parent, step, key, path, holder, at))
    } else {
      this.#annotations.leaf(parent, key, path, type)
      ;(holder as Record<PropertyKey, unknown>)[at] = jsonOfLeaf(value)
    }
  }

  /** Puts the children that wait from `start` on in the order in which they are to be taken: the first on top. */
  #turn(start: number): void {
    const waiting = this.#waiting
    for (let low = start, high = waiting.length - 1; low < high; low++, high--) {
      const spot = waiting[low] as Spot
      waiting[low] = waiting[high] as Spot
      waiting[high] = spot
    }
  }

  #date(date: Date, spot: Spot): unknown {
    const isValid = !Number.isNaN(Date.prototype.getTime.call(date))
    return isValid ? this.#as(is.DATE, Date.prototype.toISOString.call(date), spot) : this.#as(is.OWN_DATE, null, spot)
  }

  #regExp(regExp: RegExp, spot: Spot): unknown {
    const { source, flags, lastIndex } = regExp
    this.#regExps.add(source)
    if (lastIndex === 0) return this.#as(is.REGEXP, `/${source}/${flags}`, spot)
    return this.#as(is.OWN_REGEXP, [source, flags, lastIndex], spot)
  }

  #view(view: ArrayBufferView, spot: Spot): unknown {
    return this.#as(ownType(viewType(view)), this.#memory.addView(view), spot)
  }

  #blob(blob: Blob, spot: Spot): unknown {
    const { name, lastModified } = blob as Partial<File>
    const json: unknown[] = [undefined, blob.type]
    this.loads.push(async () => {
      const buffer = await blob.arrayBuffer().catch((cause: unknown) => Promise.reject(unwritable(spot, cause)))
      json[0] = this.#memory.addBuffer(buffer)
    })
    if (name === undefined) return this.#as(is.OWN_BLOB, json, spot)
    json.push(name, lastModified)
    return this.#as(is.OWN_FILE, json, spot)
  }

  #error(error: Error, spot: Spot): unknown {
    const transformer = isOfUsersClass(error) ? transformerOf(error) : undefined
    if (transformer !== undefined) return this.#custom(error, transformer, spot)
    const [, ...part] = errorPart(error)
    const { shown, hidden } = errorContent(error)
    addAllowed(error, shown, hidden)
    this.#annotations.type(spot, is.OWN_ERROR)
    const inside = insideError(spot)
    // The last ones first: they are to be taken last.
    const last = this.#properties(hidden, inside, '6.')
    return [...part, this.#properties(shown, inside, '5.'), last]
  }

  #instance(value: object, spot: Spot): unknown {
    const registered = classOf(value)
    if (registered !== undefined) return this.#registered(value, registered, spot)
    const transformer = transformerOf(value)
    return transformer === undefined ? refuse(value, spot) : this.#custom(value, transformer, spot)
  }

  #registered(value: object, { identifier, allowed }: RegisteredClass, spot: Spot): unknown {
    const source = allowed === undefined ? value : picked(value, allowed)
    return this.#as(['class', identifier], this.#properties(source, spot), spot)
  }

  /** What a transformer gives is written in place, if no annotation of its own is in the way of that of the value. */
  #custom(value: object, transformer: Transformer, spot: Spot): unknown {
    const payload = transformer.serialize(value)
    if (isPlain(payload)) return this.#as(['custom', transformer.name], payload, spot)
    const kind = typeof payload === 'object' && payload !== null ? kindOf(payload) : undefined
    if (kind === 'object')
      return this.#as(['custom', transformer.name], this.#properties(payload as object, spot), spot)
    const json = [transformer.name, payload]
    this.#annotations.type(spot, is.OWN_CUSTOM)
    this.#child(payload, spot, 'property', 1, undefined, json, 1)
    return json
  }
}
