import { appendFileSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { ConfigError } from '../errors.ts'

/** A line that a worker wrote. */
export interface OutputLine {
  /** Where it was written to. */
  readonly stream: 'stdout' | 'stderr'
  /** Without its line break. */
  readonly line: string
  /** The name of the task that wrote it; empty where that is not known. */
  readonly task: string
  /** Its id; empty outside of an engine. */
  readonly taskId: string
  /** The id of the thread or process; 0 where it is not known. */
  readonly worker: number
  /** The machine. */
  readonly host: string
}

/** A file that gets what tasks write. */
export class OutputFile {
  readonly #path: string
  #isLost = false

  /** @throws ConfigError if it cannot be written */
  constructor(path: string) {
    this.#path = path
    try {
      mkdirSync(dirname(path), { recursive: true })
      appendFileSync(path, '')
    } catch (cause) {
      throw new ConfigError(`outputFile ${path} cannot be written: ${(cause as Error).message}`, { cause })
    }
  }

  append(line: OutputLine): void {
    if (this.#isLost) return
    try {
      appendFileSync(this.#path, asText(line))
    } catch (error) {
      // Tasks go on without it.
      this.#isLost = true
      console.warn(`What tasks write is lost: ${this.#path} can be written no more:`, error)
    }
  }
}

function asText({ stream, line, task, taskId, worker }: OutputLine): string {
  const who = [task, taskId].filter((part) => part !== '').join(' ')
  return `${new Date().toISOString()} ${stream} ${who === '' ? `worker ${worker}` : who}: ${line}\n`
}
