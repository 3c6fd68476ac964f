import { hostname } from 'node:os'
import { MessageChannel, type ResourceLimits, type Transferable, Worker } from 'node:worker_threads'
import { isMoved, PortChannel } from '../../worker/channel.ts'
import { SharedLedgerReader } from '../../worker/ledger.ts'
import { Lines } from '../../worker/lines.ts'
import type { ThreadData } from '../../worker/main.ts'
import { workerSource } from '../../worker/source.ts'
import type { StartWorker, WorkerLink } from './worker-link.ts'

/** What threads are started with. */
export interface ThreadOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly execArgv: readonly string[]
  readonly resourceLimits: ResourceLimits | undefined
}

/** Starts workers that are threads. */
export function startThread({ env, execArgv, resourceLimits }: ThreadOptions): StartWorker {
  return (init, beside, listener): WorkerLink => {
    const ledgers = Array.from({ length: init.lanes }, () => new SharedLedgerReader())
    const { port1, port2 } = new MessageChannel()
    const data: ThreadData = {
      port: port2,
      init: JSON.stringify({ ...init, isThread: true }),
      beside,
      ledgers: ledgers.map(({ memory }) => memory),
    }
    const worker = new Worker(workerSource, {
      eval: true,
      name: 'taps-sdk',
      workerData: { 'taps-sdk': data },
      transferList: [port2, ...beside.filter(isMoved)] as Transferable[],
      env: env as NodeJS.Dict<string>,
      execArgv: [...execArgv],
      stdin: false,
      // Told here that it is to pass on what is written there, Node does not keep the program alive for those who read it.
      stdout: false,
      stderr: false,
      ...(resourceLimits === undefined ? {} : { resourceLimits }),
    })
    const id = worker.threadId
    const channel = new PortChannel(port1, (text, objects) => listener.received(text, objects))
    // The worker itself keeps the program alive, as long as it has something to do.
    port1.unref()
    let cause: unknown
    worker.on('error', (error) => {
      cause = error
    })
    for (const name of ['stdout', 'stderr'] as const) {
      const lines = new Lines((line) => listener.wrote(name, line))
      const stream = worker[name].unpipe()
      stream.on('data', (chunk) => lines.write(chunk)).on('end', () => lines.end())
      stream.resume()
    }
    worker.on('exit', (code) => {
      channel.drain()
      port1.close()
      const isOutOfMemory = (cause as NodeJS.ErrnoException | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY'
      listener.exited({ how: isOutOfMemory ? 'ran out of memory' : `exited with code ${code}`, cause })
    })
    return {
      id,
      place: { host: hostname(), worker: `thread ${id}` },
      ledgers,
      takesAway: true,
      send: (text, objects) => channel.send(text, objects),
      hold(isHeld) {
        if (isHeld) worker.ref()
        else worker.unref()
      },
      kill: () => void worker.terminate(),
    }
  }
}
