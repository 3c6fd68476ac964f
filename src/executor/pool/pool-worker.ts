import { systemClock } from '../../clock.ts'
import { WorkerCrashedError } from '../../errors.ts'
import { receivedValue } from '../../worker/channel.ts'
import type { Encoded } from '../../worker/codec.ts'
import { decodeFailure } from '../../worker/failure.ts'
import {
  BEGUN,
  END,
  FATAL,
  LINE,
  LOAD,
  LOADED,
  READY,
  RESULTS,
  type TaskMessage,
  type WorkerInit,
} from '../../worker/protocol.ts'
import { at, type WorkerPlace } from '../executor.ts'
import type { OutputLine } from '../output-file.ts'
import type { WorkerInfo } from '../worker-executor.ts'
import type { Flight } from './flight.ts'
import { Lane } from './lane.ts'
import type { TaskKind } from './task-kind.ts'
import type { LinkListener, StartWorker, WorkerExit, WorkerLink } from './worker-link.ts'

/** Who has workers. */
export interface WorkerOwner {
  workerReady(worker: PoolWorker): void
  resultsReceived(lane: Lane): void
  /** Calls did not begin, although nobody takes them back any more. */
  notBegun(lane: Lane, flights: readonly Flight[]): void
  /** Modules were imported. */
  loaded(worker: PoolWorker): void
  /** It takes no more calls. */
  workerFull(worker: PoolWorker): void
  /** @param rest - calls that had not begun */
  workerExited(worker: PoolWorker, exit: WorkerExit, rest: readonly Flight[]): void
  wrote(line: OutputLine): void
}

/** How a worker is started. */
export interface WorkerPlan {
  readonly start: StartWorker
  readonly init: Omit<WorkerInit, 'isThread'>
  readonly beside: () => readonly object[]
  readonly group: string
}

/** Milliseconds that a worker has to end in when it is told to, at the least: it may have resources to dispose of. */
const LEAST_PATIENCE = 1000
/** Milliseconds for which an idle worker keeps the program alive. */
const LET_GO_AFTER = 10
/** Calls that a worker takes, at the most: their positions have to fit into 31 bits. Another one takes its place. */
const MOST_CALLS = 2 ** 30

const NOTHING: readonly TaskMessage[] = []

/** The state of a worker, as its client knows it. */
export class PoolWorker implements LinkListener {
  readonly group: string
  readonly link: WorkerLink
  place: WorkerPlace
  readonly lanes: readonly Lane[]
  readonly #owner: WorkerOwner
  isReady = false
  /** In ms since the epoch. */
  readyAt = 0
  /** It takes no more calls, and ends when those that it has have ended. */
  isRetiring = false
  isEnding = false
  idleTimer: NodeJS.Timeout | undefined = undefined
  readonly #known: Set<number> = new Set()
  #news: TaskMessage[] = []
  /** Why we ended it, and what it said of its end. */
  #killed: string | undefined = undefined
  #fatal: unknown
  /** How many more calls it takes. */
  #left: number
  #isHeld = true
  #lettingGo: NodeJS.Timeout | undefined = undefined
  readonly #loads: Map<number, { resolve(): void; reject(error: unknown): void }> = new Map()
  #lastLoad = 0
  #hasExited = false
  #onExit: (() => void) | undefined = undefined
  readonly #patience: number
  #endTimer: NodeJS.Timeout | undefined = undefined

  /**
   * @param maxCalls - how many it takes in all
   * @param patience - ms after which it is killed if it does not end when it is told to
   */
  constructor({ start, init, beside, group }: WorkerPlan, owner: WorkerOwner, maxCalls: number, patience: number) {
    this.group = group
    this.#patience = Math.max(patience, LEAST_PATIENCE)
    this.#left = Math.min(maxCalls, MOST_CALLS)
    this.#owner = owner
    this.lanes = Array.from({ length: init.lanes }, (_, no) => new Lane(this, no))
    this.link = start(init, beside(), this, group)
    this.place = this.link.place
  }

  get isIdle(): boolean {
    return this.lanes.every((lane) => lane.isIdle) && this.#loads.size === 0
  }

  get info(): WorkerInfo {
    return { id: this.link.id, host: this.place.host }
  }

  /** Gives a call to one of its lanes. */
  add(lane: Lane, flight: Flight, load: number): void {
    this.hold(true)
    clearTimeout(this.idleTimer)
    this.idleTimer = undefined
    lane.add(flight, load)
    if (--this.#left > 0 || this.isRetiring) return
    this.isRetiring = true
    this.#owner.workerFull(this)
  }

  /** So many calls will not run in it. */
  tookBack(calls: number): void {
    this.#left += calls
  }

  /** When it last gave a sign of life. */
  get lastSign(): number {
    return Math.max(this.readyAt, ...this.lanes.map(({ lastSign }) => lastSign))
  }

  /** Whether the program has to stay alive for it. */
  hold(isHeld: boolean): void {
    if (this.#isHeld === isHeld) return
    this.#isHeld = isHeld
    this.link.hold(isHeld)
  }

  /** It need not keep the program alive, unless it is given something to do at once: to say so takes longer than many a call. */
  letGo(): void {
    this.#lettingGo ??= setTimeout(() => {
      this.#lettingGo = undefined
      if (this.isIdle && !this.isRetiring) this.hold(false)
    }, LET_GO_AFTER).unref()
  }

  /** Whether calls may be sent to it. */
  get isOpen(): boolean {
    return this.isReady && !this.isRetiring
  }

  /** A call of the task is to be sent: before the first one it has to be told of the task. */
  meet({ no, message }: TaskKind): void {
    if (this.#known.has(no)) return
    this.#known.add(no)
    this.#news.push(message)
  }

  /** What it is to be told of, with the next message of whichever lane. */
  takeNews(): readonly TaskMessage[] {
    if (this.#news.length === 0) return NOTHING
    const news = this.#news
    this.#news = []
    return news
  }

  /** Once it is there, and has imported the modules of these tasks. */
  warm(tasks: readonly TaskMessage[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.hold(true)
      const id = ++this.#lastLoad
      this.#loads.set(id, { resolve, reject })
      this.link.send(`[${LOAD},${id},${JSON.stringify(tasks)}]`)
    })
  }

  /** Lets it dispose of what it holds, and end; if need be by force. */
  end(): void {
    if (this.isEnding) return
    this.isRetiring = this.isEnding = true
    clearTimeout(this.idleTimer)
    this.hold(true)
    if (this.#patience !== Infinity) this.#endTimer = setTimeout(() => this.kill('did not end'), this.#patience)
    this.link.send(`[${END}]`)
  }

  /** Ends it; once it has ended. */
  async close(): Promise<void> {
    if (this.#hasExited) return
    const exited = new Promise<void>((resolve) => {
      this.#onExit = resolve
    })
    this.end()
    await exited
  }

  kill(why: string): void {
    this.#killed ??= why
    this.isRetiring = true
    this.link.kill()
  }

  received(text: string, beside: readonly object[]): void {
    try {
      this.#receive(JSON.parse(text), beside)
    } catch (error) {
      // A worker that says what makes no sense: whatever else it says cannot be trusted.
      this.#fatal ??= error
      this.kill('said something that makes no sense')
    }
  }

  #receive(message: readonly unknown[], beside: readonly object[]): void {
    switch (message[0]) {
      case RESULTS: {
        const [, no, first, base, results, counts] = message as [number, number, number, number, unknown[], number[]?]
        const lane = this.lanes[no] as Lane
        lane.receive(first, base, results, counts, beside)
        const rest = lane.takeNotBegun()
        if (rest.length > 0) this.#owner.notBegun(lane, rest)
        return this.#owner.resultsReceived(lane)
      }
      case BEGUN:
        return this.lanes[message[1] as number]?.begun(message[2] as number)
      case READY:
        if (message.length > 1) this.place = { host: String(message[1]), worker: `process ${message[2]}` }
        this.isReady = true
        this.readyAt = systemClock.now()
        return this.#owner.workerReady(this)
      case LOADED:
        return this.#loaded(
          message[1] as number,
          message.length > 2 ? receivedValue(message[2], message[3], beside) : undefined,
        )
      case LINE: {
        const [, stream, line, task, taskId] = message as [number, 'stdout' | 'stderr', string, string, string]
        return this.#owner.wrote({ stream, line, task, taskId, worker: this.link.id, host: this.place.host })
      }
      case FATAL:
        this.#fatal = decodeFailure(receivedValue(message[1], message[2], beside))
        return
      default:
        throw new Error(`An unknown message: ${String(message[0])}`)
    }
  }

  #loaded(id: number, failure: Encoded | undefined): void {
    const load = this.#loads.get(id)
    this.#loads.delete(id)
    if (failure === undefined) load?.resolve()
    else load?.reject(decodeFailure(failure))
    this.#owner.loaded(this)
  }

  wrote(stream: 'stdout' | 'stderr', line: string): void {
    this.#owner.wrote({ stream, line, task: '', taskId: '', worker: this.link.id, host: this.place.host })
  }

  exited({ how: happened, cause: known, isHopeless = false }: WorkerExit): void {
    const how = this.#killed ?? happened
    const cause = this.#fatal ?? known
    this.isRetiring = true
    clearTimeout(this.idleTimer)
    clearTimeout(this.#endTimer)
    let wasRunning = false
    const crash = ({ kind: { name } }: Flight): WorkerCrashedError => {
      wasRunning = true
      return new WorkerCrashedError(
        `The worker that ran ${name} ${how}${at(this.place)}${reasonOf(cause)}`,
        cause === undefined ? undefined : { cause },
      )
    }
    const rest = this.lanes.flatMap((lane) => lane.crashed(crash))
    // Where another call is to blame, they may go on for as long as there are such.
    if (!wasRunning) for (const flight of rest) flight.moves++
    for (const { reject } of this.#loads.values())
      reject(
        new WorkerCrashedError(`A worker ${how} while it imported modules${at(this.place)}${reasonOf(cause)}`, {
          cause,
        }),
      )
    this.#loads.clear()
    this.#owner.workerExited(this, { how, cause, isHopeless }, rest)
    this.#hasExited = true
    this.#onExit?.()
  }
}

/** What the message of a crash says of its cause. */
export function reasonOf(cause: unknown): string {
  return cause instanceof Error && cause.message !== '' ? `: ${cause.message}` : ''
}
