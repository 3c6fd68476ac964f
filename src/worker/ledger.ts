import { readSync, writeSync } from 'node:fs'

/**
 * What a worker has begun and finished, where it can be read after its death: only then is it known which call was
 * running, which results never arrived, and which calls may run elsewhere. One for each lane.
 */

/** The end of the worker. */
export interface Ledger {
  /** A call begins. @returns whether it may: the client has not taken it back */
  begin(position: number): boolean
  /** A call has ended. @returns whether there was room for what became of it: if not, it has to be sent at once */
  commit(position: number, result: string): boolean
  /** What was committed has been sent. */
  sent(): void
  /** Positions count from 0 again. */
  restart?(): void
}

/** What the client reads: up to which position calls have begun, and results that may not have arrived. */
export interface LedgerState {
  /** How many calls of the lane have begun. */
  readonly begun: number
  /** Of which call the first result is. */
  readonly first: number
  readonly results: readonly string[]
}

/** The end of the client. */
export interface LedgerReader {
  read(): LedgerState
  /** Takes a call back. True: it will never run. False: it may, its result tells. */
  revoke(position: number): boolean
}

const BYTES = 64 * 1024
/** Calls that may be taken back at the same time. */
const REVOCABLE = 4096
const [BEGUN, FIRST, COUNT, USED, HEADER] = [0, 1, 2, 3, 4]

/** Size of the memory that threads share for a lane, in bytes. */
const SHARED_LEDGER_BYTES: number = (HEADER + REVOCABLE) * 4 + BYTES

interface Shared {
  readonly header: Int32Array
  /** By position modulo its length, 1 more than a position that was taken back. */
  readonly revoked: Int32Array
  readonly text: Buffer
}

function layOut(memory: SharedArrayBuffer): Shared {
  return {
    header: new Int32Array(memory, 0, HEADER),
    revoked: new Int32Array(memory, HEADER * 4, REVOCABLE),
    text: Buffer.from(memory as unknown as ArrayBuffer, (HEADER + REVOCABLE) * 4),
  }
}

/** In memory that a thread shares with its client. */
export class SharedLedger implements Ledger {
  readonly #header: Int32Array
  readonly #revoked: Int32Array
  readonly #text: Buffer
  #count = 0
  #used = 0

  constructor(memory: SharedArrayBuffer) {
    const { header, revoked, text } = layOut(memory)
    this.#header = header
    this.#revoked = revoked
    this.#text = text
  }

  begin(position: number): boolean {
    // First tells that it begins, then looks whether it may; the client does it the other way round. One of both sees it.
    Atomics.store(this.#header, BEGUN, position + 1)
    return Atomics.load(this.#revoked, position % REVOCABLE) !== position + 1
  }

  commit(position: number, result: string): boolean {
    // Three bytes for a character, at the most.
    if (this.#used + result.length * 3 + 1 > BYTES) return false
    if (this.#count === 0) Atomics.store(this.#header, FIRST, position)
    this.#used += this.#text.write(result, this.#used)
    this.#text[this.#used++] = 10
    Atomics.store(this.#header, USED, this.#used)
    Atomics.store(this.#header, COUNT, ++this.#count)
    return true
  }

  sent(): void {
    this.#count = this.#used = 0
    Atomics.store(this.#header, COUNT, 0)
  }
}

/** Reads what a thread has written. */
export class SharedLedgerReader implements LedgerReader {
  readonly memory: SharedArrayBuffer = new SharedArrayBuffer(SHARED_LEDGER_BYTES)
  readonly #shared: Shared = layOut(this.memory)

  read(): LedgerState {
    const { header, text } = this.#shared
    const count = Atomics.load(header, COUNT)
    const lines = count === 0 ? [] : text.toString('utf8', 0, Atomics.load(header, USED)).split('\n')
    return { begun: Atomics.load(header, BEGUN), first: Atomics.load(header, FIRST), results: lines.slice(0, count) }
  }

  revoke(position: number): boolean {
    const { header, revoked } = this.#shared
    const place = position % REVOCABLE
    const other = Atomics.load(revoked, place)
    // Taken by another call, which is still to be passed over.
    if (other !== position + 1 && other > Atomics.load(header, BEGUN)) return false
    Atomics.store(revoked, place, position + 1)
    return Atomics.load(header, BEGUN) <= position
  }
}

/** Bytes of the file that belong to a lane. */
export const LEDGER_BYTES: number = 128 * 1024
/** Ends what was written last; behind it stands what was written before. */
const END_MARK = '\0'

/** In a file that has no name any more: whoever dies, nothing is left. One write for each call. */
export class FileLedger implements Ledger {
  readonly #file: number
  readonly #start: number
  #used = 0
  /** Results that are written when the next call begins. */
  #pending = ''

  constructor(file: number, lane: number) {
    this.#file = file
    this.#start = lane * LEDGER_BYTES
  }

  begin(position: number): boolean {
    const records = `${this.#pending}B${position}\n`
    this.#pending = ''
    const written = writeSync(this.#file, records + END_MARK, this.#start + this.#used)
    this.#used += written - 1
    return true
  }

  commit(position: number, result: string): boolean {
    const bytes = (this.#pending.length + result.length) * 3 + 100
    if (this.#used + bytes > LEDGER_BYTES) return false
    this.#pending += `R${position},${result}\n`
    return true
  }

  sent(): void {
    this.#used = 0
    this.#pending = ''
  }
}

/** Bytes behind all lanes, for each of them: the first position that may not begin, and what the host notes for itself. */
export const LIMIT_BYTES = 64
/** No limit. */
export const NO_LIMIT = 0xffffffff

/** Where the limit of a lane stands, in a file for so many lanes. */
export function limitPlace(lanes: number, lane: number): number {
  return lanes * LEDGER_BYTES + lane * LIMIT_BYTES
}

/** That of a hosted worker: its host can take back what has not begun. */
export class HostedLedger extends FileLedger {
  readonly #limitFile: number
  readonly #limitAt: number
  readonly #limit: Buffer = Buffer.alloc(4)

  constructor(file: number, lane: number, lanes: number) {
    super(file, lane)
    this.#limitFile = file
    this.#limitAt = limitPlace(lanes, lane)
  }

  override begin(position: number): boolean {
    // First tells that it begins, then looks whether it may; the host does it the other way round. One of both sees it.
    super.begin(position)
    readSync(this.#limitFile, this.#limit, 0, 4, this.#limitAt)
    return position < this.#limit.readUInt32LE()
  }

  restart(): void {
    this.sent()
  }
}

/** Reads what a process has written. */
export class FileLedgerReader implements LedgerReader {
  readonly #file: number
  readonly #start: number

  constructor(file: number, lane: number) {
    this.#file = file
    this.#start = lane * LEDGER_BYTES
  }

  read(): LedgerState {
    const bytes = Buffer.alloc(LEDGER_BYTES)
    const length = readSync(this.#file, bytes, 0, LEDGER_BYTES, this.#start)
    const end = bytes.subarray(0, length).indexOf(0)
    const records = bytes.toString('utf8', 0, end === -1 ? 0 : end).split('\n')
    let [begun, first] = [0, -1]
    const results: string[] = []
    for (const record of records) {
      if (record[0] === 'B') begun = Number(record.slice(1)) + 1
      if (record[0] !== 'R') continue
      const comma = record.indexOf(',')
      if (first === -1) first = Number(record.slice(1, comma))
      results.push(record.slice(comma + 1))
    }
    return { begun, first: Math.max(first, 0), results }
  }

  /** There is no memory that both sides could agree in. */
  revoke(): boolean {
    return false
  }
}
