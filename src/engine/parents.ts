import type { BaseFuture } from '../future/future.ts'
import type { Scheduler } from './scheduler.ts'
import type { TaskRun } from './task-run.ts'

/** Parents as they are remembered: by the sequence number in the same engine, by the id in another one. */
export type ParentKeys = undefined | number | string | readonly (number | string)[]

/** The parents by their keys, each once. */
export function parentKeys(scheduler: Scheduler, futures: readonly BaseFuture<unknown>[]): ParentKeys {
  if (futures.length === 1) return keyOf(scheduler, futures[0] as BaseFuture<unknown>)
  const keys = new Set<number | string>()
  for (const future of futures) {
    const key = keyOf(scheduler, future)
    if (key !== undefined) keys.add(key)
  }
  return keys.size === 0 ? undefined : [...keys]
}

function keyOf(scheduler: Scheduler, { origin }: BaseFuture<unknown>): number | string | undefined {
  const run = origin as Partial<TaskRun>
  if (run.plan?.scheduler === scheduler) return run.seq
  return origin.id === '' ? undefined : origin.id
}

export function parentIds(parents: ParentKeys, toId: (key: number | string) => string): string[] {
  if (parents === undefined) return []
  return typeof parents === 'object' ? parents.map(toId) : [toId(parents)]
}
