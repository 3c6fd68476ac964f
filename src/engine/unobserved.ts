import type { TaskInfo } from '../record/record.ts'
import type { TaskRun } from './task-run.ts'

/** How many failures are kept for the report. */
const SAMPLE = 10

/** Failures that nobody has asked for. */
export class Unobserved {
  #count = 0
  readonly #sample: Set<TaskRun> = new Set()

  get count(): number {
    return this.#count
  }

  add(run: TaskRun): void {
    this.#count++
    if (this.#sample.size < SAMPLE) this.#sample.add(run)
  }

  remove(run: TaskRun): void {
    this.#count--
    this.#sample.delete(run)
  }

  get sample(): readonly TaskInfo[] {
    return [...this.#sample].map((run) => run.info)
  }
}
