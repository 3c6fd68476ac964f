import { lastReading } from '../../clock.ts'
import { Fifo } from '../../fifo.ts'
import { ReadyQueue } from '../ready-queue.ts'
import { LONG } from './estimate.ts'
import type { Flight } from './flight.ts'
import { ALONE, FULL, type Lane } from './lane.ts'
import type { PoolWorker } from './pool-worker.ts'

/** Microseconds of work below which it is not worth waking another worker. */
const WORTH_WAKING = 150
/** Calls that may wait here for a lane, while shorter ones pass them. */
const MOST_HELD = 64
/** Milliseconds for which shorter calls may pass one that waits: as long as it takes itself, within these bounds. */
const [LEAST_PATIENCE, MOST_PATIENCE] = [5, 100]

/** Workers that serve the same calls, and the calls that wait for one of their lanes. */
export class Group {
  readonly name: string
  readonly workers: PoolWorker[] = []
  /** Workers that failed to start, one after the other. */
  failedStarts = 0
  /** When it last lost a worker, in ms since the epoch. */
  servedAt = 0
  /** Those that calls may be sent to. */
  lanes: readonly Lane[] = []
  /** Lanes with calls that are not sent yet. */
  readonly #unsent: Set<Lane> = new Set()
  /** The lane that was filled last. */
  #filling: Lane | undefined = undefined
  /** Calls that were taken back from a worker, or lost with it before they began: they go first. */
  #again: Fifo<Flight> = new Fifo()
  /** Calls for which no lane had room. */
  readonly #held: ReadyQueue<Flight> = new ReadyQueue()
  /** Since when others have passed them, in ms since the epoch. */
  #passedSince: number | undefined = undefined
  /** Whether shorter calls had their chance to come first. */
  #isGraceOver = false
  #graceEnds: NodeJS.Immediate | undefined = undefined

  readonly #wake: () => void

  constructor(name: string, wake: () => void) {
    this.name = name
    this.#wake = wake
  }

  /** Calls that wait. */
  get waiting(): number {
    return this.#again.size + this.#held.size
  }

  get isQuiet(): boolean {
    return this.waiting === 0 && this.workers.every(({ isIdle }) => isIdle)
  }

  /** To be called when a worker has come, goes, or has gone. */
  update(): void {
    // The first of each worker before the second of any: calls that compute are spread over the workers.
    this.lanes = this.workers
      .filter(({ isOpen }) => isOpen)
      .flatMap(({ lanes }) => lanes)
      .sort((a, b) => a.no - b.no)
    this.#filling = undefined
  }

  again(flights: readonly Flight[]): void {
    // Those that wait here already came later.
    const later = this.#again
    this.#again = new Fifo()
    let last: Flight | undefined
    for (const flight of flights) {
      flight.lane = flight.next = undefined
      if (last?.chunk !== undefined && last.chunk === flight.chunk) last.next = flight
      else this.#again.push(flight)
      last = flight
    }
    for (let flight = later.shift(); flight !== undefined; flight = later.shift()) this.#again.push(flight)
  }

  /** Places a call, or holds it: a long one behind those that came before it. */
  accept(flight: Flight): void {
    const isBehind = this.#held.size > 0 && flight.kind.estimate.micros > LONG
    if (isBehind || !this.place(flight)) this.#held.push(flight)
  }

  /** Gives a lane to one of the calls that wait. @returns whether that made a difference */
  placeWaiting(): boolean {
    if (this.waiting === 0) return false
    if (this.#placeFirst(this.#again)) return true
    if (!this.#mayPlaceHeld()) return false
    this.#isGraceOver = false
    if (!this.#placeFirst(this.#held)) return false
    this.#passedSince = undefined
    return true
  }

  #placeFirst(queue: Fifo<Flight> | ReadyQueue<Flight>): boolean {
    const flight = queue.peek()
    if (flight === undefined || !this.place(flight)) return false
    queue.shift()
    return true
  }

  /**
   * When a long call ends, whoever awaited it often submits a short one at once. That goes first: it would wait for another
   * long one otherwise. So a call that waits is given a free lane only after the jobs that the result has caused.
   */
  #mayPlaceHeld(): boolean {
    if (this.#held.size === 0 || this.lanes.length < 2 || this.#isGraceOver || this.#isPatienceOver) return true
    if (this.#idleLane() === undefined) return false
    this.#graceEnds ??= setImmediate(() => {
      this.#graceEnds = undefined
      this.#isGraceOver = true
      this.#wake()
    })
    return false
  }

  get #isPatienceOver(): boolean {
    if (this.#passedSince === undefined) return false
    const first = this.#held.peek()
    if (first === undefined) return false
    const { micros } = first.kind.estimate
    const own = micros === Infinity ? 0 : micros / 1000
    return lastReading - this.#passedSince > Math.min(Math.max(own, LEAST_PATIENCE), MOST_PATIENCE)
  }

  /** Whether it is worth looking for another call. */
  get wantsMore(): boolean {
    if (this.lanes.length === 0 || this.#again.size > 0) return false
    // When a lane is free, one more is looked at: it may be more urgent than those that wait here.
    if (this.#held.size >= MOST_HELD && this.#idleLane() === undefined) return false
    if (this.#held.size > 0 && (this.lanes.length === 1 || this.#isPatienceOver)) return false
    if (this.#filling?.hasRoom(1, FULL) === true) return true
    return this.lanes.some((lane) => lane.hasRoom(1, FULL))
  }

  /** Adds a call, and the rest of its chunk, to a lane. @returns false if there is none with room */
  place(flight: Flight): boolean {
    if (flight.isOver && flight.next === undefined) return true
    const { micros } = flight.kind.estimate
    const load = micros > LONG ? ALONE : micros
    const lane = load === ALONE ? this.#idleLane() : this.#laneFor(load)
    if (lane === undefined) return false
    if (this.#held.size > 0 && load !== ALONE) this.#passedSince ??= lastReading
    for (let each: Flight | undefined = flight; each !== undefined; each = each.next)
      if (!each.isOver) lane.worker.add(lane, each, load)
    if (lane.worker.isOpen) this.#filling = lane
    this.#unsent.add(lane)
    return true
  }

  #idleLane(): Lane | undefined {
    return this.lanes.find(({ isIdle }) => isIdle)
  }

  /** One that works already, up to what waking another one costs; then one that sleeps; then the one that has the least to do. */
  #laneFor(load: number): Lane | undefined {
    const filling = this.#filling
    if (filling?.hasRoom(load, WORTH_WAKING) === true) return filling
    let least: Lane | undefined
    let idle: Lane | undefined
    for (const lane of this.lanes) {
      if (lane.isIdle) idle ??= lane
      else if (lane.hasRoom(load, WORTH_WAKING)) return lane
      else if (lane.hasRoom(load, FULL) && (least === undefined || lane.load < least.load)) least = lane
    }
    return idle ?? least
  }

  /** Sends what was placed. */
  flush(): void {
    for (const lane of this.#unsent) lane.flush()
    this.#unsent.clear()
  }

  /** Gives up on all calls that wait. */
  *drain(): Iterable<Flight> {
    for (const queue of [this.#again, this.#held])
      for (let flight = queue.shift(); flight !== undefined; flight = queue.shift())
        for (let each: Flight | undefined = flight; each !== undefined; each = each.next) yield each
  }
}
