import { hostname } from 'node:os'
import { ConfigError, MissingPeerError, messageOf, WorkerCrashedError } from '../errors.ts'
import type { Backend, BackendListener, OutgoingPack } from '../executor/packs/backend.ts'
import { refusalOf } from '../executor/packs/refusal.ts'
import { isObject } from '../options.ts'
import { receivedValue } from '../worker/channel.ts'
import { decodeFailure } from '../worker/failure.ts'
import { Frames } from '../worker/frames.ts'
import type { LedgerState } from '../worker/ledger.ts'
import { CRASHED, LOAD, LOADED, REFUSED, type TaskMessage } from '../worker/protocol.ts'
import {
  ABORT_CALL,
  ANSWER,
  CANCEL,
  EARLY,
  EVENT,
  FATAL_ERROR,
  LOST,
  NOT_RUN,
  PROGRAM_READY,
  type ReadyMessage,
  SEND,
  SLOTS,
  START,
  type StartMessage,
  WARMED,
  WARMUP,
  WROTE,
} from './protocol.ts'
import { type ProgramExit, PythonProgram } from './python-program.ts'

/** What a back end is driven with. */
export interface PythonBackendOptions {
  /** The executor, for messages. */
  readonly name: string
  /** The interpreter. */
  readonly python: string
  /** Of the interpreter. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly start: StartMessage
}

/** A warm-up that was asked for. */
interface Warmup {
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Drives a back end by the Python program. */
export class PythonBackend implements Backend {
  readonly #options: PythonBackendOptions
  readonly #frames: Frames = new Frames(() => {})
  #listener: BackendListener | undefined
  #program: PythonProgram | undefined
  /** What it said once the back end was there. */
  #ready: ReadyMessage | undefined
  /** How many packs it runs at the same time, as it said last. */
  #slots = 0
  /** Programs that have been told to end. */
  readonly #ending: Set<Promise<void>> = new Set()
  #isHeld = false
  #lastWarmup = 0
  readonly #warmups: Map<number, Warmup> = new Map()
  /** To be sent when the back end is there. */
  #waiting: (() => void)[] = []

  constructor(options: PythonBackendOptions) {
    this.#options = options
  }

  /** Where to read more of what goes wrong in the back end. */
  get #logs(): string {
    const logs = this.#ready?.logs
    return typeof logs === 'string' ? `\nThe back end keeps its logs in ${logs} on ${this.#ready?.hostname}` : ''
  }

  start(listener: BackendListener): void {
    this.#listener = listener
    if (this.#program !== undefined) return
    const { python, env, start } = this.#options
    const program: PythonProgram = new PythonProgram(python, env, {
      received: (text, beside) => {
        if (this.#program === program) this.#receive(JSON.parse(text), beside)
      },
      wrote: (line) => this.#wrote('stderr', line, hostname(), `process ${program.pid}`),
      exited: (exit) => {
        if (this.#program === program) this.#gone(this.#whyExited(exit))
      },
    })
    this.#program = program
    if (program.pid === 0) return
    program.hold(this.#isHeld)
    program.send([START, start])
  }

  send({ id, text, beside, isAlone }: OutgoingPack): void {
    this.#program?.send([SEND, id, isAlone], [this.#frame(text, beside)])
  }

  cancel(id: number): void {
    this.#program?.send([CANCEL, id])
  }

  abort(id: number, position: number, text: string, beside: readonly object[]): void {
    this.#program?.send([ABORT_CALL, id, position], [this.#frame(text, beside)])
  }

  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
    this.#program?.hold(isHeld)
  }

  warmup(tasks: readonly TaskMessage[]): Promise<void> {
    const id = ++this.#lastWarmup
    const load = JSON.stringify([LOAD, id, tasks])
    return new Promise((resolve, reject) => {
      this.#warmups.set(id, { resolve, reject })
      this.#whenReady(() => this.#program?.send([WARMUP, id, this.#slots], [this.#frame(load)]))
    })
  }

  async close(): Promise<void> {
    const program = this.#program
    this.#program = this.#ready = undefined
    if (program !== undefined) this.#end(program)
    await Promise.all(this.#ending)
  }

  #end(program: PythonProgram): void {
    const ending = program.end().finally(() => this.#ending.delete(ending))
    this.#ending.add(ending)
  }

  #whenReady(send: () => void): void {
    if (this.#ready !== undefined) send()
    else this.#waiting.push(send)
  }

  /** A whole frame, in memory of its own. */
  #frame(text: string, beside: readonly object[] = []): ArrayBuffer {
    const chunks = this.#frames.frame(text, beside)
    const frame = new Uint8Array(chunks.reduce((size, { length }) => size + length, 0))
    let at = 0
    for (const chunk of chunks) {
      frame.set(chunk, at)
      at += chunk.length
    }
    return frame.buffer
  }

  #receive(message: readonly unknown[], beside: readonly object[]): void {
    const listener = this.#listener as BackendListener
    const id = message[1] as number
    switch (message[0]) {
      case PROGRAM_READY:
        return this.#becomeReady(message[1] as ReadyMessage)
      case SLOTS:
        return this.#has(id)
      case ANSWER:
        this.#answer(id, beside)
        return listener.ended(id, { kind: 'answered' })
      case EARLY:
        return this.#answer(id, beside)
      case LOST:
        return this.#lost(id, message)
      case NOT_RUN:
        return listener.ended(id, { kind: 'notRun' })
      case WROTE:
        return this.#wrote(...(message.slice(1) as ['stdout' | 'stderr', string, string, string]))
      case FATAL_ERROR:
        return this.#fatal(...(message.slice(1) as [string, string, string]))
      case WARMED:
        return this.#warmed(id, message[2], beside)
      case EVENT:
        return this.#event(...(message.slice(1) as [string, string, string, string]))
    }
  }

  #becomeReady(ready: ReadyMessage): void {
    this.#ready = ready
    this.#has(ready.slots)
    for (const send of this.#waiting.splice(0)) send()
  }

  #has(slots: number): void {
    this.#slots = slots
    this.#listener?.slots(slots)
  }

  #answer(id: number, [bytes]: readonly object[]): void {
    const frames = new Frames((text, beside) => this.#listener?.frames(id, text, beside))
    frames.push(new Uint8Array(bytes as ArrayBuffer))
  }

  #lost(id: number, [, , how, host, state, traceback, worker]: readonly unknown[]): void {
    this.#listener?.ended(id, {
      kind: 'lost',
      how: String(how),
      cause: typeof traceback === 'string' && traceback !== '' ? pythonError(traceback) : undefined,
      host: textOf(host),
      worker: textOf(worker),
      state: Array.isArray(state) ? stateOf(state as [number, number, string[]]) : undefined,
    })
  }

  /** @param failure - of the back end; what a worker says is beside it */
  #warmed(id: number, failure: unknown, [bytes]: readonly object[]): void {
    const warmup = this.#warmups.get(id)
    this.#warmups.delete(id)
    const error = isObject(failure)
      ? this.#errorOf('backend', `It could not be warmed up: ${failure.message}`, String(failure.traceback ?? ''))
      : bytes && loadFailure(bytes)
    if (error === undefined) warmup?.resolve()
    else warmup?.reject(error)
  }

  #event(name: string, host: string, worker: string, how: string): void {
    if (name === 'workerStarted') this.#listener?.workerStarted({ host, worker })
    else if (name === 'workerExited') this.#listener?.workerExited({ host, worker }, how)
  }

  #wrote(stream: 'stdout' | 'stderr', line: string, host: string, worker: string): void {
    const id = Number(/\d+$/.exec(worker)?.[0] ?? 0)
    this.#listener?.wrote({ stream, line, task: '', taskId: '', host, worker: id })
  }

  /** It is of no use any more: the next call starts another one. */
  #fatal(kind: string, message: string, traceback: string): void {
    const program = this.#program as PythonProgram
    this.#gone(this.#errorOf(kind, message, traceback))
    this.#end(program)
  }

  #gone(error: unknown): void {
    this.#program = this.#ready = undefined
    this.#waiting = []
    for (const { reject } of this.#warmups.values()) reject(error)
    this.#warmups.clear()
    this.#listener?.failed(error)
  }

  /** It said no reason. */
  #whyExited({ how, cause, isMissing, output }: ProgramExit): Error {
    const { name, python } = this.#options
    if (how === 'could not be started') {
      const why = isMissing ? 'there is no such program' : messageOf(cause)
      const cure = 'Install Python 3.9 or newer, or say which it is: the option python, or TAPS_SDK_PYTHON'
      return new ConfigError(`${name} cannot start Python as ${python}: ${why}. ${cure}`, { cause })
    }
    const said = output === '' ? '' : `\nIt wrote last: ${output}`
    const when = this.#ready === undefined ? ' while it started the back end' : ''
    return new WorkerCrashedError(`The Python program of ${name} ${how}${when}${said}${this.#logs}`, { cause })
  }

  #errorOf(kind: string, message: string, traceback: string): Error {
    const cause = traceback === '' ? undefined : { cause: pythonError(traceback) }
    const text = `${this.#options.name}: ${message}${this.#logs}`
    if (kind === 'missing') return new MissingPeerError(text, cause)
    if (kind === 'config' || kind === 'node') return new ConfigError(text, cause)
    return new WorkerCrashedError(text, cause)
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** What a worker could not import, if it says so. */
function loadFailure(answer: object): unknown {
  let failure: unknown
  const read = (text: string, beside: readonly object[]): void => {
    const message = JSON.parse(text) as readonly unknown[]
    const [kind, first] = message
    if (kind === LOADED && message.length > 2) failure ??= decodeFailure(receivedValue(message[2], message[3], beside))
    else if (kind === REFUSED) failure ??= refusalOf(message)
    else if (kind === CRASHED) failure ??= new WorkerCrashedError(`A worker ${String(first)} while it was warmed up`)
  }
  new Frames(read).push(new Uint8Array(answer as ArrayBuffer))
  return failure
}

function stateOf([begun, first, results]: readonly [number, number, string[]]): LedgerState {
  return { begun, first, results }
}

/** What Python tells of an error: its stack is the one that Python printed. */
function pythonError(traceback: string): Error {
  const lines = traceback.trim().split('\n')
  // Behind the last line of code; without the module of the class.
  const message = lines.slice(lines.findLastIndex((line) => line.startsWith(' ')) + 1).join('\n')
  const error = new Error(message.replace(/^(?:\w+\.)+(?=\w+:)/, ''))
  error.name = 'PythonError'
  error.stack = traceback
  return error
}
