import type { TaskInfo } from '../record/record.ts'
import type { TaskRun } from './task-run.ts'

/** How many failures are told of. */
const SAMPLE = 10
/** How many are kept: more, because some of them may still be asked for. */
const KEPT = 10 * SAMPLE

/** Failures that nobody has asked for. */
export class Unobserved {
  #count = 0
  readonly #kept: Set<TaskRun> = new Set()

  get count(): number {
    return this.#count
  }

  add(run: TaskRun): void {
    this.#count++
    if (this.#kept.size < KEPT) this.#kept.add(run)
  }

  remove(run: TaskRun): void {
    this.#count--
    this.#kept.delete(run)
  }

  get sample(): readonly TaskInfo[] {
    return [...this.#kept].slice(0, SAMPLE).map((run) => run.info)
  }
}
