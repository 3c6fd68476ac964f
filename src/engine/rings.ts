import { TapsError } from '../errors.ts'
import type { BaseFuture } from '../future/future.ts'
import type { TaskRun } from './task-run.ts'

/** Whether any of the futures waits, directly or not, for `run`: if `run` waited for it, neither would ever end. */
export function closesRing(run: TaskRun, futures: Iterable<BaseFuture<unknown>>): boolean {
  const open: BaseFuture<unknown>[] = []
  for (const { origin } of futures) {
    if (origin === run) return true
    open.push(origin)
  }
  // Nobody waits for the run: then there is no ring, and nothing to search.
  if (run.dependents === undefined && run.observers === undefined) return false
  const seen = new Set<BaseFuture<unknown>>()
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === run) return true
    if (seen.has(next) || next.done()) continue
    seen.add(next)
    for (const awaited of next.waitsFor()) open.push(awaited.origin)
  }
  return false
}

export function ringError(run: TaskRun): TapsError {
  return new TapsError(
    'JOIN_CYCLE',
    `Task ${run.taskName} (${run.id}) would wait for itself: the future it returned or awaits is its own, or waits for it`,
  )
}
