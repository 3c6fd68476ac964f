import { asCompleted, type Engine } from 'taps-sdk'
import { square } from './tasks.ts'

/** Bag of tasks: many calls that know nothing of each other. What is done first is used first. */
export async function bagOfTasks(engine: Engine): Promise<number> {
  const bag = [1, 2, 3, 4, 5].map((x) => engine.submit(square, x))
  let total = 0
  for await (const { future } of asCompleted(bag)) total += await future
  return total
}
