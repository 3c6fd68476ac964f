import { task } from 'taps-sdk'
import { type NdArray, pythonTask } from 'taps-sdk/python'

// In TypeScript.

export const wordLengths = task(function wordLengths(text: string): number[] {
  return [...text.matchAll(/\p{L}+/gu)].map(([word]) => word.length)
})

/** How often each length occurs, from 1 on. */
export const histogram = task(function histogram(lists: readonly (readonly number[])[]): Float64Array {
  const lengths = lists.flat()
  const counts = new Float64Array(Math.max(...lengths))
  for (const length of lengths) counts[length - 1] = (counts[length - 1] ?? 0) + 1
  return counts
})

export const flatten = task(function flatten(lists: readonly (readonly number[])[]): number[] {
  return lists.flat()
})

export const describe = task(function describe(mean: number, deviation: number): string {
  return `words have ${mean.toFixed(2)} letters, give or take ${deviation.toFixed(2)}`
})

export const bars = task(function bars(shares: Float64Array): string[] {
  return Array.from(shares, (share, i) => `${`${i + 1}`.padStart(2)}  ${'█'.repeat(Math.round(40 * share))}`.trimEnd())
})

export const sizeOf = task(function sizeOf({ shape, dtype }: NdArray): string {
  return `${shape.join(' × ')} ${dtype}`
})

// In Python: functions of its library, and of packages that are installed there. Those of your own need their folder on
// PYTHONPATH (`env`).

export const mean = pythonTask<[readonly number[]], number>('statistics:mean')
export const deviation = pythonTask<[readonly number[]], number>('statistics:stdev')
export const versionOf = pythonTask<[pack: string], string>('importlib.metadata:version')

/** Typed arrays are NumPy arrays there, and come back as typed arrays. */
export const divide = pythonTask<[Float64Array, number], Float64Array>('numpy:divide')
/** Those of several dimensions are data with a shape. */
export const outer = pythonTask<[Float64Array, Float64Array], NdArray<Float64Array>>('numpy:outer')
