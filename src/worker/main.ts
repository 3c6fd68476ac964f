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
import { FileLedger, type Ledger, SharedLedger } from './ledger.ts'
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
    const ledgers: Ledger[] = []
    for (let lane = 0; isLocal && lane < options.lanes; lane++) ledgers.push(new FileLedger(LEDGERS, lane))
    program = new WorkerProgram(new PipeChannel(frames), options, ledgers)
    program.start(options, beside)
  }
  const onMessage: OnMessage = (text, beside) =>
    (program === undefined ? begin : program.receive.bind(program))(text, beside)
  const isLocal = process.env[IS_LOCAL] !== undefined
  delete process.env[IS_LOCAL]
  const stores: Stores = { writer: new StoreWriter(STORE_TO_CLIENT), reader: new StoreReader(STORE_FROM_CLIENT) }
  const frames = new Frames(onMessage, isLocal ? stores : undefined)
  const pipe = new Socket({ fd: FROM_CLIENT, readable: true, writable: false })
  pipe.on('data', (chunk) => frames.push(chunk))
  // The client is gone.
  pipe.on('close', () => process.exit(0))
  // Ctrl-C reaches the whole group of processes: the client decides what it means. If that ends, so does this.
  process.on('SIGINT', () => {})
  watchLifeline()
}

class PipeChannel implements Channel {
  readonly #frames: Frames

  constructor(frames: Frames) {
    this.#frames = frames
  }

  /** Waits until it is written: what is said before a crash arrives. */
  send(text: string, beside?: readonly object[]): void {
    for (const chunk of this.#frames.frame(text, beside)) writeAll(TO_CLIENT, chunk)
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
function watchLifeline(): void {
  const source = `new (require('node:net').Socket)({ fd: ${LIFELINE} }).on('close', () => process.kill(process.pid, 'SIGKILL')).on('error', () => {}).resume()`
  new Worker(source, { eval: true, stdin: false, env: {}, execArgv: [] }).unref()
}

const thread = isMainThread ? undefined : (workerData as { 'taps-sdk'?: ThreadData } | null)?.['taps-sdk']
if (thread !== undefined) startThread(thread)
else startProcess()
