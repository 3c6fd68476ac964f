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

const UNTRUSTED =
  'its certificate is not trusted: start Node with NODE_EXTRA_CA_CERTS, which names the file of the authority'
const HINTS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
}

/** Names the server, never the password, and the cure. @param place - host and port */
export function redisError(place: string, cause: unknown): TransformError {
  const { message = '', code } = cause as { message?: string; code?: unknown }
  const word = /^[A-Z]+(?= )/.exec(message)?.[0] ?? ''
  const cure = CURES[word]
  if (cure !== undefined) return new TransformError(`Redis at ${place} refuses: ${cure} (${message})`, { cause })
  if (word !== '') return new TransformError(`Redis at ${place} refuses: ${message}`, { cause })
  const reason = typeof code === 'string' ? code : message
  const hint = HINTS[reason] ?? 'is it running, and is the address in url right?'
  return new TransformError(`Cannot reach Redis at ${place}: ${reason}; ${hint}`, { cause })
}
