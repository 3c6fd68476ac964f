/** The simplest frames for a pipe: length, whether the payload is binary, payload. */
import type { Writable } from 'node:stream'

const HEAD = 5

/** Writes bytes as they are, and all else as JSON. */
export function writeFrame(pipe: Writable, value: unknown): void {
  const isBinary = value instanceof Uint8Array
  const payload = isBinary ? value : Buffer.from(JSON.stringify(value))
  const head = Buffer.allocUnsafe(HEAD)
  head.writeUInt32LE(payload.length, 0)
  head.writeUInt8(isBinary ? 1 : 0, 4)
  if (isBinary) {
    pipe.write(head)
    pipe.write(payload)
  } else pipe.write(Buffer.concat([head, payload]))
}

/** Puts chunks together again. */
export class FrameReader {
  readonly #onValue: (value: unknown) => void
  readonly #head = Buffer.alloc(HEAD)
  #payload: Buffer | undefined = undefined
  /** How much of the head or of the payload is there. */
  #filled = 0

  constructor(onValue: (value: unknown) => void) {
    this.#onValue = onValue
  }

  read(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      const target = this.#payload ?? this.#head
      const copied = chunk.copy(target, this.#filled, at)
      at += copied
      this.#filled += copied
      if (this.#filled === target.length) this.#end()
    }
  }

  #end(): void {
    this.#filled = 0
    if (this.#payload === undefined) {
      this.#payload = Buffer.allocUnsafeSlow(this.#head.readUInt32LE(0))
      return
    }
    const payload = this.#payload
    this.#payload = undefined
    this.#onValue(this.#head.readUInt8(4) === 1 ? payload : JSON.parse(payload.toString()))
  }
}
