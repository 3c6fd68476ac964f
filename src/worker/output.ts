import { currentBody } from '../task/task-context.ts'
import { WorkerBody } from './body.ts'
import type { Channel } from './channel.ts'
import { LINE } from './protocol.ts'

type StreamName = 'stdout' | 'stderr'

/** What a body, or the worker itself, has written without a line break. */
interface Rest {
  stdout: string
  stderr: string
}

/** The longest line that is kept together, in characters. */
const LONGEST_LINE = 65_536

/** Passes on what is written to standard output and error, line by line, with the task that wrote it. */
export class Output {
  readonly #channel: Channel
  readonly #rests: Map<WorkerBody | undefined, Rest> = new Map()

  constructor(channel: Channel) {
    this.#channel = channel
    for (const name of ['stdout', 'stderr'] as const) this.#take(name)
    process.on('exit', () => {
      for (const body of [...this.#rests.keys()]) this.bodyEnded(body)
    })
  }

  /** What is left of a body's last line. */
  bodyEnded(body: WorkerBody | undefined): void {
    if (this.#rests.size === 0) return
    const rest = this.#rests.get(body)
    if (rest === undefined) return
    this.#rests.delete(body)
    for (const name of ['stdout', 'stderr'] as const) if (rest[name] !== '') this.#send(name, rest[name], body)
  }

  #take(name: StreamName): void {
    const stream = process[name]
    const write = (chunk: string | Uint8Array, encoding?: unknown, callback?: unknown): boolean => {
      const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString()
      this.#write(name, text)
      const done = typeof encoding === 'function' ? encoding : callback
      if (typeof done === 'function') queueMicrotask(() => done())
      return true
    }
    stream.write = write as typeof stream.write
  }

  #write(name: StreamName, text: string): void {
    const current = currentBody()
    const body = current instanceof WorkerBody ? current : undefined
    const rest = this.#rests.get(body) ?? { stdout: '', stderr: '' }
    const lines = (rest[name] + text).split('\n')
    rest[name] = lines.pop() ?? ''
    for (const line of lines) this.#send(name, line, body)
    for (; rest[name].length > LONGEST_LINE; rest[name] = rest[name].slice(LONGEST_LINE))
      this.#send(name, rest[name].slice(0, LONGEST_LINE), body)
    if (rest.stdout === '' && rest.stderr === '') this.#rests.delete(body)
    else this.#rests.set(body, rest)
  }

  #send(name: StreamName, line: string, body: WorkerBody | undefined): void {
    this.#channel.send(JSON.stringify([LINE, name, line, body?.task.name ?? '', body?.id ?? '']))
  }
}
