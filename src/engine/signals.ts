import type { TaskRun } from './task-run.ts'

/** The tasks that a signal cancels: one listener for all of them, since a runtime searches its list of listeners each time. */
export class Signals {
  readonly #runs: Map<AbortSignal, { readonly runs: Set<TaskRun>; readonly abort: () => void }> = new Map()

  /** Cancels a task when the signal is aborted. */
  add(signal: AbortSignal, run: TaskRun): void {
    let entry = this.#runs.get(signal)
    if (entry === undefined) {
      const runs = new Set<TaskRun>()
      const abort = (): void => {
        this.#runs.delete(signal)
        for (const each of runs) each.cancel(signal.reason)
      }
      entry = { runs, abort }
      this.#runs.set(signal, entry)
      signal.addEventListener('abort', abort, { once: true })
    }
    entry.runs.add(run)
  }

  /** The task has ended; with the last one the listener goes. */
  remove(signal: AbortSignal, run: TaskRun): void {
    const entry = this.#runs.get(signal)
    if (entry === undefined) return
    entry.runs.delete(run)
    if (entry.runs.size > 0) return
    this.#runs.delete(signal)
    signal.removeEventListener('abort', entry.abort)
  }
}
