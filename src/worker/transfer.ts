import * as types from 'node:util/types'
import { shared } from '../shared.ts'

/**
 * Marks the memory of an argument or a result to be moved instead of copied: nothing is left of it here afterwards.
 * ArrayBuffers are marked: `value` itself, those of views, and what stands inside arrays, plain objects, Maps and Sets.
 * Ports always move, and shared memory never does.
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

function children(value: object): Iterable<unknown> {
  if (types.isMap(value)) return [...value.keys(), ...value.values()]
  if (types.isSet(value)) return value
  if (Array.isArray(value)) return value
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null ? Object.values(value) : []
}
