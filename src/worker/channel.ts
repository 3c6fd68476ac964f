import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import type { Encoded, Packet } from './codec.ts'

/** One end of a connection between a client and a worker. */
export interface Channel {
  /** @param beside - what travels beside the text: bytes, and for threads what they share */
  send(text: string, beside?: readonly object[]): void
  /** Takes what has arrived already, without a turn of the event loop, where that can be done. */
  drain?(): void
}

/** Told of each message. */
export type OnMessage = (text: string, beside: readonly object[]) => void

const NOTHING: readonly object[] = []

/** A channel over a MessagePort. */
export class PortChannel implements Channel {
  readonly #port: MessagePort
  readonly #onMessage: OnMessage

  constructor(port: MessagePort, onMessage: OnMessage) {
    this.#port = port
    this.#onMessage = onMessage
    port.on('message', (message) => this.#receive(message))
  }

  send(text: string, beside?: readonly object[]): void {
    if (beside === undefined || beside.length === 0) this.#port.postMessage(text)
    else this.#port.postMessage([text, beside], beside.filter(isMoved) as ArrayBuffer[])
  }

  drain(): void {
    for (let got = receiveMessageOnPort(this.#port); got !== undefined; got = receiveMessageOnPort(this.#port))
      this.#receive(got.message)
  }

  #receive(message: string | readonly [string, readonly object[]]): void {
    if (typeof message === 'string') this.#onMessage(message, NOTHING)
    else this.#onMessage(message[0], message[1])
  }
}

/** What changes hands; the rest is shared, or cloned by the thread's own means. */
export function isMoved(value: object): boolean {
  return value instanceof ArrayBuffer || value.constructor.name === 'MessagePort'
}

/** Packets that go beside one message. */
export class Packing {
  readonly beside: object[] = []
  /** How many objects each packet has beside its bytes. */
  readonly counts: number[] = []

  /** @returns the number of the packet in the message */
  add({ bytes, beside }: Packet): number {
    this.beside.push(ownBuffer(bytes), ...beside)
    return this.counts.push(beside.length) - 1
  }
}

/** Sends a message that ends with a value: as JSON, or as a packet beside it. @param start - what comes before, as JSON */
export function sendValue(channel: Channel, start: string, value: Encoded): void {
  if (typeof value === 'string') return channel.send(`[${start},[${value}]]`)
  const packing = new Packing()
  packing.add(value)
  channel.send(`[${start},[],${JSON.stringify(packing.counts)}]`, packing.beside)
}

/** What {@link sendValue} sent. */
export function receivedValue(json: unknown, counts: unknown, beside: readonly object[]): Encoded {
  const [packet] = unpack(counts as readonly number[] | undefined, beside)
  return packet ?? JSON.stringify((json as readonly unknown[])[0])
}

/** The bytes alone, not the memory around them. */
function ownBuffer(bytes: Uint8Array): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = bytes
  return (byteLength === buffer.byteLength ? buffer : buffer.slice(byteOffset, byteOffset + byteLength)) as ArrayBuffer
}

/** Takes the packets of a message apart again. */
export function unpack(counts: readonly number[] | undefined, beside: readonly object[]): Packet[] {
  const packets: Packet[] = []
  let next = 0
  for (const count of counts ?? []) {
    const bytes = new Uint8Array(beside[next++] as ArrayBuffer)
    packets.push({ bytes, beside: beside.slice(next, next + count), size: bytes.length })
    next += count
  }
  return packets
}
