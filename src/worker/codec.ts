import { messageOf, SerializationError } from '../errors.ts'
import { toJson } from './json-safe.ts'
import { pack } from './pack.ts'
import type { Encoded } from './packet.ts'
import { rootPlace } from './place.ts'
import { decodeAny } from './unpack.ts'

export { lookForCustomClassesIn } from './custom-classes.ts'
export type { Encoded, Packet } from './packet.ts'
export { transfer } from './transfer.ts'

/**
 * A value as it travels to a worker or back: a copy of what it is now.
 * @param root - what to call the value in an error; `args` is an array of the caller's own making
 * @param isThread - whether shared memory and ports can travel
 * @param isLent - whether it is sent before anybody can change it: then large buffers are not copied
 * @throws SerializationError with the path of what cannot travel
 */
export function encode(value: unknown, root: string, isThread: boolean, isLent = false): Encoded {
  return toJson(value, root === 'args') ?? pack(rootPlace(root), value, isThread, isLent)
}

/** The value again. @throws SerializationError if this is not what {@link encode} made */
export function decode(encoded: Encoded): unknown {
  try {
    return decodeAny(encoded)
  } catch (cause) {
    throw unreadable(cause)
  }
}

/** For what arrived damaged, or needs a class that is not here. */
export function unreadable(cause: unknown): SerializationError {
  return new SerializationError(`What came from another thread or process cannot be read: ${messageOf(cause)}`, {
    cause,
  })
}
