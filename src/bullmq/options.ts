import { MAX_DELAY } from '../clock.ts'
import { ConfigError } from '../errors.ts'
import { type Check, describe, isObject, oneOf } from '../options.ts'

/** How to reach the Redis server of a queue. */
export interface QueueConnection {
  /** `redis://user:password@host:port/database`, or `rediss:` for TLS. Errors name host and port only. */
  readonly url: string
  /** How long it may take until the server answers for the first time, in ms; `Infinity` waits for it. @defaultValue 10,000 */
  readonly connectTimeout?: number | undefined
  /** How long the server may be away later, in ms, before what is outstanding fails. @defaultValue 60,000 */
  readonly reconnectTimeout?: number | undefined
}

/** Where a queue is. */
export interface QueueOptions {
  /** The Redis server: its URL, or that with limits of time. */
  readonly connection: string | QueueConnection
  /** The name of the queue. */
  readonly queue: string
  /** What the names of its keys begin with, as BullMQ has it. @defaultValue 'bull' */
  readonly prefix?: string | undefined
}

/** The same, complete. */
export interface QueuePlace {
  readonly url: string
  readonly connectTimeout: number
  readonly reconnectTimeout: number
  readonly queue: string
  readonly prefix: string
}

const isTime = (value: unknown): boolean =>
  value === Infinity || (typeof value === 'number' && value > 0 && value <= MAX_DELAY)

/** Nothing of a URL is shown, for it may have a password. */
export const QUEUE_CHECKS: Readonly<Record<keyof QueueOptions, Check>> = {
  connection: () => undefined,
  queue: oneOf('letters, digits and any of ._-', (value) => typeof value === 'string' && /^[\w.-]{1,100}$/.test(value)),
  prefix: oneOf(
    'letters, digits and any of ._:-',
    (value) => typeof value === 'string' && /^[\w.:-]{1,100}$/.test(value),
  ),
}

/** @throws ConfigError for what is no address of Redis, or no name of a queue */
export function queuePlace(owner: string, { connection, queue, prefix = 'bull' }: QueueOptions): QueuePlace {
  const given = typeof connection === 'string' ? { url: connection } : connection
  if (!isObject(given) || !isRedisUrl(given.url)) {
    throw new ConfigError(
      `${owner} takes { connection }: redis://host:port, or rediss://host:port for TLS, with a password as redis://:password@host:port; or an object with that as its url`,
    )
  }
  const { url, connectTimeout = 10_000, reconnectTimeout = 60_000 } = given as unknown as QueueConnection
  for (const [option, value] of Object.entries({ connectTimeout, reconnectTimeout }))
    if (!isTime(value))
      throw new ConfigError(`${owner}: connection.${option} takes milliseconds, not ${describe(value)}`)
  const unknown = Object.keys(given).find((key) => !['url', 'connectTimeout', 'reconnectTimeout'].includes(key))
  if (unknown !== undefined)
    throw new ConfigError(
      `${owner}: connection has no option ${JSON.stringify(unknown)}; there are url, connectTimeout, reconnectTimeout`,
    )
  if (queue === undefined) throw new ConfigError(`${owner} takes { queue }, the name of a queue`)
  return { url, connectTimeout, reconnectTimeout, queue, prefix }
}

function isRedisUrl(url: unknown): url is string {
  if (typeof url !== 'string' || !/^rediss?:\/\/./.test(url) || !URL.canParse(url)) return false
  const { hostname, pathname } = new URL(url)
  return hostname !== '' && /^(?:\/\d*)?$/.test(pathname)
}
