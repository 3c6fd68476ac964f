import { writeSync } from 'node:fs'
import { FileLedgerReader, LEDGER_BYTES, limitPlace, NO_LIMIT } from '../worker/ledger.ts'

/** The host's end of the ledger of a hosted worker's lane: reads how far it is, and says how far it may go. */
export class HostLedger extends FileLedgerReader {
  readonly #file: number
  readonly #start: number
  readonly #limitAt: number

  constructor(file: number, lane: number, lanes: number) {
    super(file, lane)
    this.#file = file
    this.#start = lane * LEDGER_BYTES
    this.#limitAt = limitPlace(lanes, lane)
  }

  /** Forgets the last pack. */
  restart(): void {
    writeSync(this.#file, '\0', this.#start)
    this.limit(NO_LIMIT)
  }

  /** Calls from this position on will not begin, unless they have begun already: how many have, is to be read afterwards. */
  limit(position: number): void {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(position)
    writeSync(this.#file, bytes, 0, 4, this.#limitAt)
  }
}
