/** One worker, and nothing between it and its channel: what no pool can beat by the same channel. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { FrameReader, writeFrame } from './frames.ts'
import type { FunctionName, Kind, Pool } from './pools.ts'

const ECHO = new URL('echo.ts', import.meta.url)
/** Calls that share a post or a frame, where they do. */
export const PACK = 100

/** A call as it is usually written down. */
export interface Message {
  readonly id: number
  readonly name: FunctionName
  readonly args: readonly unknown[]
}
interface Answer {
  readonly id: number
  readonly value: unknown
}

type Bytes = Uint8Array<ArrayBuffer>

/** Sends something, and waits for the answer. */
type Ask = (question: Message | readonly Message[] | Bytes) => Promise<unknown>

/** Answers come in the order of the questions. */
class Answers {
  readonly #waiting: ((answer: unknown) => void)[] = []
  #next = 0

  expect(): Promise<unknown> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  take(answer: unknown): void {
    this.#waiting[this.#next++]?.(answer)
    if (this.#next < this.#waiting.length) return
    this.#waiting.length = 0
    this.#next = 0
  }
}

function openThread(isMoving = false): Ask {
  const answers = new Answers()
  const worker = new Worker(ECHO, { argv: isMoving ? ['moving'] : [] })
  worker.on('message', (answer) => answers.take(answer))
  return (question) => {
    worker.postMessage(question, isMoving ? [(question as Bytes).buffer] : [])
    return answers.expect()
  }
}

function openProcess(): Ask {
  const answers = new Answers()
  const child = spawn(process.execPath, [fileURLToPath(ECHO)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const reader = new FrameReader((answer) => answers.take(answer))
  child.stdout.on('data', (chunk: Buffer) => reader.read(chunk))
  return (question) => {
    writeFrame(child.stdin, question)
    return answers.expect()
  }
}

const open = (kind: Kind): Ask => (kind === 'threads' ? openThread() : openProcess())

/** A post or a frame for each call. */
export function openLimit(kind: Kind): Pool {
  const ask = open(kind)
  let id = 0
  const bind = (name: FunctionName) => async (value: unknown) => {
    if (value instanceof Uint8Array) return ask(value as Bytes)
    return ((await ask({ id: id++, name, args: [value] })) as Answer).value
  }
  return {
    bind: bind as unknown as Pool['bind'],
    move: kind === 'threads' ? (openThread(true) as Pool['move']) : undefined,
    gather: (calls) => Promise.all(calls),
  }
}

/** Many calls to a post or a frame: no-ops, with the numbers below n. */
export function openPacked(kind: Kind): (n: number) => Promise<readonly number[]> {
  const ask = open(kind)
  return async (n) => {
    const packs: Promise<unknown>[] = []
    for (let i = 0; i < n; i += PACK) packs.push(ask(noops(i, Math.min(i + PACK, n))))
    return ((await Promise.all(packs)) as Answer[][]).flatMap((answers) => answers.map(({ value }) => value as number))
  }
}

function noops(from: number, to: number): Message[] {
  const calls: Message[] = []
  for (let i = from; i < to; i++) calls.push({ id: i, name: 'noop', args: [i] })
  return calls
}
