import { CancelledError } from '../../errors.ts'
import { type MovedMessage, movedFrom } from '../../transformer/moved.ts'
import { decode, type Packet } from '../../worker/codec.ts'
import { decodeFailure } from '../../worker/failure.ts'
import {
  FAILURE,
  FAILURE_PACKET,
  MOVED,
  MOVED_PACKET,
  NOTHING,
  SKIPPED,
  VALUE,
  VALUE_PACKET,
} from '../../worker/protocol.ts'
import type { Flight } from './flight.ts'
import type { TaskKind } from './task-kind.ts'

/**
 * Tells a call what became of it, as a worker said.
 * @param start - of its body, and `end`, in ms since the epoch
 * @returns false if it did not begin, and is still to run
 */
export function settle(
  flight: Flight,
  kind: number,
  payload: unknown,
  packets: readonly Packet[],
  start: number,
  end: number,
): boolean {
  const packet = (): Packet => packets[payload as number] as Packet
  switch (kind) {
    case VALUE:
      flight.end(true, payload, start, end)
      return true
    case NOTHING:
      flight.end(true, undefined, start, end)
      return true
    case VALUE_PACKET:
      succeedWith(flight, () => decode(packet()), start, end)
      return true
    case FAILURE:
      flight.end(false, decodeFailure(JSON.stringify(payload)), start, end)
      return true
    case FAILURE_PACKET:
      flight.end(false, decodeFailure(packet()), start, end)
      return true
    case MOVED:
      flight.end(true, movedFrom(payload as MovedMessage), start, end)
      return true
    case MOVED_PACKET:
      succeedWith(flight, () => movedFrom(decode(packet()) as MovedMessage), start, end)
      return true
    case SKIPPED:
      return skip(flight, start, end)
    default:
      throw new Error(`A worker answered with something unknown: ${kind}`)
  }
}

/** @param read - the value; what it throws is what the call fails with */
export function succeedWith(flight: Flight, read: () => unknown, start: number, end: number): void {
  let value: unknown
  try {
    value = read()
  } catch (error) {
    return flight.end(false, error, start, end)
  }
  flight.end(true, value, start, end)
}

/** Both sides may have seen that the other was about to: then nobody has it. @returns false if it is still to run */
export function skip(flight: Flight, start: number, end: number): boolean {
  if (flight.isRevoked) flight.end(false, undefined, start, end)
  else if (flight.isToldToStop) flight.end(false, new CancelledError(), start, end)
  else return false
  return true
}

/** Learns how long tasks take: once for all calls of a task in a row, whose mean says as much. */
export class Measurement {
  #kind: TaskKind | undefined = undefined
  #count = 0
  #sum = 0
  #longest = 0

  add(kind: TaskKind, micros: number): void {
    if (kind !== this.#kind) {
      this.close()
      this.#kind = kind
    }
    this.#count++
    this.#sum += micros
    if (micros > this.#longest) this.#longest = micros
  }

  /** After the last one of a message. */
  close(): void {
    if (this.#kind !== undefined && this.#count > 0) this.#kind.estimate.add(this.#sum / this.#count, this.#longest)
    this.#kind = undefined
    this.#count = this.#sum = this.#longest = 0
  }
}
