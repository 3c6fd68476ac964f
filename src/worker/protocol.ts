/**
 * What a client and its workers say to each other. A message is JSON text, an array whose first element says what it is,
 * and objects beside it: bytes, and for threads what they share. Both ends are of one version of this library.
 */

import type { PlaneRecipe } from '../transformer/data-plane.ts'

/** From the client: calls for a lane. `[CALLS, lane, [no, seq, attempt, args, …], tasks, packets]` */
export const CALLS = 0
/** From the client: a call is to stop, or not to begin. `[ABORT, lane, position, reason]` */
export const ABORT = 1
/** From the client: modules to import. `[LOAD, id, tasks]` */
export const LOAD = 2
/** From the client: nothing more comes. `[END]` */
export const END = 3

/** From the worker: it is there. `[READY]` */
export const READY = 10
/** From the worker: what became of calls. `[RESULTS, lane, position of the first, base, [kind, µs, payload, …], packets]` */
export const RESULTS = 11
/** From the worker: a call that wants it told begins. `[BEGUN, lane, position]` */
export const BEGUN = 12
/** From the worker: the modules are imported. `[LOADED, id]`, and what that failed with */
export const LOADED = 13
/** From the worker: a task wrote a line. `[LINE, stream, text, task, task id]` */
export const LINE = 14
/** From the worker: it ends because of this. `[FATAL, failure]` */
export const FATAL = 15

/** What became of a call. The payload of each is JSON, or the number of a packet beside the message. */
export const VALUE = 0
/** `undefined`. */
export const NOTHING = 1
export const FAILURE = 2
export const VALUE_PACKET = 3
export const FAILURE_PACKET = 4
/** It did not begin, because the client took it back. */
export const SKIPPED = 5
/** A value or its identifier, with what the data plane did: a `MovedMessage`. */
export const MOVED = 6
export const MOVED_PACKET = 7

/** How many numbers a call takes in `CALLS`. */
export const CALL_PARTS = 4
/** How many a result takes in `RESULTS`. */
export const RESULT_PARTS = 3

/** A task as a worker is told of it, once: what is common to its calls. */
export type TaskMessage = readonly [
  no: number,
  module: string,
  name: string,
  ordinal: number,
  /** Of the ids of its engine; empty where there is none. */
  idPrefix: string,
  labels: Readonly<Record<string, number>>,
  /** Whether the client wants to know when a call begins, because it has a time limit. */
  announces: 0 | 1,
  /** How to make the data plane of its engine; null where there is none. */
  plane: PlaneRecipe | null,
]

/** What a worker is told first. */
export interface WorkerInit {
  readonly lanes: number
  readonly isThread: boolean
  /** Where the library of the client is, for what it needs besides. */
  readonly library: string
  /** A task to call before all others, with its arguments. */
  readonly initializer: TaskMessage | undefined
  readonly initializerArgs: readonly unknown[] | number
  /** Of the packet that the arguments of the initializer are, if they are one. */
  readonly packets: readonly number[]
}
