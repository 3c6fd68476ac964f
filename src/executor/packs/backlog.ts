import { systemClock } from '../../clock.ts'
import { WorkerCrashedError } from '../../errors.ts'
import { Fifo } from '../../fifo.ts'
import type { RemoteCall, RemoteCalls, RemoteSource } from '../executor.ts'
import { Flight } from '../pool/flight.ts'
import { skip } from '../pool/outcome.ts'
import type { TaskKinds } from '../pool/task-kind.ts'

/** How often a call may lose its worker before it has begun. */
const MOST_MOVES = 10

/** Calls that wait: with their sources, and before these the ones that come again. */
export class Backlog {
  readonly #sources: RemoteSource[] = []
  readonly #kinds: TaskKinds
  /** Given back, or taken for a pack that had no room for them. */
  readonly #first: Fifo<Flight> = new Fifo()
  /** Whether what comes again is not to run any more. */
  isCancelling = false

  constructor(kinds: TaskKinds) {
    this.#kinds = kinds
  }

  connect(source: RemoteSource): void {
    this.#sources.push(source)
  }

  get size(): number {
    let size = this.#first.size
    for (const source of this.#sources) size += source.size
    return size
  }

  /** The next call that is still to run. */
  take(): Flight | undefined {
    for (let flight = this.#next(); flight !== undefined; flight = this.#next()) if (flight.isReady) return flight
    return undefined
  }

  /** All calls that wait now: what becomes of them may bring others, which are none of them. */
  takeAll(): readonly Flight[] {
    const all: Flight[] = []
    for (let flight = this.#next(); flight !== undefined; flight = this.#next())
      for (let each: Flight | undefined = flight; each !== undefined; each = each.next) if (!each.isOver) all.push(each)
    return all
  }

  /** A call that was taken, and has no place yet. */
  putBack(flight: Flight): void {
    this.#first.unshift(flight)
  }

  /** Calls that did not begin where they were sent: before all others, in their order. */
  again(flights: readonly Flight[]): void {
    if (flights.length === 0) return
    const now = systemClock.now()
    for (const flight of flights.toReversed()) {
      if (flight.isOver || skip(flight, now, now)) continue
      if (flight.moves > MOST_MOVES) {
        const message = `${flight.moves} workers ended before they could run ${flight.kind.name}`
        flight.end(false, new WorkerCrashedError(message), now, now)
        continue
      }
      flight.lane = flight.next = undefined
      if (this.isCancelling) flight.call.cancel()
      else this.putBack(flight)
    }
  }

  #next(): Flight | undefined {
    const first = this.#first.shift()
    if (first !== undefined) return first
    const sources = this.#sources
    for (let i = 0; i < sources.length; i++) {
      const source = sources[i] as RemoteSource
      const calls = source.take()
      if (calls === undefined) continue
      // The others first next time: of several engines on one executor, none is starved.
      if (sources.length > 2) sources.push(...sources.splice(0, i + 1))
      const flight = this.#flightOf(calls, source)
      if (flight !== undefined) return flight
    }
    return undefined
  }

  /** The first of its calls, to which the others are attached. */
  #flightOf(calls: RemoteCalls, source: RemoteSource): Flight | undefined {
    let [head, last]: (Flight | undefined)[] = []
    calls.forEachRemote((call: RemoteCall) => {
      const flight = new Flight(call, this.#kinds.of(call.spec, source), calls)
      if (last === undefined) head = flight
      else last.next = flight
      last = flight
    })
    return head
  }
}
