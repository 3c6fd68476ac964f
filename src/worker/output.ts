import { currentBody } from '../task/task-context.ts'
import { WorkerBody } from './body.ts'
import type { Channel } from './channel.ts'
import { Lines } from './lines.ts'
import { LINE } from './protocol.ts'

const STREAMS = ['stdout', 'stderr'] as const
type StreamName = (typeof STREAMS)[number]

/** What a body, or the worker itself, writes. */
type Writer = Readonly<Record<StreamName, Lines>>

/** Passes on what is written to standard output and error, line by line, with the task that wrote it. */
export class Output {
  readonly #channel: Channel
  /** Those that are in the middle of a line. */
  readonly #writers: Map<WorkerBody | undefined, Writer> = new Map()

  constructor(channel: Channel) {
    this.#channel = channel
    for (const name of STREAMS) this.#take(name)
    process.on('exit', () => {
      for (const body of [...this.#writers.keys()]) this.bodyEnded(body)
    })
  }

  /** Tells what is left of a body's last line. */
  bodyEnded(body: WorkerBody | undefined): void {
    if (this.#writers.size === 0) return
    const writer = this.#writers.get(body)
    this.#writers.delete(body)
    for (const name of STREAMS) writer?.[name].end()
  }

  #take(name: StreamName): void {
    const write = (chunk: string | Uint8Array, encoding?: unknown, callback?: unknown): boolean => {
      this.#write(name, textOf(chunk, encoding))
      const done = typeof encoding === 'function' ? encoding : callback
      if (typeof done === 'function') queueMicrotask(() => done())
      return true
    }
    whenFirstRead(name, (stream) => {
      stream.write = write as NodeJS.WriteStream['write']
    })
  }

  #write(name: StreamName, chunk: string | Uint8Array): void {
    const current = currentBody()
    const body = current instanceof WorkerBody ? current : undefined
    const writer = this.#writers.get(body) ?? this.#newWriter(body)
    writer[name].write(chunk)
    if (writer.stdout.isEmpty && writer.stderr.isEmpty) this.#writers.delete(body)
    else this.#writers.set(body, writer)
  }

  #newWriter(body: WorkerBody | undefined): Writer {
    const [task, id] = [body?.task.name ?? '', body?.id ?? '']
    const lines = (name: StreamName): Lines =>
      new Lines((line) => {
        this.#channel.send(JSON.stringify([LINE, name, line, task, id, body?.lane ?? -1]))
      })
    return { stdout: lines('stdout'), stderr: lines('stderr') }
  }
}

/** Making the streams of a process takes some milliseconds at its start: most tasks never write to them. */
function whenFirstRead(name: StreamName, prepare: (stream: NodeJS.WriteStream) => void): void {
  const { get } = Object.getOwnPropertyDescriptor(process, name) ?? {}
  if (get === undefined) return prepare(process[name])
  let stream: NodeJS.WriteStream | undefined
  Object.defineProperty(process, name, {
    configurable: true,
    enumerable: true,
    get: () => {
      if (stream === undefined) {
        stream = get.call(process) as NodeJS.WriteStream
        prepare(stream)
      }
      return stream
    },
  })
}

/** Text in another encoding than that of the stream stands for bytes. */
function textOf(chunk: string | Uint8Array, encoding: unknown): string | Uint8Array {
  const isPlain = typeof chunk !== 'string' || typeof encoding !== 'string' || /^utf-?8$/i.test(encoding)
  return isPlain ? chunk : Buffer.from(chunk, encoding as BufferEncoding)
}
