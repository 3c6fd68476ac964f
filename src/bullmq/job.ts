/** What the jobs of a queue hold. All of it comes from elsewhere: it is data, and checked. */
import { isObject } from '../options.ts'

/** The name of our jobs. */
export const JOB_NAME = 'taps-sdk pack'

/** What clients and workers say to each other: it changes with what jobs, packs and answers are made of. */
export const PROTOCOL = 1

/** The data of a job. */
export interface JobData {
  /** That of the client: a worker of another one cannot know what the rest means. */
  readonly protocol: number
  /** The client that wants to know the answer. */
  readonly client: string
  /** The number of the pack among those of the client. */
  readonly pack: number
  readonly calls: number
  /** The pack; where it is not here, it is in a list of its own. */
  readonly text?: string
}

/** What a job returns: the messages of the answer; where they are not here, they are in a list of their own. */
export interface JobAnswer {
  readonly messages?: readonly string[]
  /** How often something of it was told before its end, if it was: that comes another way, which may be slower. */
  readonly told?: number
}

/** Characters of a pack that its job holds itself. */
export const MOST_INLINE_CALLS = 65_536
/** Of an answer: less, for it is in the stream of events too. */
export const MOST_INLINE_ANSWER = 16_384

export function jobId(client: string, pack: number): string {
  return `${client}-${pack}`
}

/** @throws TypeError if it is not of this library */
export function checkedJob(data: unknown): JobData {
  if (!isObject(data)) throw new TypeError('The job has no data of taps-sdk')
  const { protocol, client, pack, calls, text } = data
  if (protocol !== PROTOCOL)
    throw new TypeError(
      `The worker speaks protocol ${PROTOCOL} of taps-sdk, the client ${String(protocol)}: install the same version on both sides`,
    )
  const isRight =
    typeof client === 'string' &&
    /^[\w-]{1,64}$/.test(client) &&
    isCount(pack) &&
    isCount(calls) &&
    (text === undefined || typeof text === 'string')
  if (!isRight) throw new TypeError('The job is none of taps-sdk')
  return data as unknown as JobData
}

/** @returns undefined if it is none */
export function checkedAnswer(value: unknown): JobAnswer | undefined {
  if (!isObject(value)) return undefined
  const { messages, told } = value
  const isRight =
    (messages === undefined || (Array.isArray(messages) && messages.every((each) => typeof each === 'string'))) &&
    (told === undefined || isCount(told))
  return isRight ? (value as JobAnswer) : undefined
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0
}
