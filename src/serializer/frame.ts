/**
 * How a value lies in bytes. Numbers are unsigned and little-endian.
 *
 * | at | bytes | |
 * | --- | --- | --- |
 * | 0 | 4 | `TAPS` |
 * | 4 | 4 | CRC-32 (that of zlib) of all bytes from 8 to the end; 0 if there is none |
 * | 8 | 1 | version: 1 |
 * | 9 | 1 | flags: 1 if there is a CRC-32, else 0 |
 * | 10 | 1 | 255 − flags |
 * | 11 | 1 | 0 |
 * | 12 | 4 | number of buffers |
 * | 16 | 8 | length of the text in bytes |
 * | 24 | 8 each | length of each buffer in bytes |
 * | next | | the text: JSON in UTF-8, in superjson's notation (see notation.ts and types.ts) |
 * | next | | the buffers, one after the other |
 *
 * Behind the text and behind each buffer stand zeros up to the next multiple of 8, at the end of the frame as well.
 */
import { SerializationError } from '../errors.ts'
import { crc32 } from './crc32.ts'
import { isDeeper } from './depth.ts'

export interface Frame {
  readonly text: string
  readonly buffers: readonly Uint8Array[]
}

/** `TAPS` */
const MAGIC = 0x53504154
const VERSION = 1
const HAS_CRC = 1
const HEAD = 24
const ENTRY = 8
/** The CRC-32 covers what follows it. */
const COVERED = 8
/** The largest elements of views have so many bytes. */
export const ALIGNMENT = 8
/** Up to so many bytes are copied to those before them: a chunk of their own would take longer. */
const SMALL = 8_192
/** In lists and objects. A level of a value takes two of them at most. */
const DEEPEST_TEXT = 2_100
const ZEROS = new Uint8Array(ALIGNMENT)
const TWO_32 = 2 ** 32

type Encoder = InstanceType<typeof TextEncoder>
type Decoder = InstanceType<typeof TextDecoder>

// Made when they are needed, so that bundles of who writes and reads nothing can leave all of this out.
let encoder: Encoder | undefined
let decoder: Decoder | undefined

function encoding(): Encoder {
  encoder ??= new TextEncoder()
  return encoder
}

/** Fatal: bytes that are no text are damage. */
function decoding(): Decoder {
  decoder ??= new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  return decoder
}

function aligned(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT
}

/** Whether a buffer is copied to the text. */
export function isSmall(length: number): boolean {
  return length <= SMALL
}

/**
 * The bytes of a frame, in pieces.
 * @param buffers - small ones first
 * @returns the first is made here, the others are the large buffers, as they are, and zeros behind them
 */
export function writeFrame({ text: json, buffers }: Frame, hasChecksum: boolean): readonly Uint8Array[] {
  const text = withoutPairs(json)
  const start = HEAD + ENTRY * buffers.length
  const small = buffers.filter(({ byteLength }) => isSmall(byteLength))
  const room = small.reduce((size, { byteLength }) => size + aligned(byteLength), 0)
  const { bytes, length } = encodeText(text, start, room)
  copyTo(bytes, start + aligned(length), small)
  const chunks = [bytes, ...padded(buffers.slice(small.length))]
  const head = viewOf(bytes)
  writeHead(head, length, buffers, hasChecksum)
  if (hasChecksum) head.setUint32(4, checksum(chunks), true)
  return chunks
}

/**
 * The same JSON, with backslashes written by their number. V8 13.6 takes a key that is written with two of them for another,
 * which it has met before in an object of this shape and which really has two.
 */
function withoutPairs(json: string): string {
  return json.includes('\\\\') ? json.replaceAll('\\\\', '\\u005c') : json
}

function copyTo(bytes: Uint8Array, start: number, buffers: readonly Uint8Array[]): void {
  let at = start
  for (const buffer of buffers) {
    bytes.set(buffer, at)
    at += aligned(buffer.byteLength)
  }
}

/** With zeros up to the next multiple of 8. */
function padded(buffers: readonly Uint8Array[]): Uint8Array[] {
  return buffers.flatMap((buffer) => {
    const gap = aligned(buffer.byteLength) - buffer.byteLength
    return gap === 0 ? [buffer] : [buffer, ZEROS.subarray(0, gap)]
  })
}

/** Puts the text where it belongs, with room before and behind it. */
function encodeText(text: string, before: number, behind: number): { bytes: Uint8Array; length: number } {
  // Most text is ASCII: it is written without being measured first.
  const bytes = new Uint8Array(before + aligned(text.length) + behind)
  const { read, written } = encoding().encodeInto(text, bytes.subarray(before, before + text.length))
  if (read === text.length) return { bytes, length: written }
  const encoded = encoding().encode(text)
  const larger = new Uint8Array(before + aligned(encoded.length) + behind)
  larger.set(encoded, before)
  return { bytes: larger, length: encoded.length }
}

function writeHead(head: DataView, textLength: number, buffers: readonly Uint8Array[], hasChecksum: boolean): void {
  const flags = hasChecksum ? HAS_CRC : 0
  head.setUint32(0, MAGIC, true)
  head.setUint8(8, VERSION)
  head.setUint8(9, flags)
  head.setUint8(10, 255 - flags)
  head.setUint32(12, buffers.length, true)
  setLength(head, 16, textLength)
  for (const [i, { byteLength }] of buffers.entries()) setLength(head, HEAD + ENTRY * i, byteLength)
}

/** What is in a frame. The buffers are views of its bytes. @throws SerializationError if it is damaged, or no frame at all */
export function readFrame(bytes: Uint8Array): Frame {
  const head = viewOf(bytes)
  checkHead(bytes, head)
  const count = head.getUint32(12, true)
  const start = HEAD + ENTRY * count
  if (start > bytes.length) throw damaged('it ends too early')
  const text = bytes.subarray(start, start + getLength(head, 16))
  const buffers: Uint8Array[] = []
  let at = start + aligned(getLength(head, 16))
  for (let entry = HEAD; entry < start; entry += ENTRY) {
    const length = getLength(head, entry)
    buffers.push(bytes.subarray(at, at + length))
    at += aligned(length)
  }
  if (at !== bytes.length) throw damaged(at > bytes.length ? 'it ends too early' : 'it goes on behind its end')
  if (isDeeper(text, DEEPEST_TEXT)) throw damaged('it is nested too deeply')
  return { text: decoding().decode(text), buffers }
}

function checkHead(bytes: Uint8Array, head: DataView): void {
  if (bytes.length < HEAD || head.getUint32(0, true) !== MAGIC) {
    throw new SerializationError('These bytes are not a value that serialize() has written')
  }
  const version = head.getUint8(8)
  if (version !== VERSION) throw damaged(`it has version ${version}, and this library reads version ${VERSION} only`)
  const flags = head.getUint8(9)
  // Said twice, so that damage cannot hide itself by switching the checksum off.
  if (flags > HAS_CRC || head.getUint8(10) !== 255 - flags || head.getUint8(11) !== 0)
    throw damaged('its head is wrong')
  const wanted = flags === HAS_CRC ? checksum([bytes]) : 0
  if (head.getUint32(4, true) !== wanted) throw damaged('its checksum is wrong')
}

/** Of all that the checksum covers. */
function checksum([first, ...others]: readonly Uint8Array[]): number {
  return others.reduce((crc, chunk) => crc32(chunk, crc), crc32((first as Uint8Array).subarray(COVERED), 0))
}

function damaged(why: string): SerializationError {
  return new SerializationError(
    `A serialized value cannot be read, because it was damaged or made by another version: ${why}`,
  )
}

function setLength(view: DataView, at: number, length: number): void {
  view.setUint32(at, length % TWO_32, true)
  view.setUint32(at + 4, Math.floor(length / TWO_32), true)
}

function getLength(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO_32
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}
