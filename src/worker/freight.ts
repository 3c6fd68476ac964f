import { isMarkedAsUntransferable } from 'node:worker_threads'
import { shared } from '../shared.ts'
import { viewType } from './global-classes.ts'
import type { Part } from './packet.ts'
import { isMarked } from './transfer.ts'

/** What the library's language version does not know of buffers yet. */
interface ModernBuffer extends ArrayBuffer {
  readonly detached: boolean
  readonly resizable: boolean
  readonly maxByteLength: number
  transfer(): ArrayBuffer
}

/** A buffer, and the range of it that is needed. */
interface Hold {
  readonly buffer: ModernBuffer
  readonly part: number
  start: number
  end: number
}

/** A view, whose offset is known when the range of its buffer is. */
interface HeldView {
  readonly view: ArrayBufferView
  readonly hold: Hold
  readonly part: number
}

/** The offset of a view has to be a multiple of the size of its elements, which is 8 at most. */
const ALIGNMENT = 8

/** Up to so many bytes are written among the structure: a buffer of its own would take longer. */
const INLINE = 8_192

/** Stands where a part is known only at the end. */
const LATER: Part = ['beside', -1]

/**
 * What travels beside the structure. Of each buffer one copy, and only of the range that views show: the small Buffers
 * of Node are views of a large common one.
 */
export class Freight {
  readonly #parts: Part[]
  readonly #beside: object[] = []
  readonly #holds: Map<ArrayBuffer, Hold> = new Map()
  readonly #views: HeldView[] = []
  readonly #ports: object[] = []
  readonly #inside: { readonly start: number; readonly freight: Freight }[] = []
  /** By their places beside the structure, the buffers that go there. */
  readonly #cargo: Map<number, Hold> = new Map()

  /** @param parts - where the numbers are given */
  constructor(parts: Part[]) {
    this.#parts = parts
  }

  /** Something that travels as it is. @returns its number */
  add(thing: object): number {
    return this.#parts.push(['beside', this.#beside.push(thing) - 1]) - 1
  }

  /** A MessagePort, which always moves. @returns its number */
  addPort(port: object): number {
    if (shared().gone.has(port)) throw new TypeError('it was moved away before')
    this.#ports.push(port)
    return this.add(port)
  }

  /** A packet in this one. @returns where its bytes are, where what travels beside them begins, and how much that is */
  addPacket(bytes: Uint8Array, freight: Freight): [bytes: number, start: number, count: number] {
    const start = this.#beside.push(bufferOf(bytes))
    this.#inside.push({ start, freight })
    for (const thing of freight.#beside) this.#beside.push(thing)
    return [start - 1, start, freight.#beside.length]
  }

  /** The whole of a buffer. @returns its number */
  addBuffer(buffer: ArrayBuffer): number {
    const hold = this.#hold(buffer)
    hold.start = 0
    hold.end = buffer.byteLength
    return hold.part
  }

  /** A view, and of its buffer what it shows. @returns the number of the view */
  addView(view: ArrayBufferView): number {
    const hold = this.#hold(view.buffer as ArrayBuffer)
    hold.start = Math.min(hold.start, view.byteOffset - (view.byteOffset % ALIGNMENT))
    hold.end = Math.max(hold.end, view.byteOffset + view.byteLength)
    const part = this.#parts.push(LATER) - 1
    this.#views.push({ view, hold, part })
    return part
  }

  /** A view of shared memory. @param buffer - the number of the memory. @returns the number of the view */
  addSharedView(view: ArrayBufferView, buffer: number): number {
    return this.#parts.push(['view', viewType(view), buffer, view.byteOffset, lengthOf(view)]) - 1
  }

  /** Completes the parts: to be called after the last `add…`, and before the parts are written. */
  close(): void {
    for (const hold of this.#holds.values()) this.#parts[hold.part] = this.#partOf(hold)
    for (const { view, hold, part } of this.#views)
      this.#parts[part] = ['view', viewType(view), hold.part, view.byteOffset - startOf(hold), lengthOf(view)]
  }

  /** Copies and moves: the last step, so that nothing is taken from its owner if another fails. */
  load(isLent: boolean): readonly object[] {
    for (const [index, { buffer, start, end }] of this.#cargo)
      this.#beside[index] = isMoved(buffer)
        ? buffer.transfer()
        : isLent
          ? lend(buffer, start, end)
          : copy(buffer, start, end)
    for (const { start, freight } of this.#inside) {
      const things = freight.load(isLent)
      this.#beside.splice(start, things.length, ...things)
    }
    for (const port of this.#ports) shared().gone.add(port)
    return this.#beside
  }

  #partOf(hold: Hold): Part {
    const { buffer, start, end } = hold
    const isWhole = isMoved(buffer) || buffer.resizable
    if (!isWhole && end - start <= INLINE) return ['inline', buffer.slice(start, end)]
    const index = this.#beside.push(buffer) - 1
    this.#cargo.set(index, hold)
    return buffer.resizable ? ['resizable', index, buffer.maxByteLength] : ['beside', index]
  }

  #hold(buffer: ArrayBuffer): Hold {
    const known = this.#holds.get(buffer)
    if (known !== undefined) return known
    const modern = buffer as ModernBuffer
    if (modern.detached) throw new TypeError('its memory was moved away before')
    const part = this.#parts.push(LATER) - 1
    const hold = { buffer: modern, part, start: Number.POSITIVE_INFINITY, end: 0 }
    this.#holds.set(buffer, hold)
    return hold
  }
}

/** A resizable buffer keeps its size, which says how far it may grow. */
function startOf({ buffer, start }: Hold): number {
  return isMoved(buffer) || buffer.resizable ? 0 : start
}

/** Node's pool of small Buffers belongs to everybody: it is never moved. */
function isMoved(buffer: ArrayBuffer): boolean {
  return isMarked(buffer) && !isMarkedAsUntransferable(buffer)
}

/** The buffer itself, if it goes as a whole. */
function lend(buffer: ModernBuffer, start: number, end: number): ArrayBuffer {
  return start === 0 && end === buffer.byteLength ? buffer : copy(buffer, start, end)
}

function copy(buffer: ModernBuffer, start: number, end: number): ArrayBuffer {
  return buffer.resizable ? resizable(buffer, buffer.maxByteLength) : buffer.slice(start, end)
}

/** A copy that can be resized. */
export function resizable(buffer: ArrayBuffer, maxByteLength: number): ArrayBuffer {
  const Resizable = ArrayBuffer as new (length: number, options: { maxByteLength: number }) => ArrayBuffer
  const made = new Resizable(buffer.byteLength, { maxByteLength })
  new Uint8Array(made).set(new Uint8Array(buffer))
  return made
}

/** All of the buffer of bytes that are ours. */
function bufferOf(bytes: Uint8Array): object {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer
}

/** In elements; of a DataView in bytes. */
function lengthOf(view: ArrayBufferView): number {
  return (view as Uint8Array).length ?? view.byteLength
}
