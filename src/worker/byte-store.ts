import { readSync, writeSync } from 'node:fs'

/** Bytes below which an object goes through the pipe. */
const LEAST = 131_072
/** Bytes that the file of one direction holds, at the most. */
const MOST = 67_108_864
/** Places are told in pages, so that a 32-bit word is enough. */
const PAGE = 4096

/**
 * Large objects go from one process to the other through a file in memory, which both have open: two copies, where a pipe
 * takes hundreds of small ones and as many turns of both sides. One for each direction.
 */
export class StoreWriter {
  readonly #file: number
  #end = 0
  #written = 0

  constructor(file: number) {
    this.#file = file
  }

  /**
   * @param taken - how many objects the other side has taken in all
   * @returns where the bytes are; 0 if they are not there, because they are few, or there is no room for them
   */
  write(bytes: Uint8Array, taken: number): number {
    if (taken === this.#written) this.#end = 0
    if (bytes.length < LEAST || this.#end + bytes.length > MOST) return 0
    const start = this.#end
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at, bytes.length - at, start + at)
    } catch {
      // The folder in memory is full: the pipe is not.
      return 0
    }
    this.#written++
    this.#end = start + Math.ceil(bytes.length / PAGE) * PAGE
    return start / PAGE + 1
  }
}

/** The other end. */
export class StoreReader {
  readonly #file: number
  /** How many objects were taken. */
  taken = 0

  constructor(file: number) {
    this.#file = file
  }

  /** Fills an object with what {@link StoreWriter} wrote. */
  read(place: number, into: Uint8Array): void {
    const start = (place - 1) * PAGE
    for (let at = 0; at < into.length; ) {
      const count = readSync(this.#file, into, at, into.length - at, start + at)
      if (count === 0) throw new RangeError('The bytes of a message are not where they should be')
      at += count
    }
    this.taken++
  }
}
