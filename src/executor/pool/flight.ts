import { CancelledError } from '../../errors.ts'
import type { RemoteCall, RemoteCalls, RemoteRun, WorkerPlace } from '../executor.ts'
import type { Queued } from '../ready-queue.ts'
import type { TaskKind } from './task-kind.ts'

/** What takes calls to a worker. */
export interface Carrier {
  /** Where the worker is, as soon as that is known. */
  readonly place: WorkerPlace | undefined
  /** Takes a call back. @returns whether it will never run */
  revoke(flight: Flight): boolean
  /** Tells a call to stop, or not to begin. */
  abort(flight: Flight, reason: unknown): void
}

/** A call in the hands of a pool: waiting for a lane, or sent to one. */
export class Flight implements Queued<Flight> {
  readonly call: RemoteCall
  readonly kind: TaskKind
  /** What it came with: it stays together with the others of its chunk. */
  readonly chunk: RemoteCalls | undefined
  /** Set once it was sent for the first time. */
  run: RemoteRun | undefined = undefined
  lane: Carrier | undefined = undefined
  /** Of its calls, counted by the lane. */
  position = 0
  /** What the lane counts it as, in microseconds. */
  load = 0
  /** The next call of its chunk, which goes to the same lane. */
  next: Flight | undefined = undefined
  /** How often it lost its worker before it had begun, to no fault of another call. */
  moves = 0
  timer: NodeJS.Timeout | undefined = undefined
  nextReady: Flight | undefined = undefined
  /** It is not to run, but may be on its way. */
  isRevoked = false
  /** It was told to stop, and may answer that it did not begin. */
  isToldToStop = false
  #hasEnded = false

  constructor(call: RemoteCall, kind: TaskKind, chunk?: RemoteCalls) {
    this.call = call
    this.kind = kind
    this.chunk = chunk
  }

  get priority(): number {
    return this.call.priority
  }

  /** Whether it, or another one of its chunk, is to be sent. */
  get isReady(): boolean {
    return !this.isOver || this.next !== undefined
  }

  /** Whether there is nothing to send any more. */
  get isOver(): boolean {
    return this.#hasEnded || this.isRevoked || (this.run === undefined && !this.call.isReady)
  }

  /** Takes it back if it has not begun, else tells it to stop. @returns whether it will never run */
  cancel(reason?: unknown): boolean {
    if (this.#hasEnded) return false
    if (this.isRevoked) return true
    if (this.lane === undefined || this.lane.revoke(this)) {
      this.isRevoked = true
      return true
    }
    this.isToldToStop = true
    this.lane.abort(this, reason ?? new CancelledError())
    return false
  }

  leave(): void {
    this.run ??= this.call.leave(this)
  }

  end(isSuccess: boolean, outcome: unknown, start: number, end: number): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    if (this.timer !== undefined) clearTimeout(this.timer)
    // Who took it back knows already.
    if (!this.isRevoked) this.run?.ended(isSuccess, outcome, start, end, this.lane?.place)
  }
}
