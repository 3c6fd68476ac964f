import * as types from 'node:util/types'
import { className, prototypes } from './describe.ts'
import { byPrototype, byTag, COMMON_KINDS, globalClass, VIEWS } from './global-classes.ts'

/** What an object is to a packet. */
export type Kind =
  | 'array'
  | 'buffer'
  | 'error'
  | 'instance'
  | 'map'
  | 'native'
  | 'nullObject'
  | 'object'
  | 'port'
  | 'set'
  | 'sharedBuffer'
  | 'threadOnly'
  | 'url'
  | 'view'

const KIND_OF_CLASS: Readonly<Record<string, Kind>> = {
  ...COMMON_KINDS,
  // v8 writes these as they are.
  Date: 'native',
  RegExp: 'native',
  Number: 'native',
  String: 'native',
  Boolean: 'native',
  BigInt: 'native',
}

/** By prototype; for the common ones nothing else has to be asked. */
const KIND_OF_PROTOTYPE: ReadonlyMap<unknown, Kind> = byPrototype(KIND_OF_CLASS)

/** Classes of the platform whose instances can pass to another thread, and where they are. */
const THREAD_CLASSES: ReadonlyMap<string, () => unknown> = new Map([
  ...['MessagePort', 'Blob', 'File', 'CryptoKey'].map((name) => [name, () => globalThis] as const),
  ...['KeyObject', 'X509Certificate'].map((name) => [name, () => process.getBuiltinModule('node:crypto')] as const),
  ...['BlockList', 'SocketAddress'].map((name) => [name, () => process.getBuiltinModule('node:net')] as const),
  ['Module', () => (globalThis as { WebAssembly?: unknown }).WebAssembly],
])

type Class = abstract new (...args: never[]) => object
/** Makes a view of a buffer. */
type ViewClass = new (buffer: ArrayBufferLike, byteOffset: number, length: number) => ArrayBufferView

/** The class of a view, by its name; undefined if this runtime has none of that name. */
export function viewClass(name: string): ViewClass | undefined {
  return VIEWS.includes(name) ? globalClass<ViewClass>(name) : undefined
}

/** May throw for a proxy. */
export function kindOf(value: object): Kind {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype) return 'object'
  if (prototype === null) return 'nullObject'
  const kind = KIND_OF_PROTOTYPE.get(prototype) ?? kindElsewhere(value, prototype as object)
  return isTruly(kind, value) ? kind : 'instance'
}

/** Of errors, and of what comes from another realm, such as a `vm` context or a test runner's. */
function kindElsewhere(value: object, prototype: object): Kind {
  if (types.isNativeError(value) || value instanceof Error) return 'error'
  if (isForThreads(value)) return value instanceof MessagePort ? 'port' : 'threadOnly'
  return byTag(value, prototype, KIND_OF_CLASS) ?? 'instance'
}

/** Looks at names first: to load a module only to find that the value is something else takes long. */
function isForThreads(value: object): boolean {
  return prototypes(value)
    .map(className)
    .some((name) => {
      const home = THREAD_CLASSES.get(name)?.() as Readonly<Record<string, Class>> | undefined
      return home !== undefined && value instanceof (home[name] as Class)
    })
}

/** A prototype can be put on anything. */
function isTruly(kind: Kind, value: object): boolean {
  switch (kind) {
    case 'array':
      return Array.isArray(value)
    case 'map':
      return types.isMap(value)
    case 'set':
      return types.isSet(value)
    case 'native':
      return (
        types.isDate(value) || types.isRegExp(value) || (types.isBoxedPrimitive(value) && !types.isSymbolObject(value))
      )
    case 'buffer':
      return types.isArrayBuffer(value)
    case 'sharedBuffer':
      return types.isSharedArrayBuffer(value)
    case 'view':
      return ArrayBuffer.isView(value)
    default:
      return true
  }
}
