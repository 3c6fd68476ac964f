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

/** The name of the class of a view. */
export function viewType(view: ArrayBufferView): string {
  const buffer = globalClass<{ isBuffer?(value: unknown): boolean }>('Buffer')
  if (buffer?.isBuffer?.(view)) return 'Buffer'
  return (view as Uint8Array)[Symbol.toStringTag]
}
