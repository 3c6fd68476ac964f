import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { BullMQExecutor, type BullMQExecutorOptions } from '../../src/bullmq/index.ts'

/** The folder of this project. */
export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url))
const CLI = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
/** A module with tasks for tests of faults. */
export const FAULT_TASKS = 'test/executor/pool/fault-tasks.ts'

/** A worker in a process of its own, as the command line starts it. */
export interface CliWorker {
  readonly child: ChildProcess
  readonly pid: number
  /** What it wrote to standard error, so far. */
  log(): string
  /** Resolves with the exit code, or the signal. */
  readonly ended: Promise<number | string>
}

/** Runs the command line. */
export function runCli(args: readonly string[], env: Record<string, string> = {}): CliWorker {
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  child.stderr.on('data', (chunk) => {
    log += chunk
  })
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string)
  return { child, pid: child.pid as number, log: () => log, ended }
}

/** Starts a worker, and waits until it says that it is ready. */
export async function startCliWorker(url: string, queue: string, ...more: readonly string[]): Promise<CliWorker> {
  const worker = runCli(['worker', '--redis', url, '--queue', queue, '--workers', '1', ...more])
  for await (const line of createInterface({ input: worker.child.stderr as NodeJS.ReadableStream })) {
    if (line.includes('is ready')) break
  }
  worker.child.stderr?.resume()
  if (worker.child.exitCode !== null) throw new Error(`The worker ended: ${worker.log()}`)
  return worker
}

/** An executor for tasks of this project. */
export function executorOn(url: string, queue: string, more: Partial<BullMQExecutorOptions> = {}): BullMQExecutor {
  return new BullMQExecutor({ connection: url, queue, root: ROOT, ...more })
}
