import { nodeModule } from '../node-module.ts'

interface Zlib {
  crc32?(bytes: Uint8Array, before: number): number
}

type Crc32 = (bytes: Uint8Array, before: number) => number

let fastest: Crc32 | undefined

/** The CRC-32 of zlib, PNG and Ethernet. @param before - that of the bytes before these */
export function crc32(bytes: Uint8Array, before: number): number {
  // Found when it is needed: to load zlib takes longer than all of this library.
  fastest ??= nodeModule<Zlib>('node:zlib')?.crc32 ?? slowCrc32
  return fastest(bytes, before)
}

const TABLE_SIZE = 256
let table: Uint32Array | undefined

/** Where there is no zlib. */
export function slowCrc32(bytes: Uint8Array, before: number): number {
  table ??= Uint32Array.from({ length: TABLE_SIZE }, (_, byte) => crcOfByte(byte))
  let crc = ~before
  for (let i = 0; i < bytes.length; i++) {
    crc = (crc >>> 8) ^ (table[(crc ^ (bytes[i] as number)) & 0xff] as number)
  }
  return ~crc >>> 0
}

function crcOfByte(byte: number): number {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  return crc
}
