// Tasks that write down when they run, wait until they are let go, or take their worker along.
import { appendFileSync, closeSync, existsSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { isMainThread, threadId } from 'node:worker_threads'
import { task, taskContext, workerResource } from '../../../src/index.ts'

/** The ways in which a task can end its worker. */
export type Fault = keyof typeof faults

const faults = {
  none: () => {},
  exit: () => process.exit(3),
  // A body that goes on until its worker is gone.
  timer: () => endless(() => setTimeout(() => fail('in a timer'))),
  rejection: () => endless(() => void Promise.reject(new RangeError('of nobody'))),
  kill: () => process.kill(process.pid, 'SIGKILL'),
  memory: () => exhaustMemory(),
  // What the worker holds cannot be disposed of.
  clingy: () => void endlessly(),
  garbage: () => void writeSync(4, 'What is this?\n'.repeat(3)),
  closeInput: () => closeSync(3),
  closeOutput: () => closeSync(4),
} satisfies Record<string, () => unknown>

const endlessly = workerResource(
  () => 'something',
  () => new Promise(() => {}),
)

function fail(what: string): never {
  throw new RangeError(what)
}

function endless(begin: () => void): Promise<never> {
  begin()
  return new Promise(() => setInterval(() => {}, 1000))
}

function exhaustMemory(): void {
  const all: unknown[] = []
  for (;;) all.push(Array.from({ length: 1000 }, (_, i) => ({ i })))
}

/** Waits without letting anything else run in this worker. */
function waitForFile(path: string): void {
  const cell = new Int32Array(new SharedArrayBuffer(4))
  while (!existsSync(path)) Atomics.wait(cell, 0, 0, 1)
}

function here(): number {
  return isMainThread ? process.pid : threadId
}

/** Writes down that it runs, and in which worker; then does what it is told. */
export const run = task(async function run(trace: string, name: unknown, fault: Fault = 'none'): Promise<unknown> {
  appendFileSync(trace, `${name}\n`)
  await faults[fault]?.()
  return name
})

/** The same, without ever letting go of the worker: short calls of it are packed. */
export const runNow = task(function runNow(trace: string, name: unknown, fault: Fault = 'none'): unknown {
  appendFileSync(trace, `${name}\n`)
  faults[fault]()
  return name
})

/** The same again, with an argument that is no JSON. */
export const runWith = task(function runWith(trace: string, bytes: Uint8Array, fault: Fault = 'none'): number {
  appendFileSync(trace, `${bytes[0]}\n`)
  faults[fault]()
  return bytes[0] as number
})

/** Waits for a file when it is given one, and keeps its worker from everything else meanwhile. */
export const holdNow = task(function holdNow(trace: string, name: unknown, gate?: string): unknown {
  appendFileSync(trace, `${name}\n`)
  if (gate !== undefined) waitForFile(gate)
  return name
})

/** The same, letting other things happen. */
export const hold = task(async function hold(trace: string, name: unknown, gate: string): Promise<unknown> {
  appendFileSync(trace, `${name}\n`)
  while (!existsSync(gate)) await sleep(2)
  return name
})

/** The worker that it runs in. */
export const place = task(function place(_element?: unknown): number {
  return here()
})

/** Never ends. */
export const spin = task(function spin(trace: string, name: unknown): void {
  appendFileSync(trace, `${name}\n`)
  for (;;);
})

/** Ends when it is told to, with the reason. */
export const untilAborted = task(async function untilAborted(trace: string): Promise<never> {
  const { signal } = taskContext()
  appendFileSync(trace, 'begun\n')
  await sleep(2 ** 30, undefined, { signal })
  throw new Error('nobody told it')
})

/** As an initializer: fails while the file is there. */
export const start = task(function start(broken: string): void {
  if (existsSync(broken)) process.exit(4)
})

/** Gives something that cannot travel. */
export const socket = task(function socket(): unknown {
  return { config: { socket: new Socket() } }
})

/** Takes so many milliseconds. */
export const pause = task(async function pause(ms: number): Promise<void> {
  await sleep(ms)
})

/** Writes down why it was told to stop, and ends. */
export const stopsLate = task(async function stopsLate(trace: string): Promise<void> {
  const { signal } = taskContext()
  await new Promise((resolve) => signal.addEventListener('abort', resolve))
  appendFileSync(trace, `${signal.reason.name}\n`)
})

export const echo = task(function echo(value: unknown): unknown {
  return value
})

export const size = task(function size(value: { readonly length: number }): number {
  return value.length
})

/** What it is told of itself; fails at the first attempt. */
export const context = task(function context(trace: string, name: unknown) {
  const { id, name: task, attempt, labels } = taskContext()
  appendFileSync(trace, `${name}\n`)
  if (attempt === 1) throw new RangeError('once more')
  return { id, name: task, attempt, labels }
})
