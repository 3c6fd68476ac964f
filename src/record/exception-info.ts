import { isInstance } from '../errors.ts'
import type { ExceptionInfo } from './record.ts'

/** Never throws: what a task threw may be an object whose properties cannot be read. */
export function exceptionInfo(error: unknown): ExceptionInfo {
  const isError = isInstance(error, Error)
  return {
    type: isError ? asText(() => error.name) : typeof error,
    message: asText(() => (isError ? error.message : String(error))),
    traceback: isError ? asText(() => error.stack ?? '') : '',
  }
}

function asText(read: () => unknown): string {
  try {
    return String(read())
  } catch {
    return '(cannot be read)'
  }
}
