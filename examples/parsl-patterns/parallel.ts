import type { Engine } from 'taps-sdk'
import { add, increment, square } from './tasks.ts'

/** Parallel: two chains run side by side, and a task that has both as parents joins them. The graph is nowhere written down. */
export async function parallel(engine: Engine): Promise<number> {
  const left = engine.submit(square, engine.submit(increment, 2))
  const right = engine.submit(increment, engine.submit(square, 2))
  return engine.submit(add, left, right)
}
