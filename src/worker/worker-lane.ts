import { SerializationError, TimeoutError } from '../errors.ts'
import { Fifo } from '../fifo.ts'
import { isFuture, isThenable } from '../future/task-future.ts'
import { enter } from '../task/task-context.ts'
import type { DataPlane, Given } from '../transformer/data-plane.ts'
import { isLazy } from '../transformer/lazy.ts'
import type { MovedMessage } from '../transformer/moved.ts'
import { WorkerBody, type WorkerTask } from './body.ts'
import { type Channel, Packing } from './channel.ts'
import { decode, type Encoded, encode, type Packet } from './codec.ts'
import { encodeFailure } from './failure.ts'
import type { Ledger } from './ledger.ts'
import {
  BEGUN,
  CALL_PARTS,
  FAILURE,
  FAILURE_PACKET,
  MOVED,
  MOVED_PACKET,
  NOTHING,
  PACKED,
  RESULTS,
  SKIPPED,
  VALUE,
  VALUE_PACKET,
} from './protocol.ts'

/** Calls that came in one message. */
export interface Pack {
  /** `no, seq, attempt, args` of each, see `protocol.ts`. */
  readonly calls: readonly unknown[]
  readonly packets: readonly Packet[]
  /** By their numbers. */
  readonly tasks: readonly WorkerTask[]
  /** Whether it is all that the lane has to do, and its positions count from 0: so with a host. */
  readonly isAlone: boolean
}

/** What a lane needs of its worker. */
export interface LaneHost {
  readonly channel: Channel
  readonly isThread: boolean
  load(task: WorkerTask): Promise<void>
  bodyEnded(body: WorkerBody): void
}

/** Milliseconds after which results are sent although more calls of their pack are to come. */
const FLUSH_AFTER = 0.3
/** Milliseconds within which a call comes after the last result if it was waiting already: asking for more takes 2 µs. */
const STREAM = 0.005
/** Calls of a pack from which on its results are sent in two parts: a message costs a process more. */
const [LEAST_SPLIT_IN_THREAD, LEAST_SPLIT_IN_PROCESS] = [16, 40]
/** Characters after which they are. */
const FLUSH_SIZE = 32_768

/** Runs calls one at a time, in the order in which they came, and sends what became of them in that order. */
export class WorkerLane {
  readonly #no: number
  readonly #host: LaneHost
  /** Undefined where there is none: then each result is sent at once. */
  readonly #ledger: Ledger | undefined
  readonly #packs: Fifo<Pack> = new Fifo()
  #isRunning = false
  /** Of the next call, among all that came to this lane. */
  #position = 0
  #body: WorkerBody | undefined = undefined
  /** Calls that were taken back before they began, by position, with the reason. */
  readonly #revoked: Map<number, unknown> = new Map()
  /** What became of calls, to be sent. */
  #results = ''
  #first = 0
  #base = 0
  #packing: Packing | undefined = undefined
  #flushed = 0
  /** Milliseconds that it took to get the values of the arguments of the call that runs. */
  #inputMs = 0
  #flushComes = false

  constructor(no: number, host: LaneHost, ledger: Ledger | undefined) {
    this.#no = no
    this.#host = host
    this.#ledger = ledger
  }

  push(pack: Pack): void {
    this.#packs.push(pack)
    if (!this.#isRunning) void this.#run()
  }

  /** Tells a body to stop, or keeps it from beginning. */
  abort(position: number, reason: unknown): void {
    if (position >= this.#position) this.#revoked.set(position, reason)
    else if (position === this.#position - 1) this.#body?.abort(reason)
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    const start = now()
    const isStream = start - this.#flushed < STREAM
    this.#flushed = start
    for (let pack = this.#packs.shift(); pack !== undefined; pack = this.#packs.shift()) {
      if (pack.isAlone) this.#restart()
      await this.#runPack(pack, isStream || pack.calls.length > CALL_PARTS)
      if (pack.isAlone) this.#host.channel.send(`[${PACKED},${this.#no}]`)
    }
    this.#isRunning = false
  }

  #restart(): void {
    this.#position = 0
    this.#revoked.clear()
    this.#ledger?.restart?.()
  }

  /** The time of the call that runs is up. */
  timeUp(position: number): void {
    const { task } = this.#body ?? {}
    if (task === undefined) return
    this.abort(position, new TimeoutError(`Task ${task.name} ran longer than ${task.timeout} ms`))
  }

  /** @param isStream - whether more calls may have come when these have ended: their results can go in the same message */
  async #runPack({ calls, packets, tasks }: Pack, isStream: boolean): Promise<void> {
    if (this.#results === '') this.#base = now()
    // The client can go on with the first half while the second one runs.
    const count = calls.length / CALL_PARTS
    const half = count >= (this.#host.isThread ? LEAST_SPLIT_IN_THREAD : LEAST_SPLIT_IN_PROCESS) ? count >> 1 : -1
    for (let i = 0; i < calls.length; i += CALL_PARTS) {
      const position = this.#position++
      const mayBegin = this.#ledger?.begin(position) !== false
      if (!mayBegin || (this.#revoked.size > 0 && this.#revoked.delete(position))) {
        this.#answer(position, SKIPPED, '0')
        continue
      }
      const task = tasks[calls[i] as number] as WorkerTask
      // Before the import: it may be told to stop meanwhile.
      const body = new WorkerBody(task, calls[i + 1] as number, calls[i + 2] as number, this.#no)
      this.#body = body
      if (!task.isLoaded) {
        // What came before must not wait for the import, nor count it.
        this.#flush()
        await this.#host.load(task)
        this.#base = this.#flushed = now()
      }
      if (task.timeout > 0) this.#announce(position, task)
      try {
        if (task.failure !== undefined) throw task.failure.error
        const args = calls[i + 3]
        const given = (typeof args === 'number' ? decode(packets[args] as Packet) : args) as readonly unknown[] | Given
        const list = task.plane === undefined ? given : await this.#take(body, task.plane, given)
        enter(body)
        // Taken out first: a function of nobody has no `this`.
        const fn = task.fn as (...all: readonly unknown[]) => unknown
        let value = fn(...(list as readonly unknown[]))
        if (isThenable(value)) {
          this.#flushIfItTakesLong()
          value = await value
        }
        if (Array.isArray(value) && value.some(isFuture)) value = await Promise.all(value)
        // What it wrote is told before what became of it.
        this.#host.bodyEnded(body)
        // Without a data plane a lazy value has nowhere to go but here.
        if (task.lazy !== undefined && task.plane === undefined && isLazy(value)) value = await value.get()
        if (task.plane === undefined) this.#succeed(position, value)
        else await this.#leave(position, value, task, task.plane)
      } catch (error) {
        this.#host.bodyEnded(body)
        this.#fail(position, body.failureOf(error))
      }
      this.#body = undefined
      if (i === half * CALL_PARTS) this.#flush()
    }
    if (this.#packs.size > 0) return
    if (isStream) this.#host.channel.drain?.()
    if (this.#packs.size === 0) this.#flush()
  }

  /** Gets the values of the arguments. */
  async #take(body: WorkerBody, plane: DataPlane, given: readonly unknown[] | Given): Promise<readonly unknown[]> {
    const start = now()
    const list = plane.take(given, body.task)
    if (isThenable(list)) this.#flushIfItTakesLong()
    const args = await list
    body.throwIfAborted()
    this.#inputMs = now() - start
    return args
  }

  /** Leaves the result where it is, if it is to travel by reference. */
  async #leave(position: number, value: unknown, task: WorkerTask, plane: DataPlane): Promise<void> {
    const start = now()
    const inputMs = this.#inputMs
    const leaving = plane.leave(value, { task: task.name, kind: 'result', index: -1 })
    if (isThenable(leaving)) this.#flushIfItTakesLong()
    const left = await leaving
    const kind = left === undefined ? 0 : left.isNew ? 2 : 1
    const message: MovedMessage = [kind, inputMs, now() - start, left === undefined ? value : left.identifier]
    this.#answerWith(position, MOVED, MOVED_PACKET, this.#encodeMoved(message))
  }

  #encodeMoved(message: MovedMessage): Encoded {
    try {
      return this.#encode(message)
    } catch (error) {
      // Once more, for the path to what cannot travel.
      this.#encode(message[3])
      throw error
    }
  }

  #encode(result: unknown): Encoded {
    return encode(result, 'result', this.#host.isThread, !this.#host.isThread)
  }

  #succeed(position: number, value: unknown): void {
    if (value === undefined) return this.#answer(position, NOTHING, '0')
    this.#answerWith(position, VALUE, VALUE_PACKET, this.#encode(value))
  }

  #fail(position: number, error: unknown): void {
    this.#answerWith(position, FAILURE, FAILURE_PACKET, encodeFailure(error, this.#host.isThread))
  }

  #answerWith(position: number, kind: number, packetKind: number, encoded: Encoded): void {
    if (typeof encoded === 'string') return this.#answer(position, kind, encoded)
    // No ledger keeps it: it is sent at once, apart from the others.
    this.#flush()
    this.#packing = new Packing()
    this.#add(position, `${packetKind},${this.#elapsed(now())},${this.#packing.add(encoded)}`)
    try {
      this.#flush()
    } catch (cause) {
      this.#results = ''
      this.#packing = undefined
      this.#fail(position, new SerializationError(`The result cannot be sent: ${(cause as Error).message}`, { cause }))
    }
  }

  #answer(position: number, kind: number, payload: string): void {
    const time = now()
    const result = `${kind},${this.#elapsed(time)},${payload}`
    this.#add(position, result)
    const isKept = this.#ledger?.commit(position, result) === true
    if (!isKept || this.#results.length > FLUSH_SIZE || time - this.#flushed > FLUSH_AFTER) this.#flush()
  }

  #elapsed(time: number): number {
    return Math.round((time - this.#base) * 1000)
  }

  #add(position: number, result: string): void {
    if (this.#results === '') {
      this.#first = position
      this.#results = result
    } else this.#results += `,${result}`
  }

  #flush(): void {
    if (this.#results === '') return
    const base = performance.timeOrigin + this.#base
    const packets = this.#packing === undefined ? '' : `,${JSON.stringify(this.#packing.counts)}`
    this.#host.channel.send(
      `[${RESULTS},${this.#no},${this.#first},${base},[${this.#results}]${packets}]`,
      this.#packing?.beside,
    )
    this.#ledger?.sent()
    this.#results = ''
    this.#packing = undefined
    this.#base = this.#flushed = now()
  }

  /** A body that waits for I/O or a timer must not keep the results of those before it. */
  #flushIfItTakesLong(): void {
    if (this.#results === '' || this.#flushComes) return
    this.#flushComes = true
    setImmediate(() => {
      this.#flushComes = false
      this.#flush()
    })
  }

  #announce(position: number, { timeout, killAfter }: WorkerTask): void {
    this.#flush()
    this.#host.channel.send(`[${BEGUN},${this.#no},${position},${timeout},${killAfter}]`)
  }
}

function now(): number {
  return performance.now()
}
