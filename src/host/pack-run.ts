import type { LedgerState } from '../worker/ledger.ts'
import { ABORT, BEGUN, GIVEN_BACK, HOST, PACK_TO, PACKED, RESULTS, TIME_UP, TIMED_OUT } from '../worker/protocol.ts'
import type { HostLedger } from './host-ledger.ts'
import type { HostedWorker } from './hosted-worker.ts'

/** Calls that are to run one after the other. */
export interface HostedPack {
  /** How many calls it has. */
  readonly calls: number
  /** A `PACK` message. */
  readonly text: string
  /** ArrayBuffers that go beside it. */
  readonly beside: readonly object[]
}

/** Told what becomes of a pack. */
export interface PackListener {
  /** A message of the answer: where it runs, results, lines, what was given back. */
  message(text: string, beside: readonly object[]): void
  /** Once: the last message. */
  finish(text: string): void
}

/** Milliseconds without news after which the calls of a pack that have not begun are given back. */
const LATE = 5
/** How many times as long it takes until a pack is given back of which no call has begun. */
const NOT_BEGUN = 20

/** A pack that runs in a lane of a hosted worker. */
export class PackRun {
  readonly pack: HostedPack
  readonly #listener: PackListener
  readonly #worker: HostedWorker
  readonly #lane: number
  readonly #ledger: HostLedger
  #hasEnded = false
  #hasNews = false
  /** How many calls had begun when it was last looked at. */
  #begun = 0
  /** How often nothing new was found since. */
  #looks = 0
  #lateTimer: NodeJS.Timeout | undefined = undefined
  #limitTimer: NodeJS.Timeout | undefined = undefined
  #killTimer: NodeJS.Timeout | undefined = undefined

  constructor(pack: HostedPack, listener: PackListener, worker: HostedWorker, lane: number, ledger: HostLedger) {
    this.pack = pack
    this.#listener = listener
    this.#worker = worker
    this.#lane = lane
    this.#ledger = ledger
  }

  start(): void {
    this.#ledger.restart()
    const { host, worker } = this.#worker.place
    this.#listener.message(JSON.stringify([HOST, host, worker]), [])
    if (this.#lane > 0) this.#worker.send(`[${PACK_TO},${this.#lane}]`)
    this.#worker.send(this.pack.text, this.pack.beside)
    if (this.pack.calls > 1) this.#lateTimer = setTimeout(() => this.#lookWhetherLate(), LATE)
  }

  /** A message of the worker about this lane. */
  received(kind: number, text: string, beside: readonly object[]): void {
    if (kind === BEGUN) return this.#begins(JSON.parse(text))
    // What came before a call with a time limit was told before it began.
    if (kind === RESULTS || kind === PACKED) clearTimeout(this.#limitTimer)
    if (kind === PACKED) {
      clearTimeout(this.#killTimer)
      this.#end(`[${PACKED}]`)
    } else this.#tell(text, beside)
  }

  /** @param text - of an `ABORT` message, for lane 0 */
  abort(text: string, beside: readonly object[]): void {
    if (this.#hasEnded) return
    this.#worker.send(`[${ABORT},${this.#lane}${text.slice(text.indexOf(',', text.indexOf(',') + 1))}`, beside)
  }

  /** What has not begun is not to begin here. */
  giveBack(): void {
    clearTimeout(this.#lateTimer)
    if (this.#hasEnded) return
    this.#ledger.limit(this.#ledger.read().begun)
    this.#tellRest(this.#ledger.read())
  }

  #tellRest({ begun, first, results }: LedgerState): void {
    if (begun < this.pack.calls) this.#listener.message(JSON.stringify([GIVEN_BACK, begun, first, results]), [])
  }

  /** The worker has ended. @param message - makes the last message */
  workerExited(message: (state: LedgerState) => string): void {
    clearTimeout(this.#killTimer)
    this.#end(message(this.#ledger.read()))
  }

  #tell(text: string, beside: readonly object[]): void {
    if (this.#hasEnded) return
    this.#hasNews = true
    this.#listener.message(text, beside)
  }

  #end(text: string): void {
    clearTimeout(this.#lateTimer)
    clearTimeout(this.#limitTimer)
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#listener.finish(text)
  }

  #lookWhetherLate(): void {
    if (!this.#hasNews) {
      const { begun } = this.#ledger.read()
      // One that has not begun at all may be about to; if another lane keeps the worker busy, it will not be soon.
      const patience = begun === 0 ? NOT_BEGUN : 1
      if (begun > this.#begun) this.#looks = 0
      else if (++this.#looks >= patience) return this.giveBack()
      this.#begun = begun
    }
    if (this.#hasNews) this.#looks = 0
    this.#hasNews = false
    this.#lateTimer = setTimeout(() => this.#lookWhetherLate(), LATE)
  }

  #begins([, , position, timeout, killAfter]: readonly [number, number, number, number, number | null]): void {
    clearTimeout(this.#limitTimer)
    this.#limitTimer = setTimeout(() => this.#timeUp(position, killAfter), timeout)
  }

  #timeUp(position: number, killAfter: number | null): void {
    if (this.#hasEnded) return
    // First the limit: what begins after the reading would run here, and be given to another worker.
    this.#ledger.limit(position + 1)
    const state = this.#ledger.read()
    // It has ended, but is not told yet. Results of calls before it may stand there still.
    if (state.begun > position + 1 || state.first + state.results.length > position) return this.#tellRest(state)
    this.#worker.send(`[${TIME_UP},${this.#lane},${position}]`)
    this.#end(JSON.stringify([TIMED_OUT, position, [state.begun, state.first, state.results]]))
    if (killAfter !== null) this.#killTimer = setTimeout(() => this.#worker.kill(), killAfter)
  }
}
