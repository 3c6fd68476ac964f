import { fileURLToPath } from 'node:url'
import type { Executor } from 'taps-sdk'
import type { Pool } from 'workerpool'
import { referenceTo } from './reference.ts'

/** The worker file that the pool has to be made with: `workerpool.pool(workerpoolWorker)`. */
export const workerpoolWorker: string = fileURLToPath(new URL('workerpool-worker.ts', import.meta.url))

/** Runs tasks in the workers of a workerpool. */
export function workerpoolExecutor(pool: Pool): Executor {
  return {
    // In a promise of the language: the `cancel` of the pool's own kills the worker, and gives no answer.
    submit: (fn, ...args) => Promise.resolve(pool.exec('run', [referenceTo(fn), args])),
    shutdown: async () => void (await pool.terminate()),
  }
}
