import { availableParallelism, hostname } from 'node:os'
import { EventEmitter } from 'eventemitter3'
import { TapsError } from '../errors.ts'
import type { OutputLine } from '../executor/output-file.ts'
import { environment, inheritedExecArgv } from '../executor/pool/pool-options.ts'
import type { WorkerExit } from '../executor/pool/worker-link.ts'
import { Fifo } from '../fifo.ts'
import { GIVEN_BACK, HOST, type HostedInit, PACK, PACKED, REFUSED, type TaskMessage } from '../worker/protocol.ts'
import type { HostedOptions } from './hosted-process.ts'
import { HostedWorker } from './hosted-worker.ts'
import type { HostedPack, PackListener, PackRun } from './pack-run.ts'

/** Options of a {@link PackHost}. */
export interface PackHostOptions {
  /** How many workers there may be. They are started when there is work for them. @defaultValue the available parallelism */
  readonly workers?: number | undefined
  /** How many packs a worker runs at the same time. @defaultValue 1 */
  readonly concurrency?: number | undefined
  /** Milliseconds after which a worker ends that has nothing to do. @defaultValue Infinity */
  readonly idleTimeout?: number | undefined
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  readonly execArgv?: readonly string[] | undefined
  readonly cwd?: string | undefined
  /** The Node program. @defaultValue the one that runs this process */
  readonly node?: string | undefined
  /** Where workers find tasks. */
  readonly hosted: HostedInit
}

/** Milliseconds that workers have to end in. */
const PATIENCE = 5_000

/** Why a pack is refused that comes too late. */
const ENDS = 'The worker ends'

/** What a host tells. */
export interface PackHostEvents {
  /** Something was written while a worker ran nothing. */
  output: [line: OutputLine]
  workerStarted: [worker: string]
  workerExited: [worker: string, how: string]
  /** A worker could not be started. */
  failed: [message: string]
}

/** A worker that is to import modules. */
interface Loading {
  readonly worker: HostedWorker
  settle(error: unknown): void
}

interface Waiting {
  readonly pack: HostedPack
  readonly listener: PackListener
  run: PackRun | undefined
  readonly aborts: (readonly [text: string, beside: readonly object[]])[]
}

/** A pack that a host has taken. */
export interface TakenPack {
  /** A call is to stop, or not to begin. @param text - an `ABORT` message for lane 0 */
  abort(text: string, beside: readonly object[]): void
}

/** The hosted workers of one machine: takes packs, and tells their answers. */
export class PackHost {
  /** How many packs it runs at the same time. */
  readonly slots: number
  #options: HostedOptions
  readonly #most: number
  readonly #idleTimeout: number
  readonly #workers: Set<HostedWorker> = new Set()
  readonly #waiting: Fifo<Waiting> = new Fifo()
  readonly #events: EventEmitter<PackHostEvents> = new EventEmitter()
  readonly #loads: Map<number, Loading> = new Map()
  #lastLoad = 0
  #isClosed = false
  #whenEmpty: (() => void)[] = []

  constructor(options: PackHostOptions) {
    const { workers = availableParallelism(), concurrency = 1, idleTimeout = Infinity, env, cwd, hosted } = options
    const { execArgv = inheritedExecArgv(process.execArgv), node = process.execPath } = options
    this.slots = workers * concurrency
    this.#most = workers
    this.#idleTimeout = idleTimeout
    const init = initOf(concurrency, hosted)
    this.#options = { node, execArgv, cwd, env: environment(env), lanes: concurrency, init }
  }

  /** What workers know that are started from now on; the others end after what they run. */
  setHosted(hosted: HostedInit): void {
    this.#options = { ...this.#options, init: initOf(this.#options.lanes, hosted) }
    for (const worker of this.#workers) worker.retire()
    this.#pump()
  }

  on<E extends keyof PackHostEvents>(event: E, listener: (...args: PackHostEvents[E]) => void): this {
    this.#events.on(event, listener as never)
    return this
  }

  /** Runs a pack as soon as a lane is free. */
  run(pack: HostedPack, listener: PackListener): TakenPack {
    const taken: Waiting = { pack, listener, run: undefined, aborts: [] }
    if (this.#isClosed) refuse(taken, ENDS)
    else if (pack.text.startsWith(`[${PACK},`)) {
      this.#waiting.push(taken)
      this.#pump()
    } else refuse(taken, 'This is no pack')
    return {
      abort: (text, beside) => {
        if (taken.run === undefined) taken.aborts.push([text, beside])
        else taken.run.abort(text, beside)
      },
    }
  }

  /** Starts a worker, if there is none. @throws TapsError that says why none can be started: a module that cannot be imported, for one */
  async check(): Promise<void> {
    if (this.#workers.size === 0) this.#start()
    const [worker] = this.#workers
    await this.#load(worker as HostedWorker, [])
  }

  /** Starts all workers, and has each import the modules of these tasks. */
  async load(tasks: readonly TaskMessage[]): Promise<void> {
    while (this.#staying.length < this.#most) this.#start()
    await Promise.all(this.#staying.map((worker) => this.#load(worker, tasks)))
  }

  /** What has not begun is not to begin here: each pack ends with the calls that run. */
  giveBack(): void {
    while (this.#waiting.size > 0) giveBack(this.#waiting.shift() as Waiting)
    for (const worker of this.#workers) worker.giveBack()
  }

  /** Ends all workers, at once if they are not to end what they run. */
  async close({ isHard = false }: { readonly isHard?: boolean } = {}): Promise<void> {
    this.#isClosed = true
    this.#refuse(ENDS)
    for (const worker of this.#workers) {
      if (isHard) worker.kill()
      else worker.retire()
    }
    if (this.#workers.size === 0) return
    // Whoever is still busy runs a body whose time was up.
    const timer = setTimeout(() => {
      for (const worker of this.#workers) worker.kill()
    }, PATIENCE)
    await new Promise<void>((resolve) => {
      this.#whenEmpty.push(resolve)
    })
    clearTimeout(timer)
  }

  get #staying(): HostedWorker[] {
    return [...this.#workers].filter(({ isRetiring }) => !isRetiring)
  }

  #load(worker: HostedWorker, tasks: readonly TaskMessage[]): Promise<void> {
    const id = ++this.#lastLoad
    return new Promise((resolve, reject) => {
      const settle = (error: unknown): void => {
        this.#loads.delete(id)
        if (error === undefined) resolve()
        else reject(error)
      }
      this.#loads.set(id, { worker, settle })
      worker.load(id, tasks)
    })
  }

  #pump(): void {
    while (this.#waiting.size > 0) {
      const worker = this.#freeWorker()
      if (worker === undefined) return this.#startIfUseful()
      const taken = this.#waiting.shift() as Waiting
      clearTimeout(worker.idleTimer)
      taken.run = worker.run(taken.pack, taken.listener)
      for (const [text, beside] of taken.aborts) taken.run.abort(text, beside)
    }
  }

  /** The one that was used last, so that the others can end. */
  #freeWorker(): HostedWorker | undefined {
    let free: HostedWorker | undefined
    for (const worker of this.#workers) if (worker.hasRoom) free = worker
    return free
  }

  #startIfUseful(): void {
    const staying = this.#staying
    const starting = staying.filter(({ isReady }) => !isReady).length
    const wanted = Math.ceil(this.#waiting.size / this.#options.lanes) - starting
    for (let i = 0; i < Math.min(wanted, this.#most - staying.length); i++) this.#start()
  }

  #start(): void {
    const worker = new HostedWorker(this.#options, {
      ready: () => {
        this.#events.emit('workerStarted', worker.place.worker)
        this.#free(worker)
      },
      free: () => this.#free(worker),
      exited: (_, exit, reason) => this.#exited(worker, exit, reason),
      wrote: (stream, line) => {
        const { host } = worker.place
        this.#events.emit('output', { stream, line, task: '', taskId: '', worker: worker.id, host })
      },
      loaded: (_, id, error) => this.#loads.get(id)?.settle(error),
    })
    this.#workers.add(worker)
  }

  #free(worker: HostedWorker): void {
    this.#pump()
    if (!worker.isIdle || worker.isRetiring) return
    // Behind the others: those that were used last are taken first.
    this.#workers.delete(worker)
    this.#workers.add(worker)
    if (this.#idleTimeout === Infinity) return
    clearTimeout(worker.idleTimer)
    worker.idleTimer = setTimeout(() => worker.retire(), this.#idleTimeout)
  }

  #exited(worker: HostedWorker, { how }: WorkerExit, reason: string): void {
    this.#workers.delete(worker)
    const { isReady, place } = worker
    const message = `${isReady ? 'A worker ended' : 'A worker could not be started'} on ${place.host}: ${reason}`
    for (const loading of [...this.#loads.values()])
      if (loading.worker === worker) loading.settle(new TapsError('ILLEGAL_STATE', message))
    if (isReady) this.#events.emit('workerExited', place.worker, how)
    else if (!worker.isRetiring) {
      this.#events.emit('failed', message)
      this.#refuse(message)
    }
    if (this.#workers.size === 0) for (const resolve of this.#whenEmpty.splice(0)) resolve()
    if (!this.#isClosed) this.#pump()
  }

  /** Nobody would run them. */
  #refuse(message: string): void {
    while (this.#waiting.size > 0) refuse(this.#waiting.shift() as Waiting, message)
  }
}

/** None of its calls has begun. */
function giveBack({ listener }: Waiting): void {
  tellHost(listener)
  listener.message(JSON.stringify([GIVEN_BACK, 0, 0, []]), [])
  listener.finish(`[${PACKED}]`)
}

/** That it was no worker which took the pack. */
function tellHost(listener: PackListener): void {
  listener.message(JSON.stringify([HOST, hostname(), '']), [])
}

function refuse({ listener }: Waiting, message: string): void {
  tellHost(listener)
  listener.finish(JSON.stringify([REFUSED, message, 'crash']))
}

function initOf(lanes: number, hosted: HostedInit): string {
  return JSON.stringify({ lanes, isThread: false, library: '', initializerArgs: [], packets: [], hosted })
}
