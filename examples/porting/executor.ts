import type { Executor } from 'taps-sdk'
import type { Pool } from './pool.ts'

/** The pool, as this library wants an executor. A cast, because the compiler does not know that what is awaited of `R` is the same here and there. */
export function asExecutor(pool: Pool): Executor {
  return { submit: (fn, ...args) => pool.submit(() => fn(...args)) as Promise<never> }
}
