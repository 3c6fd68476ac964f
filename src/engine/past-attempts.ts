import { isInstance, WorkerCrashedError } from '../errors.ts'
import { exceptionInfo } from '../record/exception-info.ts'

/** Lines that are kept, at the most: a task may be tried again for ever. */
const MOST_LINES = 20

/** A line for an attempt that failed, behind those of earlier ones. */
export function withAttempt(lines: readonly string[] | undefined, attempt: number, error: unknown): readonly string[] {
  const { type, message } = exceptionInfo(error)
  return [...(lines ?? []), `attempt ${attempt}: ${type}: ${message}`].slice(-MOST_LINES)
}

/** A call that keeps ending its workers fails with what became of its attempts: each may have ended in another way. */
export function withHistory(error: unknown, attempts: number, history: readonly string[] | undefined): unknown {
  if (history === undefined || !isInstance(error, WorkerCrashedError)) return error
  const message = `${error.message} (attempt ${attempts})`
  return new WorkerCrashedError(message, { ...('cause' in error ? { cause: error.cause } : {}), history })
}
