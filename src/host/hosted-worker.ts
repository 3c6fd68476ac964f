import { messageOf } from '../errors.ts'
import type { WorkerPlace } from '../executor/executor.ts'
import type { LinkListener, WorkerExit } from '../executor/pool/worker-link.ts'
import { receivedValue } from '../worker/channel.ts'
import { decodeFailure } from '../worker/failure.ts'
import {
  BEGUN,
  CRASHED,
  END,
  FATAL,
  LINE,
  LOAD,
  LOADED,
  PACKED,
  READY,
  RESULTS,
  type TaskMessage,
} from '../worker/protocol.ts'
import type { HostLedger } from './host-ledger.ts'
import { type HostedOptions, HostedProcess } from './hosted-process.ts'
import { type HostedPack, type PackListener, PackRun } from './pack-run.ts'

/** Who has hosted workers. */
export interface HostedOwner {
  ready(worker: HostedWorker): void
  /** A lane can take a pack. */
  free(worker: HostedWorker): void
  /** @param reason - if it never was ready: why */
  exited(worker: HostedWorker, exit: WorkerExit, reason: string): void
  /** Written while it runs nothing. */
  wrote(stream: 'stdout' | 'stderr', line: string): void
  loaded(worker: HostedWorker, id: number, error: unknown): void
}

/** Characters of a worker's last output that are told when it crashes. */
const LAST_OUTPUT = 2_000
/** Milliseconds that a worker has to end in when it is told to. */
const PATIENCE = 5_000

/** A hosted worker, as its host knows it. */
export class HostedWorker implements LinkListener {
  readonly place: WorkerPlace
  readonly #owner: HostedOwner
  readonly #link: HostedProcess
  readonly #runs: (PackRun | undefined)[]
  isReady = false
  /** It takes no more packs, and ends when it has nothing to do. */
  isRetiring = false
  #isEnding = false
  /** How many loads are under way. */
  #loads = 0
  idleTimer: NodeJS.Timeout | undefined = undefined
  #fatal: unknown = undefined
  #output = ''
  #endTimer: NodeJS.Timeout | undefined = undefined

  constructor(options: HostedOptions, owner: HostedOwner) {
    this.#owner = owner
    this.#runs = Array.from({ length: options.lanes })
    this.#link = new HostedProcess(options, this)
    this.place = this.#link.place
  }

  /** The id of the process. */
  get id(): number {
    return this.#link.id
  }

  get isIdle(): boolean {
    return this.#loads === 0 && this.#runs.every((run) => run === undefined)
  }

  get hasRoom(): boolean {
    return this.isReady && !this.isRetiring && this.#runs.includes(undefined)
  }

  run(pack: HostedPack, listener: PackListener): PackRun {
    const lane = this.#runs.indexOf(undefined)
    const run = new PackRun(pack, listener, this, lane, this.#link.ledgers[lane] as HostLedger)
    this.#runs[lane] = run
    this.#hold()
    run.start()
    return run
  }

  /** Has it import the modules of these tasks: its owner is told when it has `loaded`. */
  load(id: number, tasks: readonly TaskMessage[]): void {
    clearTimeout(this.idleTimer)
    this.#loads++
    this.#hold()
    this.send(`[${LOAD},${id},${JSON.stringify(tasks)}]`)
  }

  send(text: string, beside?: readonly object[]): void {
    this.#link.send(text, beside)
  }

  kill(): void {
    this.#link.kill()
  }

  /** Whether it runs something, or is about to: then the program has to stay alive for it. */
  #hold(): void {
    this.#link.hold(!this.isReady || this.#isEnding || !this.isIdle)
  }

  retire(): void {
    if (this.isRetiring) return
    this.isRetiring = true
    clearTimeout(this.idleTimer)
    if (this.isIdle) this.#end()
  }

  #end(): void {
    this.#isEnding = true
    this.#hold()
    this.send(`[${END}]`)
    this.#endTimer = setTimeout(() => this.kill(), PATIENCE)
  }

  giveBack(): void {
    for (const run of this.#runs) run?.giveBack()
  }

  received(text: string, beside: readonly object[]): void {
    // What most messages are: not parsed here, for they are passed on as they are.
    const kind = Number.parseInt(text.slice(1, 3), 10)
    if (kind === RESULTS || kind === PACKED || kind === BEGUN) return this.#aboutLane(kind, text, beside)
    if (kind === LINE) return this.#line(text)
    const message = JSON.parse(text) as unknown[]
    if (kind === READY) {
      this.isReady = true
      this.#hold()
      this.#owner.ready(this)
    } else if (kind === FATAL) {
      this.#fatal = decodeFailure(receivedValue(message[1], message[2], beside))
      for (const run of this.#runs) run?.received(FATAL, text, beside)
    } else if (kind === LOADED) {
      this.#loads--
      this.#owner.loaded(this, message[1] as number, errorIn(message, beside))
      this.#rest()
    }
  }

  wrote(stream: 'stdout' | 'stderr', line: string): void {
    if (stream === 'stderr') this.#output = `${this.#output}${line}\n`.slice(-LAST_OUTPUT)
    this.#line(JSON.stringify([LINE, stream, line, '', '', -1]))
  }

  exited(exit: WorkerExit): void {
    clearTimeout(this.idleTimer)
    clearTimeout(this.#endTimer)
    const why = exit.cause === undefined ? exit.how : `${exit.how}: ${messageOf(exit.cause)}`
    const runs = this.#runs.splice(0)
    for (const run of runs)
      run?.workerExited(({ begun, first, results }) =>
        JSON.stringify([CRASHED, why, [begun, first, results], this.#output]),
      )
    const last = this.#fatal === undefined ? this.#output : messageOf(this.#fatal)
    this.#owner.exited(this, exit, last === '' ? `it ${why}` : `it ${why}: ${last.trim()}`)
  }

  #aboutLane(kind: number, text: string, beside: readonly object[]): void {
    const lane = Number.parseInt(text.slice(4), 10)
    const run = this.#runs[lane]
    if (kind === PACKED) this.#runs[lane] = undefined
    run?.received(kind, text, beside)
    if (kind === PACKED) this.#rest()
  }

  /** It has less to do than before. */
  #rest(): void {
    this.#hold()
    if (this.isRetiring && this.isIdle) this.#end()
    this.#owner.free(this)
  }

  /** What no running task wrote is the pack's if there is only one; else nobody knows whose it is. */
  #line(text: string): void {
    const lane = Number.parseInt(text.slice(text.lastIndexOf(',') + 1), 10)
    const run = this.#runs.length === 1 ? this.#runs[0] : this.#runs[lane]
    if (run !== undefined) return run.received(LINE, text, [])
    const [, stream, line] = JSON.parse(text) as [number, 'stdout' | 'stderr', string]
    this.#owner.wrote(stream, line)
  }
}

function errorIn(message: readonly unknown[], beside: readonly object[]): unknown {
  return message.length > 2 ? decodeFailure(receivedValue(message[2], message[3], beside)) : undefined
}
