import { task } from 'taps-sdk'

export const square = task(function square(x: number): number {
  return x * x
})

export const increment = task(function increment(x: number): number {
  return x + 1
})

export const add = task(function add(...xs: number[]): number {
  return xs.reduce((sum, x) => sum + x, 0)
})

/** Any function can be a task, one that waits too. */
export const simulate = task(async function simulate(seed: number): Promise<{ seed: number; energy: number }> {
  await null
  return { seed, energy: (seed - 5) ** 2 }
})

export const coldest = task(function coldest(results: readonly { seed: number; energy: number }[]): number {
  return results.reduce((best, result) => (result.energy < best.energy ? result : best)).seed
})
