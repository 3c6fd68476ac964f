import { systemClock } from '../../clock.ts'
import { WorkerCrashedError } from '../../errors.ts'
import type { TaskSpec } from '../../task/task.ts'
import { isOvertime, type Pump, wake } from '../../turn.ts'
import { decode, type Encoded, encode } from '../../worker/codec.ts'
import type { RemoteCall, RemoteCalls, RemoteSource, Shipping } from '../executor.ts'
import type { OutputLine } from '../output-file.ts'
import { ReadyQueue } from '../ready-queue.ts'
import type { WorkerDispatcher, WorkerEvents } from '../worker-executor.ts'
import { Flight } from './flight.ts'
import { Group } from './group.ts'
import type { Lane } from './lane.ts'
import { PoolWorker, reasonOf, type WorkerOwner, type WorkerPlan } from './pool-worker.ts'
import { check, encodeCall } from './shipping.ts'
import { TaskKinds } from './task-kind.ts'
import type { WorkerExit } from './worker-link.ts'

/** How a pool is set up. */
export interface DispatcherOptions {
  readonly isThread: boolean
  readonly maxWorkers: number
  readonly idleTimeout: number
  readonly maxTasksPerWorker: number
  readonly killAfter: number
  readonly plan: (group: string) => WorkerPlan
  /** The workers that a task has to run in. */
  readonly groupOf: (spec: TaskSpec) => string
  readonly groups: readonly string[]
}

/** Workers that fail to start, one after the other, before the calls that wait for them fail too. */
const MOST_FAILED_STARTS = 3
/** After how many calls the clock is read, less one: a power of 2. */
const READ_CLOCK = 31
/** How often a call may lose its worker before it has begun. */
const MOST_MOVES = 10
/** Milliseconds that a worker has before it goes, because calls that have to run in another one wait for its place. */
const TERM = 500
/** Milliseconds after which a lane is looked at that has not answered although it had little to do. */
const LATE = 10

/** Takes calls from sources when there is room for them, gives them to workers, and sees to the workers. */
export class Dispatcher implements Pump, WorkerDispatcher, Shipping, WorkerOwner {
  isAwake = false
  isClosed = false
  readonly #options: DispatcherOptions
  readonly #listener: WorkerEvents
  readonly #sources: RemoteSource[] = []
  readonly #kinds: TaskKinds
  readonly #groups: ReadonlyMap<string, Group>
  /** Where there are several groups, calls wait here by group: else those of one would keep those of others waiting. */
  readonly #queues: ReadonlyMap<string, ReadyQueue<Flight>> | undefined
  #placed = 0
  /** Groups whose calls are not to wait any more, and what becomes of these. */
  readonly #doomed: Map<Group, (flight: Flight) => void> = new Map()
  #onQuiet: (() => void)[] = []
  #lastVisited: Flight | undefined = undefined
  #firstVisited: Flight | undefined = undefined
  #rescueTimer: NodeJS.Timeout | undefined = undefined

  constructor(options: DispatcherOptions, listener: WorkerEvents) {
    this.#options = options
    this.#listener = listener
    this.#kinds = new TaskKinds(options.killAfter, options.groupOf)
    this.#groups = new Map(options.groups.map((name) => [name, new Group(name, () => this.wake())]))
    this.#queues =
      options.groups.length === 1 ? undefined : new Map(options.groups.map((name) => [name, new ReadyQueue()]))
  }

  connect(source: RemoteSource): this {
    this.#sources.push(source)
    return this
  }

  wake(): void {
    wake(this)
  }

  get shipping(): Shipping {
    return this
  }

  check(spec: TaskSpec): void {
    check(spec)
  }

  encode(spec: TaskSpec, args: readonly unknown[]): Encoded {
    return encodeCall(spec, args, this.#options.isThread)
  }

  copy(values: readonly unknown[]): readonly unknown[] {
    return decode(encode(values, 'args', this.#options.isThread)) as readonly unknown[]
  }

  get #workers(): PoolWorker[] {
    return [...this.#groups.values()].flatMap(({ workers }) => workers)
  }

  get #workerCount(): number {
    let count = 0
    for (const { workers } of this.#groups.values()) count += workers.length
    return count
  }

  // --- Calls

  pump(): void {
    if (this.#queues !== undefined) this.#sort(this.#queues)
    for (const [group, end] of this.#doomed) this.#giveUp(group, end)
    this.#doomed.clear()
    for (const group of this.#groups.values()) {
      while (group.placeWaiting() || this.#placeNext(group)) {
        if (isOvertime()) {
          this.wake()
          break
        }
      }
      group.flush()
    }
    if (this.#groups.size > 1) for (const group of this.#withoutWorkers()) this.#grow(group, 1)
    for (const group of this.#groups.values()) this.#grow(group, Infinity)
    this.#watch()
    if (this.#onQuiet.length > 0 && this.#isQuiet) for (const resolve of this.#onQuiet.splice(0)) resolve()
  }

  /** @returns false if there is nothing to do for the group */
  #placeNext(group: Group): boolean {
    if (!group.wantsMore) return false
    const flight = this.#take(group)
    if (flight === undefined) return false
    // For `isOvertime`, which goes by the last reading.
    if ((++this.#placed & READ_CLOCK) === 0) systemClock.now()
    group.accept(flight)
    return true
  }

  #take(group: Group): Flight | undefined {
    if (this.#queues !== undefined) return this.#queues.get(group.name)?.shift()
    const sources = this.#sources
    for (let i = 0; i < sources.length; i++) {
      const source = sources[i] as RemoteSource
      const call = source.take()
      if (call === undefined) continue
      // The others first next time: of several engines on one executor, none is starved.
      if (sources.length > 2) sources.push(...sources.splice(0, i + 1))
      return this.#flightOf(call, source)
    }
    return undefined
  }

  #flightOf(call: RemoteCalls, source: RemoteSource): Flight | undefined {
    this.#firstVisited = this.#lastVisited = undefined
    call.forEachRemote((part) => this.#visit(part, source, call))
    return this.#firstVisited
  }

  #visit(call: RemoteCall, source: RemoteSource, chunk: RemoteCalls): void {
    const flight = new Flight(call, this.#kinds.of(call.spec, source), chunk)
    if (this.#lastVisited === undefined) this.#firstVisited = flight
    else this.#lastVisited.next = flight
    this.#lastVisited = flight
  }

  #sort(queues: ReadonlyMap<string, ReadyQueue<Flight>>): void {
    for (const source of this.#sources) {
      for (let call = source.take(); call !== undefined; call = source.take()) {
        const flight = this.#flightOf(call, source)
        if (flight !== undefined) queues.get(flight.kind.group)?.push(flight)
      }
    }
  }

  #backlogOf(group: Group): number {
    const queue = this.#queues?.get(group.name)
    let backlog = group.waiting + (queue?.size ?? 0)
    if (this.#queues === undefined) for (const { size } of this.#sources) backlog += size
    return backlog
  }

  get #isQuiet(): boolean {
    return [...this.#groups.values()].every((group) => group.isQuiet && this.#backlogOf(group) === 0)
  }

  async quiet(): Promise<void> {
    if (this.#isQuiet) return
    // To pass over what was cancelled.
    this.wake()
    await new Promise<void>((resolve) => this.#onQuiet.push(resolve))
  }

  // --- Results

  resultsReceived({ worker }: Lane): void {
    if (worker.isIdle) this.#rest(worker)
    this.wake()
  }

  /** Calls did not begin, although nobody takes them back any more. */
  notBegun({ worker }: Lane, flights: readonly Flight[]): void {
    this.#groupOf(worker).again(flights)
  }

  /** A worker has nothing to do. */
  #rest(worker: PoolWorker): void {
    if (worker.isRetiring) return worker.end()
    worker.letGo()
    const { idleTimeout } = this.#options
    if (idleTimeout !== Infinity) {
      worker.idleTimer ??= setTimeout(() => {
        worker.idleTimer = undefined
        if (worker.isIdle) this.#retire(worker)
      }, idleTimeout).unref()
      worker.idleTimer.refresh()
    }
  }

  #retire(worker: PoolWorker): void {
    worker.isRetiring = true
    this.#groupOf(worker).update()
    if (worker.isIdle) worker.end()
  }

  #groupOf({ group }: PoolWorker): Group {
    return this.#groups.get(group) as Group
  }

  // --- Calls behind one that takes longer than was thought

  #watch(): void {
    if (this.#rescueTimer !== undefined || !this.#options.isThread || !this.#hasShared) return
    this.#rescueTimer = setTimeout(() => {
      this.#rescueTimer = undefined
      this.#rescue()
    }, LATE)
  }

  /** Whether a call waits in a lane behind another one, and could go elsewhere. */
  get #hasShared(): boolean {
    for (const group of this.#groups.values())
      if (this.#hasElsewhere(group)) for (const lane of group.lanes) if (lane.size > 1) return true
    return false
  }

  /** Whether there is another lane, or there may be one. */
  #hasElsewhere({ lanes }: Group): boolean {
    return lanes.length > 1 || this.#workerCount < this.#options.maxWorkers
  }

  #rescue(): void {
    const before = systemClock.now() - LATE
    for (const group of this.#groups.values()) {
      if (!this.#hasElsewhere(group)) continue
      for (const lane of group.lanes) if (lane.size > 1 && lane.lastSign < before) group.again(lane.rescue())
    }
    this.wake()
    this.#watch()
  }

  // --- Workers

  /** @param most - workers to start, at the most */
  #grow(group: Group, most: number): void {
    let wanted = Math.min(this.#backlogOf(group), most)
    if (wanted === 0 || (group.failedStarts >= MOST_FAILED_STARTS && group.lanes.length > 0)) return
    const { workers } = group
    for (const { isReady } of workers) if (!isReady) wanted--
    for (let free = this.#options.maxWorkers - this.#workerCount; wanted > 0 && free > 0; wanted--, free--)
      this.#tryStart(group)
    if (wanted > 0 && this.#groups.size > 1) this.#makeRoom(group)
  }

  /** The one first that has waited longest for a worker. */
  #withoutWorkers(): Iterable<Group> {
    const groups = [...this.#groups.values()].filter(({ workers }) => workers.length === 0)
    return groups.sort((a, b) => a.servedAt - b.servedAt)
  }

  /** There may be no more workers, and calls of this group wait: one of another group has to go, if it has had its time. */
  #makeRoom(group: Group): void {
    const others = this.#workers.filter((worker) => worker.group !== group.name)
    if (others.some(({ isRetiring }) => isRetiring)) return
    const before = systemClock.now() - TERM
    const isStarved = group.workers.length === 0
    const mayGo = (worker: PoolWorker): boolean =>
      worker.isOpen && (worker.isIdle ? isStarved || worker.lastSign < before : isStarved && worker.readyAt < before)
    const one = others.find((worker) => worker.isIdle && mayGo(worker)) ?? others.find(mayGo)
    if (one !== undefined) this.#retire(one)
  }

  /** @throws what Node throws for options that it does not take, or if there are no more descriptors */
  #start(group: Group): void {
    const { plan, maxTasksPerWorker, killAfter } = this.#options
    group.workers.push(new PoolWorker(plan(group.name), this, maxTasksPerWorker, killAfter))
  }

  #tryStart(group: Group): void {
    try {
      this.#start(group)
    } catch (cause) {
      this.#startFailed(group, { how: 'could not be started', cause, isHopeless: true })
      this.wake()
    }
  }

  /** All workers there may be, with the modules of these tasks imported. */
  async warmup(specs: readonly TaskSpec[]): Promise<void> {
    const kinds = specs.map((spec) => this.#kinds.of(spec, { idPrefix: '', plane: undefined }))
    const groups = kinds.length === 0 ? [...this.#groups.keys()] : [...new Set(kinds.map(({ group }) => group))]
    for (let i = 0; this.#workerCount < this.#options.maxWorkers; i++)
      this.#start(this.#groups.get(groups[i % groups.length] as string) as Group)
    await Promise.all(
      this.#workers
        .filter(({ isRetiring }) => !isRetiring)
        .map((worker) => worker.warm(kinds.map(({ message }) => message))),
    )
  }

  workerReady(worker: PoolWorker): void {
    const group = this.#groupOf(worker)
    group.failedStarts = 0
    group.update()
    this.#listener.workerStarted(worker.info)
    if (worker.isIdle) this.#rest(worker)
    this.wake()
  }

  loaded(worker: PoolWorker): void {
    if (worker.isIdle) this.#rest(worker)
    this.wake()
  }

  workerFull(worker: PoolWorker): void {
    this.#groupOf(worker).update()
  }

  workerExited(worker: PoolWorker, exit: WorkerExit, rest: readonly Flight[]): void {
    const group = this.#groupOf(worker)
    group.workers.splice(group.workers.indexOf(worker), 1)
    group.servedAt = systemClock.now()
    group.update()
    group.again(rest.filter((flight) => this.#mayMove(flight, exit)))
    if (worker.isReady) group.failedStarts = 0
    else if (!worker.isEnding) this.#startFailed(group, exit)
    this.#listener.workerExited(worker.info, exit.how)
    this.wake()
  }

  #mayMove(flight: Flight, { how, cause }: WorkerExit): boolean {
    if (flight.isOver) return false
    if (flight.moves <= MOST_MOVES) return true
    const now = systemClock.now()
    const message = `${flight.moves} workers ended before they could run ${flight.kind.name}; the last one ${how}${reasonOf(cause)}`
    flight.end(false, new WorkerCrashedError(message, { cause }), now, now)
    return false
  }

  /** Without an end, workers would be started for ever that cannot start. */
  #startFailed(group: Group, { how, cause, isHopeless }: WorkerExit): void {
    if (++group.failedStarts < MOST_FAILED_STARTS && isHopeless !== true) return
    // Those that are there go on; no more are started until one of them ends.
    if (group.lanes.length > 0) return
    group.failedStarts = 0
    // In the next turn, as all that has to do with sources.
    const message = `No worker could be started: the last one ${how}${reasonOf(cause)}`
    this.#doomed.set(group, (flight) => {
      const now = systemClock.now()
      flight.leave()
      flight.end(false, new WorkerCrashedError(message, { cause }), now, now)
    })
  }

  #giveUp(group: Group, end: (flight: Flight) => void): void {
    for (const flight of group.drain()) if (!flight.isOver) end(flight)
    for (let flight = this.#take(group); flight !== undefined; flight = this.#take(group))
      for (let each: Flight | undefined = flight; each !== undefined; each = each.next) if (!each.isOver) end(each)
  }

  /** Ends all workers: those that do not end by themselves are killed. */
  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.close()))
  }

  /** What waits in the pool, and has not been sent, is cancelled. */
  cancelWaiting(): void {
    const cancel = ({ call }: Flight): void => void call.cancel()
    for (const group of this.#groups.values()) {
      for (const flight of group.drain()) cancel(flight)
      this.#doomed.set(group, cancel)
    }
    this.wake()
  }

  wrote(line: OutputLine): void {
    this.#listener.wrote(line)
  }
}
