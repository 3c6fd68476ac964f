import { setImmediate as nextLoop } from 'node:timers/promises'

/** Frees what is not used. Twice, because finalizers may keep things until the second time. */
export async function collectGarbage(): Promise<void> {
  if (globalThis.gc === undefined) throw new Error('Run with --expose-gc')
  for (let i = 0; i < 2; i++) {
    await nextLoop()
    globalThis.gc()
  }
}

/**
 * The mean time of a run in ms: several in a row, after others that warm up the compiler, so that each pays for the
 * garbage of the one before. Garbage is not collected by force in between: V8 throws optimized code away whose objects
 * are gone, and the next run would measure the compiler.
 */
export async function timed(run: () => Promise<void>, { warmUps = 3, runs = 7, warmUp = run } = {}): Promise<number> {
  for (let i = 0; i < warmUps; i++) await warmUp()
  const start = performance.now()
  for (let i = 0; i < runs; i++) await run()
  return (performance.now() - start) / runs
}

/** Stops a benchmark that did not do its work. */
export function check(actual: number, expected: number): void {
  if (actual !== expected) throw new Error(`Computed ${actual}, not ${expected}`)
}

/** 0 + 1 + … + (n − 1) */
export function sumBelow(n: number): number {
  return (n * (n - 1)) / 2
}

/**
 * The mean time of a run in ms, of as many as fit into the given time, at least one: where one library needs a hundred
 * times as long as another.
 */
export async function timedFor(leastMs: number, run: () => Promise<void>): Promise<number> {
  const start = performance.now()
  let runs = 0
  let ms = 0
  do {
    await run()
    runs++
    ms = performance.now() - start
  } while (ms < leastMs)
  return ms / runs
}
