/**
 * Makes a packet of a value. A first walk copies the structure, so that what was looked at is what is sent, and puts
 * numbers in the places of what v8 does not write; see packet.ts. It does not recurse, and tells the path of whatever
 * cannot travel.
 */
import * as types from 'node:util/types'
import { SerializationError } from '../errors.ts'
import { type Kind, kindOf } from './built-ins.ts'
import { type Custom, serializeCustom } from './custom-classes.ts'
import { cure, describe } from './describe.ts'
import { customError, errorContent, errorPart } from './error-shape.ts'
import { Freight } from './freight.ts'
import { toJson } from './json-safe.ts'
import type { Content, Packet, Part, ShellKind } from './packet.ts'
import { insideError, type Place, pathOf, payFor, placeIn, placeOfGetter, type Step } from './place.ts'
import { copyArray, isFlat, isLeaf, isLoose } from './shallow-copy.ts'
import { newWriter } from './v8-stream.ts'

/** Every so many levels a container becomes a shell, because v8 recurses: it fails between 1,000 and 2,000 levels. */
const LEVELS_OF_V8 = 200
/** An error costs as much as so many objects: its stack is made when it is read. */
const COST_OF_ERROR = 100

/** @throws SerializationError with the path of what cannot travel */
export function pack(place: Place, value: unknown, isThread: boolean, isLent: boolean): Packet {
  try {
    const packing = new Packing(isThread)
    const bytes = packing.write(value, place)
    const beside = packing.freight.load(isLent)
    return { bytes, beside, size: beside.reduce((size, thing) => size + sizeOf(thing), bytes.byteLength) }
  } catch (cause) {
    throw cause instanceof SerializationError ? cause : cannotTravel(place, cause)
  }
}

/** Says where something is that failed while it was looked at. */
function cannotTravel(place: Place, cause: unknown): SerializationError {
  const reason = cause instanceof Error ? `: ${cause.message}` : ''
  return new SerializationError(`${pathOf(place)} cannot travel to or from a worker${reason}`, { cause })
}

/** A copy of a container, whose children are still those of the source; that of a Map or a Set is still empty. */
interface Open {
  readonly source: object
  readonly copy: object
  readonly place: Place
}

class Packing {
  readonly #isThread: boolean
  readonly #parts: Part[] = []
  readonly #contents: Content[] = []
  readonly freight: Freight = new Freight(this.#parts)
  /** By object, what stands for it in the copy. */
  readonly #standIns: Map<object, object> = new Map()
  readonly #open: Open[] = []

  constructor(isThread: boolean) {
    this.#isThread = isThread
  }

  /** @returns all but the freight, which is to be loaded when nothing else can fail */
  write(value: unknown, place: Place): Uint8Array {
    const root = this.#standInOf(value, place)
    for (let open = this.#open.pop(); open !== undefined; open = this.#open.pop()) this.#fill(open)
    this.freight.close()
    const writer = newWriter()
    writer.writeUint32(this.#parts.length)
    for (const part of this.#parts) writer.writeValue(part)
    writer.writeValue(root)
    writer.writeUint32(this.#contents.length)
    for (const content of this.#contents) writer.writeValue(content)
    return writer.releaseBuffer()
  }

  /** The value of a child, for the copy. */
  #child(value: unknown, parent: Place, step: Step, key: unknown): unknown {
    if (isLeaf(value)) return value
    return this.#standIns.get(value as object) ?? this.#standInOf(value, placeIn(parent, step, key))
  }

  #standInOf(value: unknown, place: Place): unknown {
    if (typeof value === 'function' || typeof value === 'symbol') return this.#refuse(value, place)
    if (typeof value !== 'object' || value === null) return value
    try {
      const kind = kindOf(value)
      if (!payFor(place, kind === 'error' ? COST_OF_ERROR : 1))
        return this.#refuse(value, place, 'it is nested too deeply')
      return this.#standInOfObject(value, kind, place)
    } catch (cause) {
      if (place.inError !== undefined) return describe(value)
      throw cause instanceof SerializationError ? cause : cannotTravel(place, cause)
    }
  }

  #standInOfObject(value: object, kind: Kind, place: Place): unknown {
    switch (kind) {
      case 'array':
      case 'map':
      case 'object':
      case 'set':
        return this.#container(value, kind, place)
      case 'nullObject':
        return this.#shell(value, kind, place)
      case 'native':
        return this.#put(value, value)
      case 'buffer':
        return this.#number(value, this.freight.addBuffer(value as ArrayBuffer))
      case 'view':
        return this.#view(value as ArrayBufferView, place)
      case 'url':
        return this.#part(value, ['url', (value as URL).href])
      case 'error':
        return this.#custom(value, place, customError(value)) ?? this.#error(value, place)
      case 'sharedBuffer':
      case 'threadOnly':
        return this.#isThread ? this.#number(value, this.freight.add(value)) : this.#refuseToProcess(value, place)
      case 'port':
        return this.#isThread ? this.#number(value, this.freight.addPort(value)) : this.#refuseToProcess(value, place)
      case 'instance':
        return this.#custom(value, place, serializeCustom(value)) ?? this.#refuse(value, place)
    }
  }

  #put<S extends object>(value: object, standIn: S): S {
    this.#standIns.set(value, standIn)
    return standIn
  }

  /** The only views in the copy are numbers. */
  #number(value: object, number: number): object {
    return this.#put(value, Uint32Array.of(number))
  }

  #part(value: object, part: Part): object {
    return this.#number(value, this.#parts.push(part) - 1)
  }

  #container(value: object, kind: ShellKind, place: Place): object {
    if (place.depth > 0 && place.depth % LEVELS_OF_V8 === 0) return this.#shell(value, kind, place)
    return this.#put(value, this.#openCopy(value, kind, place))
  }

  #shell(value: object, kind: ShellKind, place: Place): object {
    const standIn = this.#part(value, [kind])
    this.#contents.push([this.#parts.length - 1, this.#openCopy(value, kind, place)])
    return standIn
  }

  #openCopy(source: object, kind: ShellKind, place: Place): object {
    const copy = this.#copy(source, kind, place)
    if (kind === 'map' || kind === 'set' || !isFlat(copy)) this.#open.push({ source, copy, place })
    return copy
  }

  /** The getters of an object are called here, and never again. */
  #copy(source: object, kind: ShellKind, place: Place): object {
    switch (kind) {
      case 'map':
        return new Map()
      case 'set':
        return new Set()
      case 'array':
        return copyArray(source as readonly unknown[])
      default:
        try {
          return { ...source }
        } catch (cause) {
          throw cannotTravel(placeOfGetter(source, place), cause)
        }
    }
  }

  #view(view: ArrayBufferView, place: Place): unknown {
    const { buffer } = view
    if (!types.isSharedArrayBuffer(buffer)) return this.#number(view, this.freight.addView(view))
    if (!this.#isThread) return this.#refuseToProcess(buffer, place)
    if (!this.#standIns.has(buffer)) this.#number(buffer, this.freight.add(buffer))
    const [number] = this.#standIns.get(buffer) as Uint32Array
    return this.#number(view, this.freight.addSharedView(view, number as number))
  }

  #error(error: object, place: Place): object {
    const standIn = this.#part(error, errorPart(error))
    const inside = insideError(place)
    const { shown, hidden } = errorContent(error)
    const content = {
      shown: this.#openCopy(shown, 'object', inside),
      hidden: this.#openCopy(hidden, 'object', inside),
    }
    this.#contents.push([(standIn as Uint32Array)[0] as number, content])
    return standIn
  }

  /** @returns undefined if superjson does not know its class */
  #custom(value: object, place: Place, custom: Custom | undefined): object | undefined {
    if (custom === undefined) return undefined
    const text = toJson(custom.payload)
    if (text !== undefined) return this.#part(value, ['customText', text])
    const inside = new Packing(this.#isThread)
    const bytes = inside.write(custom.payload, place)
    return this.#part(value, ['customPacket', ...this.freight.addPacket(bytes, inside.freight)])
  }

  #refuseToProcess(value: object, place: Place): string {
    return this.#refuse(value, place, 'only threads can be given one: use a ThreadPoolExecutor, or pass its data')
  }

  #refuse(value: unknown, place: Place, why: string = cure(value)): string {
    const what = describe(value)
    if (place.inError !== undefined) return what
    throw new SerializationError(`${pathOf(place)} is ${what}, which cannot travel to or from a worker: ${why}`)
  }

  #fill({ source, copy, place }: Open): void {
    if (copy instanceof Map) this.#fillMap(source, copy, place)
    else if (copy instanceof Set) this.#fillSet(source, copy, place)
    else if (Array.isArray(copy) && !isLoose(copy)) this.#replaceElements(copy, place)
    else this.#replaceProperties(copy as Record<string, unknown>, place)
  }

  #fillMap(source: object, copy: Map<unknown, unknown>, place: Place): void {
    let index = 0
    for (const [key, value] of Map.prototype.entries.call(source)) {
      copy.set(this.#child(key, place, 'mapKey', index++), this.#child(value, place, 'mapValue', key))
    }
  }

  #fillSet(source: object, copy: Set<unknown>, place: Place): void {
    let index = 0
    for (const value of Set.prototype.values.call(source)) copy.add(this.#child(value, place, 'setElement', index++))
  }

  #replaceElements(copy: unknown[], place: Place): void {
    for (let i = 0; i < copy.length; i++) {
      const value = copy[i]
      if (!isLeaf(value)) copy[i] = this.#child(value, place, 'property', i)
    }
  }

  #replaceProperties(copy: Record<string, unknown>, place: Place): void {
    for (const key in copy) {
      const value = copy[key]
      if (!isLeaf(value) && Object.hasOwn(copy, key)) copy[key] = this.#child(value, place, 'property', key)
    }
  }
}

function sizeOf(thing: object): number {
  return types.isAnyArrayBuffer(thing) || ArrayBuffer.isView(thing) ? thing.byteLength : 0
}
