import { Frames } from '../worker/frames.ts'
import type { Command, RedisClients } from './redis-clients.ts'

/** A message, and the bytes that go beside it. */
export interface Message {
  readonly text: string
  readonly beside: readonly object[]
}

/** Bytes of an element of a list, at the most: Redis takes 512 MB, and is busy meanwhile. */
const PIECE = 16 * 1024 * 1024

/** Stores messages under a key, as bytes. @param ttl - ms after which they are gone */
export async function putMessages(
  clients: RedisClients,
  key: string,
  messages: readonly Message[],
  ttl: number,
): Promise<void> {
  const bytes = asBytes(messages)
  const commands: Command[] = [['UNLINK', key]]
  for (let at = 0; at < bytes.length; at += PIECE) commands.push(['RPUSH', key, bytes.subarray(at, at + PIECE)])
  // All at once: somebody may be reading what is there already, when the same is put again.
  await clients.together([...commands, ['PEXPIRE', key, String(ttl)]])
}

/** What {@link putMessages} stored; undefined if it is there no more. */
export async function getMessages(clients: RedisClients, key: string): Promise<Message[] | undefined> {
  const pieces = (await clients.bytes(['LRANGE', key, '0', '-1'])) as readonly Buffer[]
  if (pieces.length === 0) return undefined
  return fromBytes(pieces)
}

/** Messages as one piece of bytes. */
export function asBytes(messages: readonly Message[]): Buffer {
  const frames = new Frames(() => {})
  return Buffer.concat(messages.flatMap(({ text, beside }) => frames.frame(text, beside)))
}

/** @throws TapsError for what is no message */
export function fromBytes(pieces: readonly Uint8Array[]): Message[] {
  const messages: Message[] = []
  const frames = new Frames((text, beside) => messages.push({ text, beside }))
  for (const piece of pieces) frames.push(piece)
  return messages
}
