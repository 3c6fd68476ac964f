import { types } from 'node:util'
import { shared } from './shared.ts'

/** Other than ArrayBuffers, these can be moved; none of them can be copied. */
const MOVABLE = ['MessagePort', 'ReadableStream', 'WritableStream', 'TransformStream'] as const

/**
 * Marks the memory of an argument or a result to be moved instead of copied: nothing is left of it here afterwards.
 * The ArrayBuffers of `value` itself, of views, and of what stands inside arrays, plain objects, Maps and Sets are marked.
 *
 * ```ts
 * engine.submit(blur, transfer(pixels))
 * ```
 * @returns the value
 */
export function transfer<T>(value: T): T {
  const { marked } = shared()
  const seen = new Set<unknown>()
  const open: unknown[] = [value]
  while (open.length > 0) {
    const next = open.pop()
    if (typeof next !== 'object' || next === null || seen.has(next)) continue
    seen.add(next)
    if (ArrayBuffer.isView(next)) marked.add(next.buffer)
    else if (types.isArrayBuffer(next)) marked.add(next)
    else for (const child of children(next)) open.push(child)
  }
  return value
}

/** Whether `transfer()` was called for it. */
export function isMarked(buffer: object): boolean {
  return shared().marked.has(buffer)
}

/** Whether it can go to another thread only by leaving this one. */
export function isMovable(value: object): boolean {
  return types.isArrayBuffer(value) || MOVABLE.some((name) => isInstanceOfGlobal(value, name))
}

/** Whether the global class of that name made it; there need not be one. */
export function isInstanceOfGlobal(value: object, name: string): boolean {
  const globalClass: unknown = (globalThis as Record<string, unknown>)[name]
  return typeof globalClass === 'function' && value instanceof globalClass
}

function children(value: object): Iterable<unknown> {
  if (types.isMap(value)) return [...value.keys(), ...value.values()]
  if (types.isSet(value)) return value
  if (Array.isArray(value)) return value
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null ? Object.values(value) : []
}
