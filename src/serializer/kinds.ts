/** What an object is to the serializer. Unlike a worker's, which asks Node, this runs everywhere. */
import { isError } from '../worker/describe.ts'
import { byPrototype, byTag, COMMON_KINDS, globalClass } from '../worker/global-classes.ts'

export type Kind =
  | 'array'
  | 'blob'
  | 'boxed'
  | 'buffer'
  | 'date'
  | 'error'
  | 'instance'
  | 'map'
  | 'nullObject'
  | 'object'
  | 'regexp'
  | 'set'
  | 'sharedBuffer'
  | 'url'
  | 'view'

const KIND_OF_CLASS: Readonly<Record<string, Kind>> = {
  ...COMMON_KINDS,
  Date: 'date',
  RegExp: 'regexp',
  Number: 'boxed',
  String: 'boxed',
  Boolean: 'boxed',
  BigInt: 'boxed',
}

/** By prototype; for the common ones little else has to be asked. */
const KIND_OF_PROTOTYPE: ReadonlyMap<unknown, Kind> = byPrototype(KIND_OF_CLASS)

/** May throw for a proxy. */
export function kindOf(value: object): Kind {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype) return 'object'
  if (prototype === null) return 'nullObject'
  const kind = KIND_OF_PROTOTYPE.get(prototype) ?? kindElsewhere(value, prototype as object)
  return isTruly(kind, value) ? kind : 'instance'
}

/** Of errors, and of what comes from another realm, such as a frame of a page or a test runner's context. */
function kindElsewhere(value: object, prototype: object): Kind {
  if (isError(value)) return 'error'
  const blob = globalClass('Blob')
  if (blob !== undefined && value instanceof blob) return 'blob'
  return byTag(value, prototype, KIND_OF_CLASS) ?? 'instance'
}

/** What throws for anything else than an object of the kind: a prototype can be put on anything. */
const PROBES: Readonly<Partial<Record<Kind, (value: object) => unknown>>> = {
  map: (value) => Map.prototype.has.call(value, undefined),
  set: (value) => Set.prototype.has.call(value, undefined),
  date: (value) => Date.prototype.getTime.call(value),
  regexp: getter(RegExp.prototype, 'source'),
  buffer: getter(ArrayBuffer.prototype, 'byteLength'),
}

function getter(prototype: object, key: string): (value: object) => unknown {
  const get = Object.getOwnPropertyDescriptor(prototype, key)?.get as () => unknown
  return (value) => get.call(value)
}

function isTruly(kind: Kind, value: object): boolean {
  switch (kind) {
    case 'array':
      return Array.isArray(value)
    case 'view':
      return ArrayBuffer.isView(value)
    case 'boxed':
      return unboxed(value) !== undefined
    default:
      return attempt(PROBES[kind], value)
  }
}

function attempt(probe: ((value: object) => unknown) | undefined, value: object): boolean {
  try {
    probe?.(value)
    return true
  } catch {
    return false
  }
}

const UNBOX = [Number, String, Boolean, BigInt].map(({ prototype }) => prototype.valueOf as () => Primitive)

type Primitive = number | string | boolean | bigint

/** What is in an object such as `new Number(1)`; undefined for all other objects. */
export function unboxed(value: object): Primitive | undefined {
  for (const unbox of UNBOX) {
    try {
      return unbox.call(value)
    } catch {
      // Of another class.
    }
  }
  return undefined
}
