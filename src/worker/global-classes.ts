/** Classes of this runtime, in Node and elsewhere. */

/** The names of those of views. */
export const VIEWS: readonly string[] = [
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float16Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'DataView',
  'Buffer',
]

type Class = abstract new (...args: never[]) => object

/** A class of this runtime, by its name. */
export function globalClass<C = Class>(name: string): C | undefined {
  return (globalThis as Record<string, unknown>)[name] as C | undefined
}

/** What is the same to who writes packets and to who serializes, by the name of the class. */
export const COMMON_KINDS = {
  Object: 'object',
  Array: 'array',
  Map: 'map',
  Set: 'set',
  URL: 'url',
  ArrayBuffer: 'buffer',
  SharedArrayBuffer: 'sharedBuffer',
  ...(Object.fromEntries(VIEWS.map((name) => [name, 'view'])) as Record<string, 'view'>),
} as const

/** Kinds by the prototypes of their classes, as far as this runtime has these. */
export function byPrototype<Kind>(kinds: Readonly<Record<string, Kind>>): ReadonlyMap<unknown, Kind> {
  return new Map(
    Object.entries(kinds).flatMap(([name, kind]) => {
      const itsClass = globalClass(name)
      return itsClass === undefined ? [] : [[itsClass.prototype, kind] as const]
    }),
  )
}

/** The kind of what comes from another realm, such as a `vm` context, a frame of a page or a test runner's; undefined for all else. */
export function byTag<Kind>(value: object, prototype: object, kinds: Readonly<Record<string, Kind>>): Kind | undefined {
  const tag = Object.prototype.toString.call(value).slice('[object '.length, -1)
  const name = Object.hasOwn(prototype, 'constructor') ? (prototype.constructor as { name?: unknown }).name : undefined
  return name === tag && Object.hasOwn(kinds, tag) ? kinds[tag] : undefined
}

/** The name of the class of a view. */
export function viewType(view: ArrayBufferView): string {
  const buffer = globalClass<{ isBuffer?(value: unknown): boolean }>('Buffer')
  if (buffer?.isBuffer?.(view)) return 'Buffer'
  return (view as Uint8Array)[Symbol.toStringTag]
}
