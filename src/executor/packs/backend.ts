import type { LedgerState } from '../../worker/ledger.ts'
import type { TaskMessage } from '../../worker/protocol.ts'
import type { WorkerPlace } from '../executor.ts'
import type { OutputLine } from '../output-file.ts'

/** Several calls that are one job, or one task, of a back end. */
export interface OutgoingPack {
  /** Counts the packs of an executor, from 1. */
  readonly id: number
  /** How many calls it has. */
  readonly calls: number
  /** A `PACK` message, or a `PYTHON_PACK`; see `protocol.ts`. */
  readonly text: string
  /** ArrayBuffers that go beside the text. */
  readonly beside: readonly object[]
  /** Whether no other call waits or is on its way: then its results are to come the shortest way, whatever work that makes. */
  readonly isAlone: boolean
}

/** How it ends with a pack. */
export type PackEnd =
  /** Its last message, which says how it went, was told. */
  | { readonly kind: 'answered' }
  /** The back end never began with it. */
  | { readonly kind: 'notRun' }
  /** Who ran it is gone. */
  | {
      readonly kind: 'lost'
      /** In words that follow "the worker": `was killed by SIGKILL`. */
      readonly how: string
      readonly cause?: unknown
      readonly host?: string | undefined
      readonly worker?: string | undefined
      /** How far it was, if that is known. */
      readonly state?: LedgerState | undefined
    }
  /** It cannot be sent at all: each of its calls fails with this. */
  | { readonly kind: 'refused'; readonly error: unknown }

/** What a back end tells. */
export interface BackendListener {
  /** How many packs it runs at the same time: as soon as that is known, and whenever it changes. Before that nothing is sent. */
  slots(count: number): void
  /** A message of the answer to a pack, early or at its end. */
  frames(id: number, text: string, beside: readonly object[]): void
  /** Once for each pack. */
  ended(id: number, end: PackEnd): void
  /** It could not be started, or is gone: what is on its way, or waits, fails with this error. The next call starts it again. */
  failed(error: unknown): void
  /** What a task, or what runs beside it, wrote. */
  wrote(line: OutputLine): void
  workerStarted(worker: WorkerPlace): void
  workerExited(worker: WorkerPlace, how: string): void
}

/** What carries packs to workers that are not this library's own: a queue, a cluster. */
export interface Backend {
  /** Connects, when there is something to do for the first time; again after it `failed`. */
  start(listener: BackendListener): void
  send(pack: OutgoingPack): void
  /** Nobody wants the pack any more: if it has not begun, it `ended` with `notRun`; else it ends as it would. */
  cancel(id: number): void
  /** The call at a position of a pack is to stop, or not to begin. @param reason - as `[1, 0, position, json, counts]` and what goes beside */
  abort(id: number, position: number, text: string, beside: readonly object[]): void
  /** Whether the program has to stay alive for it. */
  hold(isHeld: boolean): void
  /** Starts workers, or waits until they run so many packs at the same time, and has them import the modules of these tasks. */
  warmup(tasks: readonly TaskMessage[], slots: number): Promise<void>
  /** Ends what it has started; what it only connected to stays. Once: no packs are on their way then, unless they are given up. */
  close(): Promise<void>
}
