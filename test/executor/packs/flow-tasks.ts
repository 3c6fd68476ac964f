// Tasks that tell when they began and ended, by a clock that all processes share.
import { setTimeout as sleep } from 'node:timers/promises'
import { task } from '../../../src/index.ts'

const pause = new Int32Array(new SharedArrayBuffer(4))

/** Takes so many milliseconds, and keeps its worker from everything else meanwhile. @returns when it ended */
export const take = task(function take(ms: number): number {
  if (ms > 0) Atomics.wait(pause, 0, 0, ms)
  return Date.now()
})

/** The same for a worker that may do something else meanwhile. */
export const takeQuietly = task(async function takeQuietly(ms: number): Promise<number> {
  if (ms > 0) await sleep(ms)
  return Date.now()
})
