import { MAX_DELAY } from '../clock.ts'
import { ExecutorShutdownError, isInstance } from '../errors.ts'
import { describe } from '../options.ts'
import type { RetryPolicy } from '../task/task-options.ts'

/** Whether another attempt follows the one of this number. Throws what the policy's own `when` throws. */
export function mayRetry(policy: RetryPolicy | undefined, attempt: number, error: unknown): policy is RetryPolicy {
  // A closed executor takes no second attempt either.
  if (policy === undefined || attempt > policy.limit || isInstance(error, ExecutorShutdownError)) return false
  if (policy.when === undefined) return true
  const answer: unknown = policy.when(error, attempt)
  if (typeof answer === 'boolean') return answer
  throw new TypeError(`retries.when answers true or false, not ${describe(answer)}`)
}

/** Milliseconds from the failure of an attempt to the next one. */
export function retryDelay({ delay, backoff, jitter }: RetryPolicy, attempt: number, random: () => number): number {
  const full = Math.min(delay * backoff ** (attempt - 1), MAX_DELAY)
  return full * (1 - jitter * random())
}
