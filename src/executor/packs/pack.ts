import { systemClock } from '../../clock.ts'
import { CancelledError, messageOf, WorkerCrashedError } from '../../errors.ts'
import { Packing, sendValue, unpack } from '../../worker/channel.ts'
import type { Packet } from '../../worker/codec.ts'
import { encodeFailure } from '../../worker/failure.ts'
import type { LedgerState } from '../../worker/ledger.ts'
import {
  ABORT,
  PACK,
  PYTHON_PACK,
  PYTHON_VALUE,
  RESULT_PARTS,
  SKIPPED,
  type TaskMessage,
} from '../../worker/protocol.ts'
import { at, type RemoteCall, type WorkerPlace } from '../executor.ts'
import type { Carrier, Flight } from '../pool/flight.ts'
import { type Measurement, settle, succeedWith } from '../pool/outcome.ts'
import type { Backend, OutgoingPack } from './backend.ts'
import { type ForeignCodec, isForeignPacket } from './foreign.ts'

/** Calls of a pack, at the most. */
export const MOST_CALLS = 2000
/** Characters or bytes of arguments, at the most; a call that has more goes alone. */
const MOST_BYTES = 1_048_576

/** Several calls on their way as one job of a back end. Their positions count from 0. */
export class Pack implements Carrier {
  readonly id: number
  /** Whether its calls are functions of another language. */
  isForeign = false
  readonly #backend: Backend
  readonly #foreign: ForeignCodec | undefined
  /** Undefined once a call is over, or given back. */
  readonly #flights: (Flight | undefined)[] = []
  #open = 0
  #size = 0
  /** Microseconds of work. */
  load = 0
  place: WorkerPlace | undefined = undefined
  sentAt = 0
  /** Milliseconds in bodies, as far as that was told. */
  ranFor = 0
  /** What the worker said before it ended. */
  #fatal: unknown

  /** @param foreign - for functions of another language */
  constructor(id: number, backend: Backend, foreign: ForeignCodec | undefined) {
    this.id = id
    this.#backend = backend
    this.#foreign = foreign
  }

  get calls(): number {
    return this.#flights.length
  }

  /** Whether nobody waits for it any more. */
  get isSettled(): boolean {
    return this.#open === 0
  }

  get isFull(): boolean {
    return this.#flights.length >= MOST_CALLS || this.#size >= MOST_BYTES
  }

  /** Whether there is room for the arguments of one more. */
  hasRoomFor({ call }: Flight): boolean {
    return this.#size + sizeOf(call) <= MOST_BYTES
  }

  add(flight: Flight, load: number): void {
    flight.leave()
    flight.lane = this
    flight.load = load
    flight.position = this.#flights.push(flight) - 1
    this.#open++
    this.load += load
    this.#size += sizeOf(flight.call)
  }

  /** @param client - whose tasks these are: their numbers are its own */
  message(client: string, isAlone: boolean): OutgoingPack {
    const packing = new Packing()
    const tasks = new Map<number, TaskMessage>()
    const calls = this.#flights.map((flight) => {
      const { kind, call } = flight as Flight
      tasks.set(kind.no, kind.message)
      return `${kind.no},${call.seq},${call.attempts},${argsOf(call.payload, packing)}`
    })
    const counts = packing.counts.length === 0 ? '' : `,${JSON.stringify(packing.counts)}`
    const type = this.isForeign ? PYTHON_PACK : PACK
    const text = `[${type},${JSON.stringify(client)},[${calls.join()}],${JSON.stringify([...tasks.values()])}${counts}]`
    return { id: this.id, calls: calls.length, text, beside: packing.beside, isAlone }
  }

  // --- What becomes of its calls

  /**
   * @param base - when the first of them began, in ms since the epoch, by the worker's clock
   * @returns calls that did not begin, and are still to run
   */
  receive(
    [first, base, results, counts]: readonly [number, number, readonly unknown[], (readonly number[])?],
    beside: readonly object[],
    measurement: Measurement,
  ): Flight[] {
    const packets = unpack(counts ?? [], this.isForeign ? [] : beside)
    const notBegun: Flight[] = []
    const from = base + this.#skew(base, (results.at(1 - RESULT_PARTS) as number) / 1000)
    let [position, start] = [first, 0]
    for (let i = 0; i < results.length; i += RESULT_PARTS) {
      const kind = results[i] as number
      const end = results[i + 1] as number
      const payload = results[i + 2]
      const flight = this.#flights[position]
      if (flight !== undefined) {
        const began = from + start / 1000
        const ended = from + end / 1000
        if (kind !== SKIPPED) measurement.add(flight.kind, end - start)
        this.ranFor += (end - start) / 1000
        if (kind === PYTHON_VALUE) succeedWith(flight, () => this.#foreign?.decode(payload, beside), began, ended)
        else if (!settle(flight, kind, payload, packets, began, ended)) notBegun.push(flight)
        // Afterwards: what makes no sense leaves it open, to fail with the others.
        this.#take(position)
      }
      start = end
      position++
    }
    measurement.close()
    return notBegun
  }

  /** Two machines, two clocks: nothing began before it was sent, or has ended before now. In ms. */
  #skew(base: number, length: number): number {
    const now = systemClock.now()
    if (base + length > now) return now - base - length
    return Math.max(this.sentAt - base, 0)
  }

  #take(position: number): Flight | undefined {
    const flight = this.#flights[position]
    if (flight === undefined) return undefined
    this.#flights[position] = undefined
    this.#open--
    return flight
  }

  /** What a ledger had that was not sent. @returns calls that did not begin, and are still to run */
  receiveLedger({ first, results }: LedgerState, measurement: Measurement): Flight[] {
    const list = recordsOf(results)
    const base = systemClock.now() - (Number(list.at(1 - RESULT_PARTS)) || 0) / 1000
    return this.receive([first, base, list], [], measurement)
  }

  failed(failure: unknown): void {
    this.#fatal = failure
  }

  /** The worker is dead: what it had finished is told, the call that ran fails. @returns calls that had not begun */
  crashed(how: string, state: LedgerState, output: string, measurement: Measurement): Flight[] {
    const skipped = this.receiveLedger(state, measurement)
    let wasRunning = false
    for (let position = 0; position < state.begun; position++) {
      const flight = this.#take(position)
      if (flight === undefined) continue
      wasRunning = true
      this.#fail(flight, this.#crash(`The worker that ran ${flight.kind.name} ${how}`, output, this.#fatal))
    }
    const rest = [...skipped, ...this.giveBack(0)]
    if (!wasRunning) for (const flight of rest) flight.moves++
    return rest
  }

  /** Nobody knows how far it was. */
  lost(how: string, cause: unknown): void {
    for (const flight of this.giveBack(0)) {
      const text = `The worker that had ${flight.kind.name} ${how}; whether the call had begun is not known`
      this.#fail(flight, this.#crash(text, '', cause))
    }
  }

  #crash(text: string, output: string, cause: unknown): WorkerCrashedError {
    const reason = cause === undefined || cause === null ? '' : `: ${messageOf(cause)}`
    const said = output.trim() === '' ? '' : `\nIt wrote last: ${output.trim()}`
    return new WorkerCrashedError(
      `${text}${at(this.place)}${reason}${said}`,
      cause === undefined ? undefined : { cause },
    )
  }

  /** The time of a call is up. @returns calls that did not begin */
  timedOut(position: number, state: LedgerState, measurement: Measurement): Flight[] {
    const skipped = this.receiveLedger(state, measurement)
    const flight = this.#take(position)
    flight?.run?.timeUp(this.place)
    if (flight !== undefined) this.#fail(flight, new CancelledError())
    return [...skipped, ...this.giveBack(0)]
  }

  /** Every call that is still open fails. */
  fail(error: unknown): void {
    for (const flight of this.giveBack(0)) this.#fail(flight, error)
  }

  #fail(flight: Flight, error: unknown): void {
    const now = systemClock.now()
    flight.end(false, error, now, now)
  }

  /** @returns calls from a position on, which will not begin here */
  giveBack(from: number): Flight[] {
    const rest: Flight[] = []
    for (let position = from; position < this.#flights.length; position++) {
      const flight = this.#take(position)
      if (flight !== undefined) rest.push(flight)
    }
    return rest
  }

  // --- Taking calls back

  /** Nobody on this side knows whether it has begun. */
  revoke(): boolean {
    return false
  }

  abort({ position }: Flight, reason: unknown): void {
    // Its time is up: its host knows.
    if (this.#flights[position] === undefined) return
    if (this.#flights.every((flight) => flight === undefined || flight.isToldToStop)) this.#backend.cancel(this.id)
    const send = (text: string, beside: readonly object[] = []): void =>
      this.#backend.abort(this.id, position, text, beside)
    sendValue({ send }, `${ABORT},0,${position}`, encodeFailure(reason, false))
  }
}

function sizeOf({ payload }: RemoteCall): number {
  return typeof payload === 'string' ? payload.length : payload.size
}

/** Results as a ledger has them, up to one that was not written to its end. */
function recordsOf(results: readonly string[]): readonly unknown[] {
  const list: unknown[] = []
  for (const result of results) {
    const parts = parsed(`[${result}]`)
    if (parts?.length !== RESULT_PARTS) break
    list.push(...parts)
  }
  return list
}

function parsed(text: string): readonly unknown[] | undefined {
  try {
    return JSON.parse(text) as readonly unknown[]
  } catch {
    return undefined
  }
}

function argsOf(payload: string | Packet, packing: Packing): string {
  if (typeof payload === 'string') return payload
  if (!isForeignPacket(payload)) return String(packing.add(payload))
  const first = packing.beside.length
  packing.beside.push(...payload.beside)
  return payload.textAt(first)
}
