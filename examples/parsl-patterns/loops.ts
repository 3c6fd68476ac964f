import type { Engine, TaskFuture } from 'taps-sdk'
import { coldest, increment, simulate } from './tasks.ts'

/** Loops: `map` calls a task for each element, and a loop around it builds rounds upon rounds, all of it before anything has run. */
export async function loops(engine: Engine): Promise<number[]> {
  const best: TaskFuture<number>[] = []
  let seeds: Iterable<number | TaskFuture<number>> = [1, 2, 3, 4]
  for (let round = 0; round < 3; round++) {
    best.push(engine.submit(coldest, engine.map(simulate, seeds)))
    seeds = engine.map(increment, seeds)
  }
  return Promise.all(best)
}
