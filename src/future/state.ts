import { TapsError } from '../errors.ts'
import type { TaskStatus } from '../record/record.ts'

/** The life of a future as small integers, which cost no memory: a million of them may wait. */
export type State = 0 | 1 | 2 | 3 | 4 | 5 | 6

/** For parents, or for the delay before a retry. */
export const WAITING = 0
/** To run, for a free slot or limit. */
export const READY = 1
/** The body runs, or what it returned is joined, or the call was handed to an executor. */
export const RUNNING = 2
export const SUCCEEDED = 3
export const FAILED = 4
/** A parent failed; never ran. */
export const BLOCKED = 5
export const CANCELLED = 6

/** The public names, by state. */
export const STATUS: readonly TaskStatus[] = [
  'waiting',
  'ready',
  'running',
  'succeeded',
  'failed',
  'blocked',
  'cancelled',
]

/** The steps that there are, as bits: by the state before. Final states have none. */
const NEXT: readonly number[] = [
  // failed: the time is up, or the arguments cannot be read
  bits(READY, SUCCEEDED, FAILED, BLOCKED, CANCELLED),
  // failed: the executor is closed
  bits(RUNNING, FAILED, CANCELLED),
  // waiting: for a retry
  bits(WAITING, SUCCEEDED, FAILED, CANCELLED),
  0,
  0,
  0,
  0,
]

function bits(...states: State[]): number {
  return states.reduce<number>((sum, state) => sum | (1 << state), 0)
}

/** Whether nothing can change any more. */
export function isFinal(state: State): boolean {
  return state >= SUCCEEDED
}

/** Throws unless the step is one of a life as it should be: a fault of this library, never of its user. */
export function checkStep(task: { readonly id: string; readonly state: State }, to: State): void {
  if (((NEXT[task.state] as number) & (1 << to)) === 0) {
    throw new TapsError('ILLEGAL_STATE', `Task ${task.id}: ${STATUS[task.state]} -> ${STATUS[to]}`)
  }
}
