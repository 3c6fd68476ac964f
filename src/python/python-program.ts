import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { messageOf } from '../errors.ts'
import { environment } from '../executor/pool/pool-options.ts'
import { Frames } from '../worker/frames.ts'
import { Lines } from '../worker/lines.ts'
import { programSource } from './program-source.ts'
import { PROGRAM_END, SOURCES } from './protocol.ts'

/** Whom a program tells. */
export interface ProgramListener {
  received(text: string, beside: readonly object[]): void
  /** It, or what it has started, wrote a line to standard error. */
  wrote(line: string): void
  /** Once. @param exit - `how` in words: `was killed by SIGKILL` */
  exited(exit: ProgramExit): void
}

/** How a program has ended. */
export interface ProgramExit {
  readonly how: string
  readonly cause: unknown
  /** That it could not even be started: there is no such program. */
  readonly isMissing: boolean
  /** The end of what it wrote to standard error. */
  readonly output: string
}

/** Characters of its last output that are told. */
const LAST_OUTPUT = 2_000
/** Milliseconds that its pipes may stay open after its end: what it has started may have them too. */
const PATIENCE = 200
/** Milliseconds that it has to end in when it is told to: some clusters take their time. Then it is asked to, and then killed. */
const TIME_TO_END = 15_000
const TIME_TO_DIE = 3_000

/** Which Python it is, where none is given: that of an environment that is activated first. */
export function defaultPython({ VIRTUAL_ENV, TAPS_SDK_PYTHON }: NodeJS.ProcessEnv): string {
  if (VIRTUAL_ENV !== undefined && VIRTUAL_ENV !== '') return join(VIRTUAL_ENV, 'bin', 'python')
  return TAPS_SDK_PYTHON !== undefined && TAPS_SDK_PYTHON !== '' ? TAPS_SDK_PYTHON : 'python3'
}

/** The Python program that runs beside this process, and drives a back end. It ends with its standard input: so it does with this process. */
export class PythonProgram {
  readonly #child: ChildProcess
  readonly #listener: ProgramListener
  readonly #frames: Frames
  #output = ''
  /** What it said that makes no sense. */
  #fault: unknown
  #isTold = false
  readonly #whenExited: Promise<void>
  #exited: () => void = () => {}

  constructor(python: string, env: Readonly<Record<string, string | undefined>>, listener: ProgramListener) {
    this.#listener = listener
    this.#frames = new Frames((text, beside) => listener.received(text, beside))
    this.#whenExited = new Promise((resolve) => {
      this.#exited = resolve
    })
    const bootstrap = programSource['bootstrap.py'] ?? ''
    this.#child = spawn(python, ['-u', '-c', bootstrap], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: environment(env) as NodeJS.ProcessEnv,
    })
    this.#follow()
    if (this.#child.pid !== undefined) this.send([SOURCES, programSource])
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** @param message - or its JSON text */
  send(message: unknown, beside: readonly object[] = []): void {
    const stdin = this.#child.stdin as Writable
    stdin.cork()
    for (const chunk of this.#frames.frame(JSON.stringify(message), beside)) stdin.write(chunk)
    stdin.uncork()
  }

  /** Whether this process has to stay alive for it. */
  hold(isHeld: boolean): void {
    if (isHeld) this.#child.ref()
    else this.#child.unref()
  }

  /** Tells it to end, with what it has started, and waits for that. */
  async end(): Promise<void> {
    if (this.#isTold) return
    this.hold(true)
    this.send([PROGRAM_END, { cancel: true }])
    ;(this.#child.stdin as Writable).end()
    const timers = [
      setTimeout(() => this.#child.kill('SIGTERM'), TIME_TO_END),
      setTimeout(() => this.#child.kill('SIGKILL'), TIME_TO_END + TIME_TO_DIE),
    ]
    await this.#whenExited
    for (const timer of timers) clearTimeout(timer)
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #follow(): void {
    const child = this.#child
    child.on('error', (cause: NodeJS.ErrnoException) => {
      if (child.pid === undefined) this.#ended('could not be started', cause, cause.code === 'ENOENT')
    })
    child.on('exit', (code, signal) => {
      const how = signal === null ? `exited with code ${code}` : `was killed by ${signal}`
      const end = (): void =>
        this.#ended(this.#fault === undefined ? how : 'said something that makes no sense', this.#fault)
      // What it has said last is still to be read.
      for (const stream of child.stdio) ref(stream, true)
      const timer = setTimeout(() => setImmediate(end), PATIENCE)
      child.on('close', () => {
        clearTimeout(timer)
        end()
      })
    })
    if (child.pid === undefined) return
    for (const stream of child.stdio) ref(stream, false)
    // A broken pipe: its exit tells more.
    child.stdin?.on('error', () => {})
    child.stdout?.on('data', (chunk: Uint8Array) => this.#read(chunk)).on('error', () => {})
    const lines = new Lines((line) => this.#wrote(line))
    child.stderr?.on('data', (chunk) => lines.write(chunk)).on('close', () => lines.end())
    child.unref()
  }

  #wrote(line: string): void {
    this.#output = `${this.#output}${line}\n`.slice(-LAST_OUTPUT)
    this.#listener.wrote(line)
  }

  #read(chunk: Uint8Array): void {
    if (this.#fault !== undefined || this.#isTold) return
    try {
      this.#frames.push(chunk)
    } catch (error) {
      this.#fault = new Error(`The Python program cannot be understood: ${messageOf(error)}`, { cause: error })
      this.kill()
    }
  }

  #ended(how: string, cause: unknown, isMissing = false): void {
    if (this.#isTold) return
    this.#isTold = true
    for (const stream of this.#child.stdio) stream?.destroy()
    this.#exited()
    this.#listener.exited({ how, cause, isMissing, output: this.#output.trim() })
  }
}

/** The process itself keeps this one alive, as long as it has something to do; not its pipes. */
function ref(stream: Readable | Writable | null | undefined, isHeld: boolean): void {
  const socket = stream as { ref?(): void; unref?(): void } | null | undefined
  if (isHeld) socket?.ref?.()
  else socket?.unref?.()
}
