/**
 * How a packet is laid out. v8 writes the structure; what v8 cannot write, or would write badly, is replaced by a
 * number there. `parts` says for each number what to make: an empty shell, at once, so that anything may refer to it,
 * cycles included. `contents` then fills the shells that have contents.
 */

/** A value on its way to a worker or back: JSON text, or a packet where JSON does not do. */
export type Encoded = string | Packet

export interface Packet {
  /** As v8 writes them: the number of {@link Part}s and each of them, the value, the number of {@link Content}s and each of them. */
  readonly bytes: Uint8Array
  /**
   * What travels beside it, in the order of its numbers: ArrayBuffers (ours to give away: copies, or moved),
   * SharedArrayBuffers, and what only threads can pass (MessagePort, Blob, …).
   */
  readonly beside: readonly object[]
  /** Bytes in all. */
  readonly size: number
}

/** What is sent to a thread changes hands: a copy for each time that it is sent. */
export function copyOf({ bytes, beside, size }: Packet): Packet {
  return {
    // Not slice: that of a Buffer is no copy.
    bytes: new Uint8Array(bytes),
    beside: beside.map((object) => (object instanceof ArrayBuffer ? object.slice(0) : object)),
    size,
  }
}

/** What one number stands for. */
export type Part =
  /** One of `beside`, as it is. */
  | readonly [kind: 'beside', index: number]
  /** A small ArrayBuffer. */
  | readonly [kind: 'inline', buffer: ArrayBuffer]
  /** An ArrayBuffer of `beside` that can be resized. */
  | readonly [kind: 'resizable', index: number, maxByteLength: number]
  /** A view of the buffer that has the number `buffer`. */
  | readonly [kind: 'view', type: string, buffer: number, byteOffset: number, length: number]
  | readonly [kind: 'url', href: string]
  /** A container that v8 would change, or that stands too deep for it. */
  | readonly [kind: ShellKind]
  | ErrorPart
  /** An instance of a registered class: a packet inside this one, or JSON. */
  | readonly [kind: 'customText', text: string]
  | readonly [kind: 'customPacket', bytes: number, firstBeside: number, besideCount: number]

/** `type` is the class it is made of, `identifier` that of a registered class; empty if it has none. */
export type ErrorPart = readonly [
  kind: 'error',
  type: string,
  name: string,
  message: string,
  stack: string,
  identifier: string,
]

export type ShellKind = 'array' | 'map' | 'object' | 'nullObject' | 'set'

/** What belongs in a shell: a container of the same kind, or the properties of an error. */
export type Content = readonly [part: number, content: unknown]

/** The properties of an error, besides those that every error has. */
export interface ErrorContent {
  /** Own enumerable ones. */
  readonly shown: object
  /** The others: `cause`, `errors`, `code`. */
  readonly hidden: object
}
