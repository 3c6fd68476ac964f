import { randomUUID } from 'node:crypto'
import { systemClock } from '../../clock.ts'
import { TapsError } from '../../errors.ts'
import type { TaskSpec } from '../../task/task.ts'
import type { TaskRef } from '../../task/task-ref.ts'
import type { Given } from '../../transformer/data-plane.ts'
import { isOvertime, type Pump, wake } from '../../turn.ts'
import { receivedValue } from '../../worker/channel.ts'
import { decode, type Encoded, encode } from '../../worker/codec.ts'
import { decodeFailure } from '../../worker/failure.ts'
import type { LedgerState } from '../../worker/ledger.ts'
import { CRASHED, FATAL, GIVEN_BACK, HOST, LINE, PACKED, REFUSED, RESULTS, TIMED_OUT } from '../../worker/protocol.ts'
import type { RemoteSource, Shipping, WorkerPlace } from '../executor.ts'
import type { OutputLine } from '../output-file.ts'
import type { Flight } from '../pool/flight.ts'
import { Measurement } from '../pool/outcome.ts'
import { type Abroad, TaskKinds } from '../pool/task-kind.ts'
import type { WorkerDispatcher, WorkerEvents, WorkerInfo } from '../worker-executor.ts'
import type { Backend, BackendListener, PackEnd } from './backend.ts'
import { Backlog } from './backlog.ts'
import { Budget } from './budget.ts'
import type { ForeignCodec } from './foreign.ts'
import { MOST_CALLS, Pack } from './pack.ts'
import { refusalOf } from './refusal.ts'
import { type WarmupLimit, Warmups } from './warmups.ts'

/** How packs are made and sent. */
export interface PackOptions {
  readonly backend: Backend
  readonly killAfter: number
  /** Functions of another language that its workers run. */
  readonly foreign: ForeignCodec | undefined
  readonly abroad: Abroad | undefined
  /** @throws NotShippableError for a task that its workers cannot find */
  readonly check: (spec: TaskSpec) => void
}

/** Calls that have to wait before packs are sent that will wait at the back end. */
const WORTH_SENDING_AHEAD = 64
/** Milliseconds for which an idle back end keeps the program alive: to say so takes longer than many a call. */
const LET_GO_AFTER = 10

/** Takes calls from sources, packs them, and gives the packs to a back end. */
export class PackDispatcher implements Pump, WorkerDispatcher, Shipping, BackendListener {
  isAwake = false
  isClosed = false
  readonly #options: PackOptions
  readonly #events: WorkerEvents
  readonly #client: string = randomUUID()
  readonly #kinds: TaskKinds
  readonly #packs: Map<number, Pack> = new Map()
  readonly #backlog: Backlog
  readonly #budget: Budget = new Budget()
  readonly #measurement: Measurement = new Measurement()
  #lastId = 0
  /** How many packs the back end runs at the same time; 0 while that is not known. */
  #slots = 0
  #isStarted = false
  #isHeld = false
  readonly #warmups: Warmups = new Warmups()
  #lettingGo: NodeJS.Timeout | undefined = undefined
  #wakes: NodeJS.Immediate | undefined = undefined
  /** What is to be done in the next turn, where calls that wait can be asked for. */
  readonly #toGiveUp: (() => void)[] = []
  #onQuiet: (() => void)[] = []

  constructor(options: PackOptions, events: WorkerEvents) {
    this.#options = options
    this.#events = events
    this.#kinds = new TaskKinds(options.killAfter, () => '', options.abroad)
    this.#backlog = new Backlog(this.#kinds)
  }

  connect(source: RemoteSource): this {
    this.#backlog.connect(source)
    return this
  }

  /** After the jobs that are due: whoever awaited the results of a pack submits more at once, and these go together. */
  wake(): void {
    this.#hold()
    this.#wakes ??= setImmediate(() => {
      this.#wakes = undefined
      wake(this)
    })
  }

  get shipping(): Shipping {
    return this
  }

  check(spec: TaskSpec): void {
    this.#options.check(spec)
  }

  encode(spec: TaskSpec, args: readonly unknown[] | Given): Encoded {
    this.check(spec)
    const { foreign } = this.#options
    if (foreign !== undefined && this.#isForeign(spec)) return foreign.encode(args as readonly unknown[])
    return encode(args, 'args', false)
  }

  copy(values: readonly unknown[]): readonly unknown[] {
    return decode(encode(values, 'args', false)) as readonly unknown[]
  }

  #isForeign({ fn }: TaskSpec): boolean {
    const { foreign } = this.#options
    const { ref } = fn as unknown as { readonly ref: TaskRef }
    return foreign !== undefined && ref.module.startsWith(foreign.scheme)
  }

  // --- Calls

  pump(): void {
    for (const giveUp of this.#toGiveUp.splice(0)) giveUp()
    if (this.#backlog.size > 0) this.#start()
    while (this.#sendNext()) {
      if (isOvertime()) {
        this.wake()
        break
      }
    }
    this.#rest()
  }

  #start(): void {
    if (this.#isStarted) return
    this.#isStarted = true
    this.#options.backend.start(this)
  }

  /** @returns false if there is no call, or no slot for it */
  #sendNext(): boolean {
    const free = this.#slots - this.#packs.size
    const backlog = this.#backlog.size
    if (backlog === 0) return false
    if (free > 0) return this.#send(this.#pack(Math.ceil(backlog / free), false))
    // Some more keep the back end busy while it tells of the last ones; but only where there is work enough.
    return free > -this.#slots && backlog >= WORTH_SENDING_AHEAD && this.#send(this.#pack(MOST_CALLS, true))
  }

  #send(pack: Pack | undefined): boolean {
    if (pack === undefined) return false
    const isAlone = this.#hasNothingElse()
    this.#packs.set(pack.id, pack)
    pack.sentAt = systemClock.now()
    try {
      this.#options.backend.send(pack.message(this.#client, isAlone))
    } catch (error) {
      this.ended(pack.id, { kind: 'refused', error })
    }
    return true
  }

  #hasNothingElse(): boolean {
    for (const pack of this.#packs.values()) if (!pack.isSettled) return false
    return this.#backlog.size === 0
  }

  /** @param isAhead - whether it will wait at the back end: then for no long call. @returns undefined if there is no call for it */
  #pack(most: number, isAhead: boolean): Pack | undefined {
    const pack = new Pack(this.#lastId + 1, this.#options.backend, this.#options.foreign)
    while (pack.calls < most && !pack.isFull) {
      const flight = this.#backlog.take()
      if (flight === undefined) break
      if (!this.#fits(pack, flight, isAhead)) {
        this.#backlog.putBack(flight)
        break
      }
      // The elements of a chunk stay together.
      for (let each: Flight | undefined = flight; each !== undefined; each = each.next)
        if (!each.isOver) pack.add(each, this.#budget.loadOf(flight.kind.estimate.micros))
    }
    if (pack.calls === 0) return undefined
    this.#lastId++
    return pack
  }

  #fits(pack: Pack, flight: Flight, isAhead: boolean): boolean {
    const { kind, call } = flight
    if (isAhead && !kind.estimate.isShort) return false
    const isForeign = this.#isForeign(call.spec)
    if (pack.calls > 0) {
      const load = this.#budget.loadOf(kind.estimate.micros)
      return pack.isForeign === isForeign && this.#budget.hasRoom(pack.load, load) && pack.hasRoomFor(flight)
    }
    pack.isForeign = isForeign
    return true
  }

  // --- What the back end tells

  slots(count: number): void {
    this.#slots = count
    this.wake()
  }

  frames(id: number, text: string, beside: readonly object[]): void {
    const pack = this.#packs.get(id)
    if (pack === undefined) return
    try {
      this.#receive(pack, JSON.parse(text), beside)
    } catch (cause) {
      pack.fail(
        new TapsError('ILLEGAL_STATE', `A worker said something that makes no sense: ${text.slice(0, 100)}`, { cause }),
      )
    }
    this.wake()
  }

  #receive(pack: Pack, message: readonly unknown[], beside: readonly object[]): void {
    const measurement = this.#measurement
    switch (message[0]) {
      case RESULTS: {
        const [, , ...results] = message as [number, number, number, number, unknown[], number[]?]
        return this.#backlog.again(pack.receive(results, beside, measurement))
      }
      case HOST:
        pack.place = { host: String(message[1]), worker: String(message[2]) }
        return
      case LINE: {
        const [line, task, taskId] = message.slice(2).map(String) as [string, string, string]
        const { id: worker, host } = infoOf(pack.place)
        return this.#events.wrote({
          stream: message[1] === 'stderr' ? 'stderr' : 'stdout',
          line,
          task,
          taskId,
          worker,
          host,
        })
      }
      case GIVEN_BACK: {
        const [, from, first, results] = message as [number, number, number, string[]]
        const skipped = pack.receiveLedger({ begun: from, first, results }, measurement)
        return this.#backlog.again([...skipped, ...pack.giveBack(from)])
      }
      case CRASHED: {
        const [, how, state, output] = message as [number, string, StateMessage, string]
        return this.#backlog.again(pack.crashed(how, stateOf(state), String(output), measurement))
      }
      case TIMED_OUT: {
        const [, position, state] = message as [number, number, StateMessage]
        return this.#backlog.again(pack.timedOut(position, stateOf(state), measurement))
      }
      case REFUSED:
        return pack.fail(refusalOf(message))
      case FATAL:
        return pack.failed(decodeFailure(receivedValue(message[1], message[2], beside)))
      case PACKED:
        // A pack that waited for another one at the back end took longer than the way takes.
        if (this.#packs.size <= this.#slots) this.#budget.learn(systemClock.now() - pack.sentAt - pack.ranFor)
        return
      default:
        throw new Error(`An unknown message: ${String(message[0])}`)
    }
  }

  ended(id: number, end: PackEnd): void {
    const pack = this.#packs.get(id)
    if (pack === undefined) return
    this.#packs.delete(id)
    switch (end.kind) {
      case 'answered':
        if (!pack.isSettled) pack.lost('did not answer it', undefined)
        break
      case 'notRun':
        this.#backlog.again(pack.giveBack(0))
        break
      case 'refused':
        pack.fail(end.error)
        break
      case 'lost':
        this.#lost(pack, end)
    }
    this.wake()
  }

  #lost(pack: Pack, { how, cause, host, worker, state }: PackEnd & { kind: 'lost' }): void {
    if (host !== undefined) pack.place = { host, worker: worker ?? 'worker' }
    if (state === undefined) pack.lost(how, cause)
    else {
      if (cause !== undefined) pack.failed(cause)
      this.#backlog.again(pack.crashed(how, state, '', this.#measurement))
    }
  }

  failed(error: unknown): void {
    this.#isStarted = false
    this.#slots = 0
    const packs = [...this.#packs.values()]
    this.#packs.clear()
    this.#toGiveUp.push(() => {
      const waiting = this.#backlog.takeAll()
      for (const pack of packs) pack.fail(error)
      const now = systemClock.now()
      for (const flight of waiting) {
        flight.leave()
        flight.end(false, error, now, now)
      }
    })
    this.wake()
  }

  wrote(line: OutputLine): void {
    this.#events.wrote(line)
  }

  workerStarted(place: WorkerPlace): void {
    this.#events.workerStarted(infoOf(place))
  }

  workerExited(place: WorkerPlace, how: string): void {
    this.#events.workerExited(infoOf(place), how)
  }

  // --- Being busy, and being quiet

  get #isQuiet(): boolean {
    return this.#packs.size === 0 && this.#backlog.size === 0
  }

  #rest(): void {
    if (!this.#isQuiet) return
    for (const resolve of this.#onQuiet.splice(0)) resolve()
    this.#lettingGo ??= setTimeout(() => {
      this.#lettingGo = undefined
      if (this.#isQuiet && this.#warmups.size === 0 && this.#wakes === undefined) this.#setHeld(false)
    }, LET_GO_AFTER).unref()
  }

  #hold(): void {
    this.#setHeld(true)
  }

  #setHeld(isHeld: boolean): void {
    if (this.#isHeld === isHeld) return
    this.#isHeld = isHeld
    this.#options.backend.hold(isHeld)
  }

  async quiet(): Promise<void> {
    if (this.#isQuiet && this.#wakes === undefined) return
    this.wake()
    await new Promise<void>((resolve) => this.#onQuiet.push(resolve))
  }

  /** @param slots - how many packs workers are to run at the same time, where these come and go */
  async warmup(specs: readonly TaskSpec[], slots: number = 1, limit?: WarmupLimit): Promise<void> {
    this.#hold()
    const source = { idPrefix: '', plane: undefined }
    const work = async (): Promise<void> => {
      this.#start()
      const tasks = specs.map((spec) => this.#kinds.of(spec, source).message)
      await this.#options.backend.warmup(tasks, slots)
    }
    await this.#warmups.run(work, limit).finally(() => this.#rest())
  }

  async close(): Promise<void> {
    this.#warmups.end()
    if (this.#isStarted) await this.#options.backend.close()
    this.#setHeld(false)
  }

  /** What waits here, and has not been sent, is cancelled; what was sent and has not begun too, if that can be told. */
  cancelWaiting(): void {
    this.#backlog.isCancelling = true
    this.#toGiveUp.push(() => {
      for (const { call } of this.#backlog.takeAll()) call.cancel()
    })
    for (const id of this.#packs.keys()) this.#options.backend.cancel(id)
    this.wake()
  }
}

function infoOf(place: WorkerPlace | undefined): WorkerInfo {
  return { id: Number(/\d+/.exec(place?.worker ?? '')?.[0] ?? 0), host: place?.host ?? '' }
}

type StateMessage = readonly [begun: number, first: number, results: readonly string[]]

function stateOf([begun, first, results]: StateMessage): LedgerState {
  return { begun, first, results }
}
