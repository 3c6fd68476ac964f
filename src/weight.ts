/** How the garbage collector learns of what is not on its heap. */

/** Below that the objects themselves are reason enough. */
const LEAST = 65_536

const weights: WeakMap<object, ArrayBuffer> = new WeakMap()
/** There was no room for a weight: to ask again costs several collections each time. */
let isFull = false

/** What the library's language version does not know of buffers yet. */
type Resizable = new (length: number, options: { maxByteLength: number }) => ArrayBuffer

/**
 * Lets an object weigh so many bytes: the collector then runs as often as if it had them. Without that, what a small object stands
 * for (shared memory, a file, a value in a data base) may pile up to gigabytes before anybody finds that the object is gone.
 */
export function weigh(object: object, bytes: number): void {
  if (bytes < LEAST || isFull || weights.has(object)) return
  try {
    // Resizable ones are addresses only, until somebody writes to them; others may be memory that was used before, and is cleared.
    weights.set(object, new (ArrayBuffer as Resizable)(bytes, { maxByteLength: bytes }))
  } catch {
    // No addresses left, or too many bytes for one buffer: then it is found later.
    isFull = true
  }
}
