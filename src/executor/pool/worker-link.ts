import type { LedgerReader } from '../../worker/ledger.ts'
import type { WorkerInit } from '../../worker/protocol.ts'
import type { WorkerPlace } from '../executor.ts'

/** How a worker ended. */
export interface WorkerExit {
  /** In words that follow "the worker": `exited with code 1`, `was killed by SIGKILL`. */
  readonly how: string
  /** The error that ended it, if it is known. */
  readonly cause?: unknown
  /** Whether there is no use in starting another one, because it could never start. */
  readonly isHopeless?: boolean
}

/** What a link tells. */
export interface LinkListener {
  received(text: string, beside: readonly object[]): void
  /** What was written past the worker's own streams: by a program that it started, or by native code. */
  wrote(stream: 'stdout' | 'stderr', line: string): void
  /** Once, after all that the worker has said before. */
  exited(exit: WorkerExit): void
}

/** The client's end of a connection to one worker: a thread, a process, or whatever else speaks the protocol. */
export interface WorkerLink {
  /** For people: the id of the thread or process. */
  readonly id: number
  /** The same with the machine, as records and errors name it. */
  readonly place: WorkerPlace
  /** One for each lane; none where nothing outlives the worker. */
  readonly ledgers: readonly LedgerReader[]
  /** Whether the buffers that are sent are not here any more. */
  readonly takesAway: boolean
  send(text: string, beside?: readonly object[]): void
  /** Whether the program has to stay alive for it. */
  hold(isHeld: boolean): void
  /** Ends it at once, whatever it does. */
  kill(): void
}

/** Starts a worker. */
export type StartWorker = (
  init: Omit<WorkerInit, 'isThread'>,
  beside: readonly object[],
  listener: LinkListener,
  group: string,
) => WorkerLink
