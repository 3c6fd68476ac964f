import { MAX_DELAY } from '../clock.ts'
import { ConfigError } from '../errors.ts'
import { describe } from '../task/task-options.ts'
import type { WaitOptions } from './task-future.ts'

/** How many milliseconds a call may wait; undefined if there is no limit. @throws ConfigError for what is no such number */
export function timeoutOf(caller: string, options: WaitOptions | undefined): number | undefined {
  const timeout = options?.timeout
  if (timeout === undefined || timeout === Infinity) return undefined
  if (typeof timeout === 'number' && timeout >= 0 && timeout <= MAX_DELAY) return timeout
  throw new ConfigError(
    `${caller}: timeout takes milliseconds from 0 to ${MAX_DELAY}, or Infinity, not ${describe(timeout)}`,
  )
}
