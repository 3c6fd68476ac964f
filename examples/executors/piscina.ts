import type { Piscina } from 'piscina'
import type { Executor } from 'taps-sdk'
import { referenceTo } from './reference.ts'

/** The worker file that the pool has to be made with: `new Piscina({ filename: piscinaWorker })`. */
export const piscinaWorker: string = new URL('piscina-worker.ts', import.meta.url).href

/** Runs tasks in the workers of a Piscina. */
export function piscinaExecutor(pool: Piscina): Executor {
  return {
    submit: (fn, ...args) => pool.run({ task: referenceTo(fn), args }),
    shutdown: () => pool.close(),
  }
}
