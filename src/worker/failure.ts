/** What a task threw, on its way back: an error keeps its class, as far as both sides have it, and all that hangs on it. */
import { SerializationError } from '../errors.ts'
import { decode, type Encoded, encode } from './codec.ts'
import { describe } from './describe.ts'

/** Never throws: what cannot travel arrives as an error that describes it. */
export function encodeFailure(error: unknown, isThread: boolean): Encoded {
  try {
    return encode(error, 'the thrown value', isThread)
  } catch (cause) {
    return encodeFailureOf(new Error(`The task threw ${describe(error)}`, { cause }), isThread)
  }
}

function encodeFailureOf(error: Error, isThread: boolean): Encoded {
  try {
    return encode(error, 'error', isThread)
  } catch {
    return encode(new SerializationError(error.message), 'error', isThread)
  }
}

/** What the task threw, as far as it could travel. Never throws: what cannot be read is a failure too. */
export function decodeFailure(encoded: Encoded): unknown {
  try {
    return decode(encoded)
  } catch (error) {
    return error
  }
}
