import { viewClass } from './built-ins.ts'
import { deserializeCustom } from './custom-classes.ts'
import { define, fillError, makeError } from './error-shape.ts'
import { resizable } from './freight.ts'
import type { Content, Encoded, ErrorContent, Packet, Part } from './packet.ts'
import { newReader } from './v8-stream.ts'

/** @throws anything, if the packet is broken */
function unpack({ bytes, beside }: Packet): unknown {
  const made: unknown[] = []
  const reader = newReader(bytes, (number) => at(made, number))
  for (let left = reader.readUint32(); left > 0; left--) made.push(make(reader.readValue() as Part, made, beside))
  const value: unknown = reader.readValue()
  for (let left = reader.readUint32(); left > 0; left--) {
    const [part, content] = reader.readValue() as Content
    fill(made[part], content)
  }
  return value
}

/** Parses JSON, or reads a packet. @throws anything, if it is broken */
export function decodeAny(encoded: Encoded): unknown {
  return typeof encoded === 'string' ? JSON.parse(encoded) : unpack(encoded)
}

function make(part: Part, made: readonly unknown[], beside: readonly object[]): unknown {
  switch (part[0]) {
    case 'beside':
      return at(beside, part[1])
    case 'inline':
      return part[1]
    case 'resizable':
      return madeResizable(at(beside, part[1]) as ArrayBuffer, part[2])
    case 'view':
      return makeView(part[1], at(made, part[2]) as ArrayBuffer, part[3], part[4])
    case 'url':
      return new URL(part[1])
    case 'error':
      return makeError(part)
    case 'customText':
      return deserializeCustom(decodeAny(part[1]))
    case 'customPacket':
      return deserializeCustom(unpackInside(part[1], beside.slice(part[2], part[2] + part[3]), beside))
    case 'array':
      return []
    case 'map':
      return new Map()
    case 'set':
      return new Set()
    case 'object':
      return {}
    case 'nullObject':
      return Object.create(null)
    default:
      throw new TypeError('a part of an unknown kind')
  }
}

function at<T>(list: readonly T[], index: number): T {
  if (!Object.hasOwn(list, index)) throw new RangeError('a part is missing')
  return list[index] as T
}

function unpackInside(bytes: number, inside: readonly object[], beside: readonly object[]): unknown {
  const data = at(beside, bytes) as ArrayBuffer
  return unpack({ bytes: new Uint8Array(data), beside: inside, size: 0 })
}

/** Threads keep buffers resizable; what came through a pipe is not. */
function madeResizable(buffer: ArrayBuffer, maxByteLength: number): ArrayBuffer {
  return (buffer as { resizable?: boolean }).resizable ? buffer : resizable(buffer, maxByteLength)
}

function makeView(type: string, buffer: ArrayBuffer, byteOffset: number, length: number): unknown {
  if (type === 'Buffer') return Buffer.from(buffer, byteOffset, length)
  const View = viewClass(type)
  if (View === undefined) throw new TypeError(`this runtime has no ${type}`)
  return new View(buffer, byteOffset, length)
}

function fill(shell: unknown, content: unknown): void {
  if (shell instanceof Map) for (const [key, value] of content as Map<unknown, unknown>) shell.set(key, value)
  else if (shell instanceof Set) for (const value of content as Set<unknown>) shell.add(value)
  else if (Array.isArray(shell)) fillArray(shell, content as unknown[])
  else if (shell instanceof Error) fillError(shell, content as ErrorContent)
  else for (const [key, value] of Object.entries(content as object)) define(shell as object, key, value, true)
}

function fillArray(shell: unknown[], content: unknown[]): void {
  shell.length = content.length
  for (const [key, value] of Object.entries(content)) define(shell, key, value, true)
}
