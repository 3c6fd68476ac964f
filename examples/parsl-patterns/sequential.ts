import type { Engine } from 'taps-sdk'
import { increment, square } from './tasks.ts'

/** Sequential: each task is given the future of the one before it. The whole chain is submitted at once; nothing is awaited in between. */
export async function sequential(engine: Engine): Promise<number> {
  const first = engine.submit(increment, 1)
  const second = engine.submit(square, first)
  return engine.submit(increment, second)
}
