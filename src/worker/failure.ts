/** What a task threw, on its way back: an error keeps its class, as far as both sides have it, and all that hangs on it. */
import { withoutStack } from '../errors.ts'
import { decode, type Encoded, encode, unreadable } from './codec.ts'
import { describe, isError } from './describe.ts'
import { customError, errorContent, errorPart, fillError, makeError } from './error-shape.ts'
import { toJson } from './json-safe.ts'
import type { ErrorPart } from './packet.ts'

/** What was thrown, in JSON, which does for most: a value, or an error and its properties. */
type Thrown = readonly [value: unknown] | readonly [part: ErrorPart, shown: object, hidden: Hidden]

interface Hidden {
  readonly code?: unknown
  readonly cause?: Thrown
  readonly errors?: readonly Thrown[]
}

/** More need a packet. */
const MOST_ERRORS = 50

/** JSON if that does, also for errors. Never throws: what cannot travel arrives as an error that describes it. */
export function encodeFailure(error: unknown, isThread: boolean): Encoded {
  try {
    return encodeThrown(error, isThread)
  } catch (cause) {
    return encodeDescription(`The task threw ${describe(error)}`, cause, isThread)
  }
}

function encodeDescription(message: string, cause: unknown, isThread: boolean): Encoded {
  try {
    return encodeThrown(
      withoutStack(() => new Error(message, { cause })),
      isThread,
    )
  } catch {
    return encodeThrown(
      withoutStack(() => new Error(message)),
      isThread,
    )
  }
}

function encodeThrown(error: unknown, isThread: boolean): Encoded {
  return toText(error) ?? encode(error, 'thrown', isThread)
}

/** What the task threw, as far as it could travel. Never throws: what cannot be read is a failure too. */
export function decodeFailure(encoded: Encoded): unknown {
  try {
    return typeof encoded === 'string' ? fromThrown(JSON.parse(encoded)) : decode(encoded)
  } catch (error) {
    return unreadable(error)
  }
}

function toText(error: unknown): string | undefined {
  try {
    const thrown = toThrown(error, new Set())
    return thrown === undefined ? undefined : toJson(thrown)
  } catch {
    // A packet describes what cannot be read.
    return undefined
  }
}

/** Undefined if it needs a packet. What remains to be checked is left to {@link toJson}. */
function toThrown(value: unknown, seen: Set<unknown>): Thrown | undefined {
  if (!isError(value)) return [value]
  if (seen.has(value) || seen.size === MOST_ERRORS || customError(value) !== undefined) return undefined
  seen.add(value)
  const { shown, hidden } = errorContent(value) as { shown: object; hidden: Record<string, unknown> }
  const plain: Record<string, unknown> = { ...hidden }
  if ('cause' in hidden) plain.cause = toThrown(hidden.cause, seen)
  if (Array.isArray(hidden.errors)) plain.errors = hidden.errors.map((each) => toThrown(each, seen))
  else delete plain.errors
  return [errorPart(value), shown, plain]
}

function fromThrown(thrown: Thrown): unknown {
  if (thrown.length === 1) return thrown[0]
  const [part, shown, { cause, errors, ...hidden }] = thrown
  const error = makeError(part)
  const more: Record<string, unknown> = hidden
  if (cause !== undefined) more.cause = fromThrown(cause)
  if (errors !== undefined) more.errors = errors.map(fromThrown)
  fillError(error, { shown, hidden: more })
  return error
}
