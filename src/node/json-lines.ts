import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { ConfigError } from '../errors.ts'
import { checkOptions } from '../options.ts'
import { toJsonLine } from '../record/json-line.ts'
import type { RecordLogger, TaskInfo } from '../record/record.ts'

/** Options of {@link JsonLinesRecordLogger}. */
export interface JsonLinesOptions {
  /** The file. It is appended to; missing folders are made. */
  readonly path: string
}

/** How many characters may wait to be written. */
const LARGEST_BATCH = 65_536

/** Those of the open loggers. One listener for all, because Node warns of many. */
const flushes: Set<() => void> = new Set()
let isListening = false

function flushAtExit(flush: () => void): void {
  flushes.add(flush)
  if (isListening) return
  isListening = true
  process.once('exit', () => {
    for (const each of flushes) each()
  })
}

/**
 * Writes one line of JSON for each task, with the keys of TaPS's `tasks.jsonl`: snake case, Unix seconds. The file can be
 * read while the run goes on: a record is in it before anybody who awaits its task goes on.
 */
export class JsonLinesRecordLogger implements RecordLogger {
  readonly #file: number
  #batch = ''
  #isScheduled = false
  #isClosed = false
  #failure: { readonly error: unknown } | undefined
  readonly #flush = (): void => this.#write()

  /** @throws ConfigError for a wrong option; what opening the file throws */
  constructor(options: JsonLinesOptions) {
    checkOptions('JsonLinesRecordLogger', options, {
      path: (value) => (typeof value === 'string' && value !== '' ? undefined : 'the path of a file'),
    })
    if (options.path === undefined) throw new ConfigError('JsonLinesRecordLogger takes { path }, the path of a file')
    mkdirSync(dirname(options.path), { recursive: true })
    this.#file = openSync(options.path, 'a')
    flushAtExit(this.#flush)
  }

  /** Appends a record, together with others of the same moment. @throws what an earlier write failed with */
  log(record: TaskInfo): void {
    if (this.#isClosed) throw new Error(`The log is closed: the record of ${record.name} (${record.taskId}) is lost`)
    this.#batch += toJsonLine(record)
    if (this.#batch.length > LARGEST_BATCH) this.#write()
    else this.#schedule()
    this.#throwFailure()
  }

  /** Writes the rest and closes the file. */
  close(): void {
    if (this.#isClosed) return
    this.#write()
    this.#isClosed = true
    flushes.delete(this.#flush)
    closeSync(this.#file)
    this.#throwFailure()
  }

  /** In a microtask, which comes before those of who awaits the tasks. */
  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      this.#write()
    })
  }

  #write(): void {
    if (this.#batch === '' || this.#isClosed) return
    const bytes = Buffer.from(this.#batch)
    this.#batch = ''
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(this.#file, bytes, written)
    } catch (error) {
      this.#failure ??= { error }
    }
  }

  #throwFailure(): void {
    const failure = this.#failure
    this.#failure = undefined
    if (failure !== undefined) throw failure.error
  }
}
