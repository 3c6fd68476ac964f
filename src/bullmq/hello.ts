/** What workers and clients say to each other besides jobs. */
import { isObject } from '../options.ts'

/** A worker says that it is there. */
export interface Hello {
  readonly id: string
  readonly host: string
  readonly pid: number
  /** How many packs it runs at the same time; while it ends, how many it still runs. */
  readonly slots: number
  /** Whether what it ran runs again when it dies. */
  readonly again: boolean
  /** It ends now. */
  readonly bye?: true
}

/** Milliseconds between two of them. */
export const BEAT = 1_000
/** Milliseconds of silence after which a worker counts as dead. */
export const SILENCE = 5_000

/** From a client: who is there? */
export const WHO = 'who'

export function helloOf(message: Buffer): Hello | undefined {
  let hello: unknown
  try {
    hello = JSON.parse(message.toString())
  } catch {
    return undefined
  }
  if (!isObject(hello)) return undefined
  const { id, host, pid, slots, again } = hello
  const isRight =
    typeof id === 'string' &&
    typeof host === 'string' &&
    Number.isInteger(pid) &&
    Number.isInteger(slots) &&
    (slots as number) >= 0 &&
    typeof again === 'boolean'
  return isRight ? (hello as unknown as Hello) : undefined
}

/** Something with a word in front of it, which has no line break. */
export function withWord(word: string, rest: string | Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${word}\n`), typeof rest === 'string' ? Buffer.from(rest) : rest])
}

export function splitWord(message: Buffer): readonly [word: string, rest: Buffer] {
  const end = message.indexOf(10)
  return end === -1
    ? [message.toString(), Buffer.alloc(0)]
    : [message.toString('utf8', 0, end), message.subarray(end + 1)]
}
