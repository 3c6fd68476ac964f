import { MAX_DELAY } from '../clock.ts'
import { type Check, checkOptions, oneOf } from '../options.ts'
import type { TimeoutOptions } from './task-future.ts'

const TIMEOUT: Check = oneOf(
  `milliseconds from 0 to ${MAX_DELAY}, or Infinity`,
  (value) => value === Infinity || (typeof value === 'number' && value >= 0 && value <= MAX_DELAY),
)

/**
 * How many milliseconds a call may wait; undefined if there is no limit.
 * @param checks - of the other options that the call has
 * @throws ConfigError for an unknown or wrong option
 */
export function timeoutOf(
  caller: string,
  options: TimeoutOptions | undefined,
  checks: Readonly<Record<string, Check>> = {},
): number | undefined {
  if (options === undefined) return undefined
  checkOptions(caller, options, { timeout: TIMEOUT, ...checks })
  return options.timeout === Infinity ? undefined : options.timeout
}
