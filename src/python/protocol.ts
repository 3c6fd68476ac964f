/**
 * What the client and its Python program say to each other, in frames on standard input and output; see `program/protocol.py`. A message
 * is a JSON array whose first element says what it is.
 */

/** To the program, first of all: its own sources. `[SOURCES, texts by file name]` */
export const SOURCES = 39
/** To the program: `[START, StartMessage]` */
export const START = 40
/** A pack, as the frame beside it. `[SEND, id, whether it is alone]` */
export const SEND = 41
/** Nobody wants it any more. `[CANCEL, id]` */
export const CANCEL = 42
/** A call is to stop; beside it the frame for its worker. `[ABORT_CALL, id, position]` */
export const ABORT_CALL = 43
/** Start so many workers, and give each the frame beside it. `[WARMUP, number, workers]` */
export const WARMUP = 44
/** `[PROGRAM_END, { cancel }]` */
export const PROGRAM_END = 45

/** From the program: `[PROGRAM_READY, ReadyMessage]` */
export const PROGRAM_READY = 50
/** How many packs it runs at the same time. `[SLOTS, count]` */
export const SLOTS = 51
/** The whole answer to a pack, as frames beside it. `[ANSWER, id]` */
export const ANSWER = 52
/** A part of the answer, before its end. `[EARLY, id]` */
export const EARLY = 53
/** Who ran it is gone. `[LOST, id, how, host, [begun, first, results], traceback, worker]` */
export const LOST = 54
/** It never began. `[NOT_RUN, id]` */
export const NOT_RUN = 55
/** Somebody wrote a line. `[WROTE, stream, line, host, worker]` */
export const WROTE = 56
/** It cannot go on because of this. `[FATAL_ERROR, kind, message, traceback]` */
export const FATAL_ERROR = 57
/** Beside it what a worker answers. `[WARMED, number, { message, traceback }]`, or null there */
export const WARMED = 58
/** `[EVENT, 'workerStarted', host, worker]`, `[EVENT, 'workerExited', host, worker, how]` */
export const EVENT = 59

/** What the program is started with. */
export interface StartMessage {
  /** A back end by its short name, or `module:callable`, which gives a `concurrent.futures.Executor`. */
  readonly factory: string
  /** Those of the back end. */
  readonly options: Readonly<Record<string, unknown>>
  /** How workers are started on the other side. */
  readonly host: HostMessage
  /** The first message to each worker. */
  readonly hostInit: string
  /** The program of a worker. */
  readonly workerSource: string
}

/** How workers are started on the other side. */
export interface HostMessage {
  readonly node: string
  readonly execArgv: readonly string[]
  /** The folder here that `folder` stands for. */
  readonly root: string
  /** Where they start; null for wherever the back end's own worker is. */
  readonly folder: string | null
  readonly env: Readonly<Record<string, string | undefined>>
  /** In ms; null for never. */
  readonly idleTimeout: number | null
}

/** What the program says once the back end is there. */
export interface ReadyMessage {
  /** How many packs may be on their way at the same time. */
  readonly slots: number
  /** The interpreter. */
  readonly python: string
  /** What runs the packs: `dask.distributed`, and its version. */
  readonly backend: string
  readonly version: string
  /** The machine that the program runs on. */
  readonly hostname: string
  /** Of the scheduler, or the head. */
  readonly address?: string | null
  /** Where the back end keeps what it logs. */
  readonly logs?: string | null
}
