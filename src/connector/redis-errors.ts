import { TransformError } from '../errors.ts'

/** What Redis answers with, by its first word. */
const CURES: Readonly<Record<string, string>> = {
  NOAUTH: 'it wants a password: give it in url, as redis://:password@host:port',
  WRONGPASS: 'it refuses the user or the password in url',
  NOPERM: 'the user in url lacks a permission: it needs SET, GET, EXISTS, UNLINK, SCAN and the commands of sorted sets',
  OOM: 'it is out of memory: raise its maxmemory, give the connector a ttl, or let fewer values travel by reference',
  MISCONF: 'it cannot write to its disk, and refuses to store',
  READONLY: 'it is a replica: give the address of the primary in url',
}

/** Names the server, never the password, and the cure. @param place - host and port */
export function redisError(place: string, cause: unknown): TransformError {
  const { message = '', code } = cause as { message?: string; code?: unknown }
  const word = /^[A-Z]+(?= )/.exec(message)?.[0] ?? ''
  const cure = CURES[word]
  if (cure !== undefined) return new TransformError(`Redis at ${place} refuses: ${cure} (${message})`, { cause })
  if (word !== '') return new TransformError(`Redis at ${place} refuses: ${message}`, { cause })
  const reason = typeof code === 'string' ? code : message
  return new TransformError(
    `Cannot reach Redis at ${place}: ${reason}. Is it running, and is the address in url right?`,
    {
      cause,
    },
  )
}
