import { ConfigError } from '../errors.ts'
import { type Check, oneOf } from '../options.ts'
import { RedisConnection } from './redis-connection.ts'

/** How to reach a Redis server, and where our keys are on it. */
export interface RedisServerOptions {
  /** `redis://user:password@host:port/database`, or `rediss:` for TLS. Errors name host and port only. */
  readonly url: string
  /** What the names of all keys begin with. @defaultValue 'taps-sdk' */
  readonly prefix?: string | undefined
  /** How long connecting may take, the login included, in ms. @defaultValue 5,000 */
  readonly connectTimeout?: number | undefined
  /** How long the server may be silent while something is wanted of it, in ms. @defaultValue 30,000 */
  readonly timeout?: number | undefined
}

/** What keys begin with unless something else is said. */
export const PREFIX = 'taps-sdk'

const timeOption: Check = oneOf(
  'a whole number of ms from 1',
  (value) => Number.isInteger(value) && (value as number) > 0 && (value as number) < 2 ** 31,
)

/** The checks of {@link RedisServerOptions}. That of the URL shows nothing of it, for it may have a password. */
export const serverChecks: Readonly<Record<string, Check>> = {
  url: () => undefined,
  prefix: oneOf(
    'letters, digits and any of ._:-',
    (value) => typeof value === 'string' && /^[\w.:-]{1,100}$/.test(value),
  ),
  connectTimeout: timeOption,
  timeout: timeOption,
}

/** @throws ConfigError for what is no URL of Redis */
export function connectionTo(owner: string, options: RedisServerOptions): RedisConnection {
  const { url, connectTimeout = 5_000, timeout = 30_000 } = options
  if (!isRedisUrl(url)) {
    throw new ConfigError(
      `${owner} takes { url }: redis://host:port, or rediss://host:port for TLS, with a password as redis://:password@host:port`,
    )
  }
  return new RedisConnection({ url, connectTimeout, timeout })
}

function isRedisUrl(url: unknown): url is string {
  if (typeof url !== 'string' || !/^rediss?:\/\/./.test(url) || !URL.canParse(url)) return false
  const { hostname, pathname } = new URL(url)
  return hostname !== '' && /^(?:\/\d*)?$/.test(pathname)
}
