import { lastReading, systemClock } from '../../clock.ts'
import { SerializationError, type WorkerCrashedError } from '../../errors.ts'
import { Fifo } from '../../fifo.ts'
import { Packing, sendValue, unpack } from '../../worker/channel.ts'
import type { Packet } from '../../worker/codec.ts'
import { encodeFailure } from '../../worker/failure.ts'
import { ABORT, CALLS, RESULT_PARTS, SKIPPED } from '../../worker/protocol.ts'
import type { WorkerPlace } from '../executor.ts'
import { type Carrier, Flight } from './flight.ts'
import { handOut } from './hand-out.ts'
import { Measurement, settle } from './outcome.ts'
import type { PoolWorker } from './pool-worker.ts'

/** Microseconds of work that a lane holds, at the most. */
export const FULL = 1000
/** What a call counts as that is long, or of which nothing is known: it has the lane to itself. */
export const ALONE = 1e9
/** Calls that a lane holds, at the most: see `SharedLedger` for why there is a bound. */
const MOST_CALLS = 2000
/** Characters or bytes of arguments that it holds, at the most; one call may have more. */
const MOST_TEXT = 262_144

const NONE: readonly Flight[] = []

/** What a worker runs one after the other, in the order in which it was sent; results come back in that order. */
export class Lane implements Carrier {
  readonly worker: PoolWorker
  readonly no: number
  /** Sent, or about to be. */
  #flights: Fifo<Flight> = new Fifo()
  /** Microseconds of work that it holds. */
  load = 0
  /** Characters or bytes of their arguments. */
  #length = 0
  /** Positions of the next call, and of the next result. */
  #next = 0
  #received = 0
  /** When the worker last gave a sign of life, or was given something to do after it had none: in ms since the epoch. */
  lastSign = 0
  readonly #notBegun: Flight[] = []
  /** Calls with arguments that are no text, and are to be sent. */
  readonly #heavy: Flight[] = []
  /** What is to be sent. */
  #calls = ''
  #packing: Packing | undefined = undefined
  readonly #measurement: Measurement = new Measurement()

  constructor(worker: PoolWorker, no: number) {
    this.worker = worker
    this.no = no
  }

  get place(): WorkerPlace {
    return this.worker.place
  }

  get isIdle(): boolean {
    return this.#flights.size === 0
  }

  /** Calls that it holds. */
  get size(): number {
    return this.#flights.size
  }

  /** Whether it takes another call of so many microseconds, up to `limit` in all. */
  hasRoom(load: number, limit: number): boolean {
    return this.load + load <= limit && this.#flights.size < MOST_CALLS && this.#length < MOST_TEXT
  }

  add(flight: Flight, load: number): void {
    const args = this.#argsOf(flight)
    if (args === undefined) return
    if (this.isIdle) this.lastSign = lastReading
    flight.lane = this
    flight.load = load
    flight.position = this.#next++
    this.#flights.push(flight)
    this.load += load
    const { call, kind } = flight
    this.#length += typeof call.payload === 'string' ? args.length : call.payload.size
    if (typeof call.payload !== 'string') this.#heavy.push(flight)
    this.worker.meet(kind)
    const text = `${kind.no},${call.seq},${call.attempts},${args}`
    this.#calls = this.#calls === '' ? text : `${this.#calls},${text}`
  }

  /** Undefined if they have gone with a worker that ended: then the call fails. */
  #argsOf(flight: Flight): string | undefined {
    flight.leave()
    const { payload } = flight.call
    if (typeof payload === 'string') return payload
    try {
      return this.#pack(payload, flight.call.mayRunAgain)
    } catch (error) {
      const now = systemClock.now()
      flight.end(false, error, now, now)
      return undefined
    }
  }

  #pack(packet: Packet, mayRunAgain: boolean): string {
    // Behind other calls it may be lost with the worker, or be taken back, before it has begun.
    const sent = this.worker.link.takesAway ? handOut(packet, mayRunAgain || !this.isIdle) : packet
    this.#packing ??= new Packing()
    return String(this.#packing.add(sent))
  }

  /** Sends what was added. */
  flush(): void {
    if (this.#calls === '') return
    const packing = this.#packing
    const tasks = this.worker.takeNews()
    const rest =
      tasks.length === 0 && packing === undefined
        ? ''
        : `,${JSON.stringify(tasks)}${packing === undefined ? '' : `,${JSON.stringify(packing.counts)}`}`
    const text = `[${CALLS},${this.no},[${this.#calls}]${rest}]`
    this.#calls = ''
    this.#packing = undefined
    try {
      this.worker.link.send(text, packing?.beside)
    } catch (cause) {
      this.#notSent(cause)
    }
    this.#heavy.length = 0
  }

  /** Ports that have gone, or more bytes than a message takes. What else was to be sent goes to another worker: this one counts otherwise now. */
  #notSent(cause: unknown): void {
    const now = systemClock.now()
    const reason = cause instanceof Error ? cause.message : String(cause)
    for (const flight of this.#heavy) {
      const { name } = flight.kind
      flight.end(
        false,
        new SerializationError(`The arguments of ${name} cannot be sent: ${reason}`, { cause }),
        now,
        now,
      )
    }
    this.worker.kill('was not sent its calls')
  }

  // --- What the worker answers

  /** @param base - when the worker began with the first of them, in ms since the epoch */
  receive(
    first: number,
    base: number,
    results: readonly unknown[],
    counts: readonly number[] | undefined,
    beside: readonly object[],
  ): void {
    if (first !== this.#received) throw new Error(`Results of ${first} came where those of ${this.#received} were due`)
    this.lastSign = systemClock.now()
    const packets = unpack(counts, beside)
    let start = 0
    for (let i = 0; i < results.length; i += RESULT_PARTS) {
      const end = results[i + 1] as number
      this.#settle(this.#shift(), results[i] as number, results[i + 2], packets, base + start / 1000, base + end / 1000)
      start = end
    }
    this.#measurement.close()
  }

  #shift(): Flight {
    const flight = this.#flights.shift()
    if (flight === undefined) throw new Error('A worker answered a call that it was not sent')
    this.#received++
    this.load -= flight.load
    if (this.#flights.size === 0) this.load = this.#length = 0
    return flight
  }

  #settle(
    flight: Flight,
    kind: number,
    payload: unknown,
    packets: readonly Packet[],
    start: number,
    end: number,
  ): void {
    if (kind !== SKIPPED) this.#measurement.add(flight.kind, (end - start) * 1000)
    if (!settle(flight, kind, payload, packets, start, end)) this.#notBegun.push(flight)
  }

  /** Calls that the worker skipped, and that are still to run. */
  takeNotBegun(): readonly Flight[] {
    return this.#notBegun.length === 0 ? NONE : this.#notBegun.splice(0)
  }

  /** A call begins that has a time limit. */
  begun(position: number): void {
    const flight = this.#peek()
    if (flight === undefined || flight.position !== position) return
    const { timeout, killAfter } = flight.kind
    flight.timer = setTimeout(() => {
      if (killAfter !== Infinity)
        flight.timer = setTimeout(
          () => this.worker.kill(`did not stop within ${killAfter} ms after the time of ${flight.kind.name} was up`),
          killAfter,
        )
      flight.run?.timeUp(this.place)
    }, timeout)
  }

  #peek(): Flight | undefined {
    return this.#flights.peek()
  }

  // --- Taking calls back

  /** @returns whether it will never run */
  revoke(flight: Flight): boolean {
    return this.worker.link.ledgers[this.no]?.revoke(flight.position) === true
  }

  abort({ position }: Flight, reason: unknown): void {
    // Behind the call itself, if that is not sent yet.
    this.flush()
    sendValue(this.worker.link, `${ABORT},${this.no},${position}`, encodeFailure(reason, false))
  }

  /**
   * The worker is dead. What it had finished is told, the call that ran fails.
   * @returns calls that had not begun, and may run elsewhere
   */
  crashed(error: (flight: Flight) => WorkerCrashedError): Flight[] {
    const ledger = this.worker.link.ledgers[this.no]
    const state = ledger?.read() ?? { begun: this.#received + 1, first: 0, results: [] }
    const now = systemClock.now()
    const results = state.results.map((result) => JSON.parse(`[${result}]`) as [number, number, unknown])
    // When the first of them began is not known: the last one has ended by now.
    const base = now - (results.at(-1)?.[1] ?? 0) / 1000
    let start = 0
    results.forEach(([kind, end, payload], i) => {
      if (state.first + i === this.#received && !this.isIdle)
        this.#settle(this.#shift(), kind, payload, [], base + start / 1000, base + end / 1000)
      start = end
    })
    this.#measurement.close()
    const rest: Flight[] = []
    while (!this.isIdle) {
      const flight = this.#shift()
      if (flight.position < state.begun) flight.end(false, error(flight), now, now)
      else rest.push(flight)
    }
    return rest
  }

  /**
   * The call that runs takes longer than was thought: takes those behind it back, as far as they have not begun.
   * @returns those that may run elsewhere
   */
  rescue(): Flight[] {
    const all: Flight[] = []
    for (let flight = this.#flights.shift(); flight !== undefined; flight = this.#flights.shift()) all.push(flight)
    const taken: Flight[] = []
    const running = all[0] as Flight
    this.load += ALONE - running.load
    running.load = ALONE
    // From the last one on: those before it may begin meanwhile.
    for (let i = all.length - 1; i > 0; i--) {
      const flight = all[i] as Flight
      if (flight.isRevoked || flight.lane !== this || flight.chunk === running.chunk || !this.revoke(flight)) continue
      all[i] = new Gap(flight)
      this.load -= flight.load
      taken.unshift(flight)
    }
    for (const flight of all) this.#flights.push(flight)
    this.worker.tookBack(taken.length)
    return taken
  }
}

/** Stands where a call stood that went to another lane. */
class Gap extends Flight {
  constructor({ call, kind, chunk, position }: Flight) {
    super(call, kind, chunk)
    this.position = position
    this.isRevoked = true
  }
}
