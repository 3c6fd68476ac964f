// What every pool runs. Plain JavaScript: compiling TypeScript would count in the start of each worker.

/** @param {number} i */
export function noop(i) {
  return i
}

/** @param {number} i */
export function next(i) {
  return i + 1
}

/** @param {readonly number[]} values */
export function sum(values) {
  let total = 0
  for (const value of values) total += value
  return total
}

/**
 * Keeps the processor busy.
 * @param {number} ms
 */
export function burn(ms) {
  const end = performance.now() + ms
  while (performance.now() < end);
  return ms
}

/** @param {Uint8Array} bytes */
export function touch(bytes) {
  bytes[0]++
  return bytes
}

/** @param {string} text */
export function countWords(text) {
  /** @type {Map<string, number>} */
  const counts = new Map()
  for (const [word] of text.matchAll(/[a-z]+/g)) counts.set(word, (counts.get(word) ?? 0) + 1)
  return Object.fromEntries(counts)
}

/** Never ends. Declared async, by which poolifier knows that it has to wait. */
export async function hold() {
  return new Promise(() => {})
}
