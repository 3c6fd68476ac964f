import { DependencyError, type TaskName, withoutStack } from '../errors.ts'
import type { BaseFuture } from '../future/future.ts'
import type { ExecutionInfo } from '../record/record.ts'
import type { ParentKeys } from './history.ts'
import type { Scheduler } from './scheduler.ts'
import type { TaskRun } from './task-run.ts'

/** The longest path in a `DependencyError`, so that an error does not grow with the depth of the graph. */
const LONGEST_PATH = 20

/** Stands for what was left out of a path. */
interface Gap extends TaskName {
  readonly leftOut: number
}

/** The error of a child whose parent failed. */
export function dependencyError(child: BaseFuture<unknown>, parent: BaseFuture<unknown>): DependencyError {
  const path = shorten([{ id: child.id, name: child.taskName }, ...parent.failurePath])
  return withoutStack(() => new DependencyError(path, parent.failureCause))
}

function shorten(path: readonly TaskName[]): readonly TaskName[] {
  if (path.length <= LONGEST_PATH) return path
  const half = LONGEST_PATH / 2
  const middle = path.slice(half, 1 - half)
  const leftOut = middle.reduce((sum, task) => sum + ((task as Partial<Gap>).leftOut ?? 1), 0)
  const gap: Gap = { id: '', name: `… ${leftOut} more …`, leftOut }
  return [...path.slice(0, half), gap, ...path.slice(1 - half)]
}

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

/** In this process nothing is transformed on the way. */
export function executionInfo(start: number, end: number): ExecutionInfo {
  return {
    hostname: hostname(),
    executionStartTime: start,
    executionEndTime: end,
    taskStartTime: start,
    taskEndTime: end,
    inputTransformStartTime: start,
    inputTransformEndTime: start,
    resultTransformStartTime: end,
    resultTransformEndTime: end,
  }
}

let host: string | undefined

function hostname(): string {
  if (host === undefined) {
    const { process } = globalThis as { process?: { getBuiltinModule?(id: string): unknown } }
    const os = process?.getBuiltinModule?.('node:os') as { hostname(): string } | undefined
    host = os?.hostname() ?? 'localhost'
  }
  return host
}
