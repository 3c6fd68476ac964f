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

/** From the worker: it is there. `[READY]`; with `tellsPlace` `[READY, host name, process id]` */
export const READY = 10
/** From the worker: what became of calls. `[RESULTS, lane, position of the first, base, [kind, µs, payload, …], packets]` */
export const RESULTS = 11
/** From the worker: a call that has a time limit begins. `[BEGUN, lane, position, timeout, killAfter]` */
export const BEGUN = 12
/** From the worker: the modules are imported. `[LOADED, id]`, and what that failed with */
export const LOADED = 13
/** From the worker: a task wrote a line. `[LINE, stream, text, task, task id, lane]`, -1 for what no running task wrote */
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

/** What a Python function returned, in the notation of `python/values.ts`; what goes beside it counts for the whole message. */
export const PYTHON_VALUE = 8

// --- Packs: several calls that are one job of a back end. A host, which the back end runs, gives them to hosted workers.

/** Calls of a client: `[PACK, client, [no, seq, attempt, args, …], tasks, packets]`; their positions count from 0. */
export const PACK = 30
/** To a hosted worker: the lane of the pack that follows, if it is not 0. `[PACK_TO, lane]` */
export const PACK_TO = 31
/** Calls of Python functions, which are run by the host: `[PYTHON_PACK, client, [no, seq, attempt, args, …], tasks]` */
export const PYTHON_PACK = 32
/** To a hosted worker: the time of the call that runs is up. `[TIME_UP, lane, position]` */
export const TIME_UP = 33

/** The first message of an answer: where the pack runs. `[HOST, host name, worker]` */
export const HOST = 20
/** The last one: all calls of the pack are answered. From a hosted worker `[PACKED, lane]` */
export const PACKED = 21
/** The last one: the worker has ended. `[CRASHED, how, [begun, first, results], its last output]` */
export const CRASHED = 22
/** The last one: the time of a call is up; those behind it have not begun. `[TIMED_OUT, position, [begun, first, results]]` */
export const TIMED_OUT = 23
/** The last one: no worker could be started, `config` if none ever can be. `[REFUSED, message, 'config' | 'crash']` */
export const REFUSED = 24
/** In between: calls from a position on will not begin here. `[GIVEN_BACK, from, first, results]` */
export const GIVEN_BACK = 25

/** How many numbers a call takes in `CALLS` and `PACK`. */
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
  /** Milliseconds for a call, from when it begins, which is told then (`BEGUN`); 0 if there is no limit. */
  timeout: number,
  /** Milliseconds that a body has to end in after its time is up; null if there is no limit. */
  killAfter: number | null,
  /** How to make the data plane of its engine; null where there is none. */
  plane: PlaneRecipe | null,
]

/** A `PACK` message. */
export type PackMessage = readonly [
  type: number,
  client: string,
  calls: readonly unknown[],
  tasks: readonly TaskMessage[],
  packets?: readonly number[],
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
  /** Whether it says where it is, because its client may not know. */
  readonly tellsPlace?: boolean
  /** What a worker knows that serves whoever sends packs. */
  readonly hosted?: HostedInit | undefined
}

/** Where a hosted worker finds tasks. */
export interface HostedInit {
  /** The only modules that it imports, as URLs or names of packages; null where messages may name others. */
  readonly modules: readonly string[] | null
  /** The folder that the ids of modules are relative to. */
  readonly root: string | null
  /** Where values may be kept; undefined where messages may say that. */
  readonly storage?: Storage | undefined
}

/** Where workers keep values for clients, whatever these say. */
export interface Storage {
  /** Folders. */
  readonly dirs: readonly string[]
  /** The Redis server of the queue, with its password. */
  readonly redis: string
}
