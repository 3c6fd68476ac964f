import { DependencyError, type TaskName, withoutStack } from '../errors.ts'
import type { BaseFuture } from '../future/future.ts'

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
