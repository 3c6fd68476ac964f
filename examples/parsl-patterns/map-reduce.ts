import type { Engine, TaskFuture } from 'taps-sdk'
import { add, square } from './tasks.ts'

/** MapReduce: a task for each element, then a tree of tasks, each of which joins two results. */
export async function mapReduce(engine: Engine): Promise<number> {
  let parts: TaskFuture<number>[] = engine.map(square, [1, 2, 3, 4, 5, 6, 7])
  while (parts.length > 1) {
    const [first, second, ...rest] = parts as [TaskFuture<number>, TaskFuture<number>]
    parts = [...rest, engine.submit(add, first, second)]
  }
  return parts[0] as TaskFuture<number>
}
