import { SerializationError } from '../errors.ts'
import { cure, describe } from '../worker/describe.ts'
import { type Place, pathOf } from '../worker/place.ts'

/** Says what a value is, where it stands, and what to do instead of writing it. */
export function refuse(value: unknown, place: Place, why: string = cure(value)): never {
  throw new SerializationError(`${pathOf(place)} is ${describe(value)}, which cannot be serialized: ${why}`)
}

/** Says where something is that failed while it was looked at. */
export function unwritable(place: Place, cause: unknown): SerializationError {
  const reason = cause instanceof Error ? `: ${cause.message}` : ''
  return new SerializationError(`${pathOf(place)} cannot be serialized${reason}`, { cause })
}
