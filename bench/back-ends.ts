/** Executors of ours on back ends that run on this machine. Each is loaded only in the process that measures it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { PackExecutor } from 'taps-sdk/python'
import { pythonWithBackends } from '../test/servers/python.ts'
import { startRedis } from '../test/servers/redis.ts'
import { WINDOW } from './drive.ts'
import { WORKERS } from './pools.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const TASKS = 'bench/workers/taps-sdk.mjs'
const PROCESS_POOL = 'concurrent.futures:ProcessPoolExecutor'
const QUEUE = 'bench'

/** A back end with an executor on it. */
export interface Opened {
  readonly executor: PackExecutor
  /** Ends what was started for it, once the executor is shut down. */
  stop(): Promise<void>
}

type Open = () => Promise<Opened>

const python =
  (create: (library: typeof import('taps-sdk/python'), python: string) => PackExecutor): Open =>
  async () => ({ executor: create(await import('taps-sdk/python'), pythonWithBackends()), stop: async () => {} })

/** By the name of the back end. */
export const backEnds = {
  Dask: python(({ DaskExecutor }, python) => new DaskExecutor({ python, workers: WORKERS })),
  'Dask, sendInterval: 0': python(
    ({ DaskExecutor }, python) => new DaskExecutor({ python, workers: WORKERS, sendInterval: 0 }),
  ),
  Ray: python(({ RayExecutor }, python) => new RayExecutor({ python, numCpus: WORKERS })),
  Parsl: python(({ ParslExecutor }, python) => new ParslExecutor({ python, workers: WORKERS })),
  'process pool': python(({ PythonExecutor }, python) => {
    return new PythonExecutor({ python, factory: PROCESS_POOL, options: { max_workers: WORKERS } })
  }),
  BullMQ: onQueue,
} satisfies Readonly<Record<string, Open>>
export type BackEnd = keyof typeof backEnds

/** A process pool that is given as many packs at once as there are calls in flight: each is a pack of its own. */
export const openForPacksOfOne: Open = python(({ PythonExecutor }, python) => {
  return new PythonExecutor({ python, factory: PROCESS_POOL, options: { max_workers: WORKERS }, slots: WINDOW })
})

/** A queue with a worker in a process of its own, which has processes for the tasks. */
async function onQueue(): Promise<Opened> {
  const { BullMQExecutor } = await import('taps-sdk/bullmq')
  const { url, stop: stopRedis } = await startRedis()
  const own = ['--redis', url, '--queue', QUEUE, '--module', TASKS, '--workers', String(WORKERS)]
  const worker = await startProgram(fileURLToPath(new URL('../dist/cli/main.js', import.meta.url)), ['worker', ...own])
  const executor = new BullMQExecutor({ connection: url, queue: QUEUE, root: ROOT })
  await executor.workersReady({ slots: WORKERS })
  const stop = async (): Promise<void> => {
    await end(worker)
    await stopRedis()
  }
  return { executor, stop }
}

/** Redis, and a worker of BullMQ itself. */
export async function startRawQueue(): Promise<{ url: string; queue: string; stop(): Promise<void> }> {
  const { url, stop } = await startRedis()
  const program = fileURLToPath(new URL('workers/bullmq.mjs', import.meta.url))
  const worker = await startProgram(program, [url, QUEUE])
  const stopAll = async (): Promise<void> => {
    await end(worker)
    await stop()
  }
  return { url, queue: QUEUE, stop: stopAll }
}

/** Starts a program of Node's, and waits until it says that it is ready. */
async function startProgram(file: string, args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, [file, ...args], { cwd: ROOT, stdio: ['ignore', 'ignore', 'pipe'] })
  const log: string[] = []
  for await (const line of createInterface({ input: child.stderr })) {
    log.push(line)
    if (line.includes('is ready')) break
  }
  child.stderr.resume()
  if (child.exitCode !== null || !log.at(-1)?.includes('is ready')) throw new Error(log.join('\n'))
  return child
}

async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  child.kill()
  await ended
}
