import { setTimeout as sleep } from 'node:timers/promises'
import { TapsError } from '../errors.ts'
import { addJobs, type PackJob } from './jobs.ts'
import type { QueueLink } from './queue-link.ts'
import { isConnectionError } from './redis-clients.ts'

/** Whose jobs are added. */
export interface OutboxOwner<Job extends PackJob> {
  readonly client: string
  /** Undefined when nothing can be added any more. */
  readonly link: QueueLink | undefined
  /** Whether a job is still to be added. */
  isWanted(job: Job): boolean
  added(jobs: readonly Job[]): void
  refused(job: Job, error: unknown): void
}

/** Milliseconds between two attempts. */
const AGAIN = 100

/** Jobs on their way into the queue: all that come in one turn go together. */
export class Outbox<Job extends PackJob> {
  readonly #owner: OutboxOwner<Job>
  #jobs: Job[] = []

  constructor(owner: OutboxOwner<Job>) {
    this.#owner = owner
  }

  push(job: Job): void {
    if (this.#jobs.push(job) === 1) queueMicrotask(() => void this.#add(this.#jobs.splice(0)))
  }

  clear(): void {
    this.#jobs = []
  }

  async #add(jobs: readonly Job[]): Promise<void> {
    const owner = this.#owner
    for (let rest = jobs; rest.length > 0; rest = rest.filter((job) => owner.isWanted(job))) {
      const { link } = owner
      if (link === undefined) return
      try {
        await addJobs(link, owner.client, rest)
        return owner.added(rest)
      } catch (error) {
        // Nobody knows whether they are there; the same ids again do no harm.
        if (isConnectionError(error)) await sleep(AGAIN)
        else for (const job of rest) owner.refused(job, notQueued(link, error))
      }
    }
  }
}

function notQueued({ clients }: QueueLink, cause: unknown): TapsError {
  const { message } = cause as Error
  return new TapsError('ILLEGAL_STATE', `Redis at ${clients.place} does not take the calls: ${message}`, { cause })
}
