import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs'
import type { Socket } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { StoreReader, StoreWriter } from '../../worker/byte-store.ts'
import { FROM_CLIENT, IS_LOCAL, LIFELINE, TO_CLIENT } from '../../worker/descriptors.ts'
import { Frames, type Stores } from '../../worker/frames.ts'
import { FileLedgerReader, LEDGER_BYTES } from '../../worker/ledger.ts'
import { Lines } from '../../worker/lines.ts'
import { workerSource } from '../../worker/source.ts'
import type { WorkerPlace } from '../executor.ts'
import type { LinkListener, StartWorker, WorkerExit, WorkerLink } from './worker-link.ts'

/** What processes are started with. */
export interface ProcessOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly execArgv: readonly string[]
  readonly cwd: string | undefined
  /** The Node program. */
  readonly node: string
  /** The command in front of it, by group. */
  readonly prefixes: ReadonlyMap<string, readonly string[]>
}

/** Starts workers that are processes, on this machine, or wherever a prefix takes them. */
export function startProcess(options: ProcessOptions): StartWorker {
  return (init, beside, listener, group) => {
    const prefix = options.prefixes.get(group)
    return prefix === undefined
      ? new LocalProcess(options, init, beside, listener)
      : new PrefixedProcess(options, prefix, init, beside, listener)
  }
}

type Init = Parameters<StartWorker>[0]

/** What both kinds have in common: frames on two streams, and how a child ends. */
export abstract class ProcessLink implements WorkerLink {
  readonly id: number
  readonly place: WorkerPlace
  readonly takesAway = false
  abstract readonly ledgers: readonly FileLedgerReader[]
  protected readonly child: ChildProcess
  readonly #listener: LinkListener
  readonly #toWorker: Socket
  readonly #fromWorker: Socket
  readonly #frames: Frames
  #hasExited = false
  /** Why we ended it. */
  #fault: unknown
  #isTold = false

  constructor(
    child: ChildProcess,
    [to, from]: readonly [to: number, from: number],
    listener: LinkListener,
    stores?: Stores,
  ) {
    this.child = child
    this.id = child.pid ?? 0
    this.place = { host: hostname(), worker: `process ${this.id}` }
    this.#listener = listener
    this.#toWorker = child.stdio[to] as Socket
    this.#fromWorker = child.stdio[from] as Socket
    this.#frames = new Frames((text, objects) => listener.received(text, objects), stores)
    child.on('error', (error: NodeJS.ErrnoException) => {
      // A program that cannot be started has no exit.
      if (child.pid === undefined) this.#ended({ how: 'could not be started', cause: error, isHopeless: true })
    })
    child.on('exit', (code, signal) => {
      const killed = this.#fault === undefined ? `was killed by ${signal}` : 'said something that makes no sense'
      const exit = { how: signal === null ? `exited with code ${code}` : killed, cause: this.#fault }
      this.#hasExited = true
      // What it has said last is still to be read.
      for (const stream of child.stdio) (stream as Socket | null)?.ref()
      // What it started itself may keep its pipes open. This process may have been busy: what has arrived is read first.
      const timer = setTimeout(() => setImmediate(() => this.#ended(exit)), PATIENCE)
      child.on('close', () => {
        clearTimeout(timer)
        this.#ended(exit)
      })
    })
    if (child.pid === undefined) return
    // The process itself keeps the program alive, as long as it has something to do.
    for (const stream of child.stdio) (stream as Socket | null)?.unref()
    this.#fromWorker.on('data', (chunk: Uint8Array) => this.#read(chunk))
    this.#fromWorker.on('close', () => {
      // Without its pipe it is of no use.
      if (!this.#hasExited) this.kill()
    })
    // A broken pipe. If it exits, that tells more; if not, it is of no use.
    this.#toWorker.on('error', () => {})
    this.#toWorker.on('close', () => setTimeout(() => this.kill(), PATIENCE).unref())
    // Else nobody would see that it is closed before the next message is sent.
    this.#toWorker.resume()
    this.#fromWorker.on('error', () => {})
  }

  send(text: string, beside?: readonly object[]): void {
    const chunks = this.#frames.frame(text, beside)
    if (chunks.length > 1) this.#toWorker.cork()
    for (const chunk of chunks) this.#toWorker.write(chunk)
    if (chunks.length > 1) this.#toWorker.uncork()
  }

  hold(isHeld: boolean): void {
    if (isHeld) this.child.ref()
    else this.child.unref()
  }

  kill(): void {
    this.child.kill('SIGKILL')
  }

  /** What is written past the worker: by what it started, by native code, by Node when it ends. */
  protected passOn(name: 'stdout' | 'stderr'): void {
    const lines = new Lines((line) => this.#listener.wrote(name, line))
    this.child[name]?.on('data', (chunk) => lines.write(chunk)).on('close', () => lines.end())
  }

  #read(chunk: Uint8Array): void {
    if (this.#fault !== undefined) return
    try {
      this.#frames.push(chunk)
    } catch (error) {
      this.#fault = error
      this.kill()
    }
  }

  #ended(exit: WorkerExit): void {
    if (this.#isTold) return
    this.#isTold = true
    for (const stream of this.child.stdio) stream?.destroy()
    this.#listener.exited(exit)
  }
}

/** Milliseconds that a pipe may stay open after the process behind it has ended; and the other way round. */
const PATIENCE = 100

class LocalProcess extends ProcessLink {
  readonly ledgers: readonly FileLedgerReader[]

  constructor(
    { env, execArgv, cwd, node }: ProcessOptions,
    init: Init,
    beside: readonly object[],
    listener: LinkListener,
  ) {
    const files = [init.lanes * LEDGER_BYTES, 0, 0].map(openUnnamedFile) as [number, number, number]
    const [ledgers, toWorker, fromWorker] = files
    const stdio: StdioOptions = ['ignore', 'pipe', 'pipe']
    stdio[FROM_CLIENT] = stdio[TO_CLIENT] = stdio[LIFELINE] = 'pipe'
    // From LEDGERS on, in the order of the descriptors.
    stdio.push(...files)
    const local = { ...env, [IS_LOCAL]: '1' }
    const child = spawn(node, [...execArgv, '-e', workerSource], { stdio, env: local as NodeJS.ProcessEnv, cwd })
    const closing: LinkListener = {
      received: (text, objects) => listener.received(text, objects),
      wrote: (stream, line) => listener.wrote(stream, line),
      exited: (exit) => {
        listener.exited(exit)
        for (const file of files) closeSync(file)
      },
    }
    const stores = { writer: new StoreWriter(toWorker), reader: new StoreReader(fromWorker) }
    super(child, [FROM_CLIENT, TO_CLIENT], closing, stores)
    this.ledgers = Array.from({ length: init.lanes }, (_, lane) => new FileLedgerReader(ledgers, lane))
    if (child.pid === undefined) return
    this.passOn('stdout')
    this.passOn('stderr')
    this.send(JSON.stringify({ ...init, isThread: false }), beside)
  }
}

/** Behind a command of the user's: nothing is sure but standard input and output. */
class PrefixedProcess extends ProcessLink {
  readonly ledgers: readonly FileLedgerReader[] = []

  constructor(
    { env, execArgv, cwd, node }: ProcessOptions,
    prefix: readonly string[],
    init: Init,
    beside: readonly object[],
    listener: LinkListener,
  ) {
    const [command, ...args] = [...prefix, node, '--import', shellSafe(relaySource(execArgv)), '-e', '0']
    const child = spawn(command as string, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: env as NodeJS.ProcessEnv,
      cwd,
    })
    super(child, [0, 1], listener)
    if (child.pid === undefined) return
    this.passOn('stderr')
    this.send(JSON.stringify({ ...init, isThread: false, tellsPlace: true }), beside)
  }
}

/**
 * What runs behind a prefix: a process that runs no task. It starts one that does, with the descriptors that this expects,
 * and passes on what both sides say. It sees the end of its input at once, since nothing ever blocks it.
 */
const relaySource = (execArgv: readonly string[]): string => `
const { spawn } = process.getBuiltinModule('node:child_process')
const child = spawn(process.execPath, ${JSON.stringify([...execArgv, '-e', workerSource])}, { stdio: ['ignore', 2, 2, 'pipe', 'pipe', 'pipe'] })
const [to, from] = [child.stdio[${FROM_CLIENT}], child.stdio[${TO_CLIENT}]]
process.stdin.pipe(to)
from.pipe(process.stdout)
to.on('error', () => {})
process.stdin.on('close', () => child.kill('SIGKILL'))
process.stdout.on('error', () => child.kill('SIGKILL'))
child.on('error', (error) => { console.error(error); process.exit(1) })
child.on('exit', (code, signal) => {
  const end = () => signal === null ? process.exit(code) : process.kill(process.pid, signal)
  if (from.readableEnded) process.stdout.write('', end)
  else from.on('end', () => process.stdout.write('', end))
})
`

/** As a module that can be named in any command line: a shell on the way (ssh has one) finds nothing in it to expand. */
function shellSafe(source: string): string {
  const escaped = encodeURIComponent(source).replace(/[!'()*~]/g, (char) => `%${char.charCodeAt(0).toString(16)}`)
  return `data:text/javascript,${escaped}`
}

/** A file that only descriptors lead to: whoever dies, nothing is left. In memory, where the system has a folder for that with room in it. */
export function openUnnamedFile(bytes: number): number {
  try {
    return openFileIn(IN_MEMORY, bytes)
  } catch {
    return openFileIn(tmpdir(), bytes)
  }
}

const IN_MEMORY = '/dev/shm'

/** @param bytes - to be written at once: later there may be no room */
function openFileIn(folder: string, bytes: number): number {
  const path = join(folder, `taps-sdk-${randomUUID()}`)
  const file = openSync(path, 'wx+', 0o600)
  unlinkSync(path)
  try {
    for (let written = 0; written < bytes; )
      written += writeSync(file, Buffer.alloc(bytes - written), 0, bytes - written, written)
    return file
  } catch (error) {
    closeSync(file)
    throw error
  }
}
