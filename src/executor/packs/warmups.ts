import { ExecutorShutdownError } from '../../errors.ts'

/** How long a warm-up may take. */
export interface WarmupLimit {
  readonly ms: number
  /** What it fails with afterwards. */
  readonly error: Error
}

/** Warm-ups under way. They are no calls: a shutdown does not wait for them, but ends them. */
export class Warmups {
  readonly #ends: Set<(error: unknown) => void> = new Set()

  get size(): number {
    return this.#ends.size
  }

  /** Settles as the work does, unless that is ended before, or its time is up. */
  async run(work: () => Promise<void>, limit?: WarmupLimit): Promise<void> {
    let end: (error: unknown) => void = () => {}
    const ended = new Promise<never>((_, reject) => {
      end = reject
    })
    this.#ends.add(end)
    const timer = limit === undefined ? undefined : setTimeout(() => end(limit.error), limit.ms)
    try {
      await Promise.race([work(), ended])
    } finally {
      clearTimeout(timer)
      this.#ends.delete(end)
    }
  }

  end(): void {
    for (const end of this.#ends)
      end(new ExecutorShutdownError('The executor was shut down before its workers were there'))
  }
}
