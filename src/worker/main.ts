/**
 * Where a worker starts. A thread is given a port; a process speaks over descriptors of its own, so that nothing that a
 * task prints can disturb it.
 */
import { writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { isMainThread, type MessagePort, Worker, workerData } from 'node:worker_threads'
import { StoreReader, StoreWriter } from './byte-store.ts'
import { type Channel, type OnMessage, PortChannel } from './channel.ts'
import {
  FROM_CLIENT,
  IS_LOCAL,
  LEDGERS,
  LIFELINE,
  STORE_FROM_CLIENT,
  STORE_TO_CLIENT,
  TO_CLIENT,
} from './descriptors.ts'
import { Frames, type Stores } from './frames.ts'
import { FileLedger, HostedLedger, type Ledger, SharedLedger } from './ledger.ts'
import type { WorkerInit } from './protocol.ts'
import { WorkerProgram } from './worker-program.ts'

/** What a thread is given. */
export interface ThreadData {
  readonly port: MessagePort
  readonly init: string
  readonly beside: readonly object[]
  readonly ledgers: readonly SharedArrayBuffer[]
}

function startThread({ port, init, beside, ledgers }: ThreadData): void {
  const options = JSON.parse(init) as WorkerInit
  const channel = new PortChannel(port, (text, objects) => program.receive(text, objects))
  const program = new WorkerProgram(
    channel,
    options,
    ledgers.map((memory) => new SharedLedger(memory)),
  )
  const start = (): void => program.start(options, beside)
  const first = toImportFirst()
  if (first.length === 0) start()
  else void importAll(first).then(start)
}

/** What `--import` names. In a thread whose program is text, Node leaves that out. */
function toImportFirst(): readonly string[] {
  return process.execArgv.flatMap((arg, i, all) => {
    if (arg === '--import') return all[i + 1] ?? []
    return arg.startsWith('--import=') ? arg.slice('--import='.length) : []
  })
}

async function importAll(modules: readonly string[]): Promise<void> {
  for (const module of modules) await import(module)
}

function startProcess(): void {
  let program: WorkerProgram | undefined
  const begin: OnMessage = (init, beside) => {
    const options = JSON.parse(init) as WorkerInit
    const lanes = Array.from({ length: options.lanes }, (_, lane) => lane)
    program = new WorkerProgram(new PipeChannel(frames, pipes.to), options, place.ledgers(lanes))
    program.start(options, beside)
  }
  const onMessage: OnMessage = (text, beside) =>
    (program === undefined ? begin : program.receive.bind(program))(text, beside)
  const place = placeOf(process.env[IS_LOCAL])
  const { pipes } = place
  delete process.env[IS_LOCAL]
  const frames = new Frames(onMessage, place.stores)
  const pipe = new Socket({ fd: pipes.from, readable: true, writable: false })
  pipe.on('data', (chunk) => frames.push(chunk))
  // The client is gone.
  pipe.on('close', () => process.exit(0))
  // Ctrl-C reaches the whole group of processes: the client decides what it means. If that ends, so does this.
  process.on('SIGINT', () => {})
  watchLifeline(pipes.lifeline)
}

/** What a process was given besides its pipes. */
interface Place {
  readonly pipes: { readonly from: number; readonly to: number; readonly lifeline: number }
  readonly stores: Stores | undefined
  ledgers(lanes: readonly number[]): Ledger[]
}

/** @param given - see `descriptors.ts` */
function placeOf(given: string | undefined): Place {
  const local = { from: FROM_CLIENT, to: TO_CLIENT, lifeline: LIFELINE }
  if (given === undefined) return { pipes: local, stores: undefined, ledgers: () => [] }
  const [kind, ...descriptors] = given.split(' ')
  if (kind === 'hosted') {
    const [from = 0, to = 0, lifeline = 0, file = 0] = descriptors.map(Number)
    const ledgers = (lanes: readonly number[]): Ledger[] =>
      lanes.map((lane) => new HostedLedger(file, lane, lanes.length))
    return { pipes: { from, to, lifeline }, stores: undefined, ledgers }
  }
  const stores = { writer: new StoreWriter(STORE_TO_CLIENT), reader: new StoreReader(STORE_FROM_CLIENT) }
  return { pipes: local, stores, ledgers: (lanes) => lanes.map((lane) => new FileLedger(LEDGERS, lane)) }
}

class PipeChannel implements Channel {
  readonly #frames: Frames
  readonly #to: number

  constructor(frames: Frames, to: number) {
    this.#frames = frames
    this.#to = to
  }

  /** Waits until it is written: what is said before a crash arrives. */
  send(text: string, beside?: readonly object[]): void {
    for (const chunk of this.#frames.frame(text, beside)) writeAll(this.#to, chunk)
  }
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) {
    try {
      written += writeSync(file, bytes, written)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      // Nobody reads any more.
      if (code === 'EPIPE') process.exit(0)
      if (code !== 'EAGAIN') throw error
    }
  }
}

/** Ends this process with its client, even inside of an endless loop: that is why a thread has to look. */
function watchLifeline(lifeline: number): void {
  const source = `new (require('node:net').Socket)({ fd: ${lifeline} }).on('close', () => process.kill(process.pid, 'SIGKILL')).on('error', () => {}).resume()`
  new Worker(source, { eval: true, stdin: false, env: {}, execArgv: [] }).unref()
}

const thread = isMainThread ? undefined : (workerData as { 'taps-sdk'?: ThreadData } | null)?.['taps-sdk']
if (thread !== undefined) startThread(thread)
else startProcess()
