interface Waiter {
  resolve(): void
  reject(error: unknown): void
}

/** Whoever waits for workers. */
export class SlotWaiters {
  readonly #all: Set<Waiter> = new Set()

  /** Resolves when there are enough. */
  async until(areEnough: () => boolean): Promise<void> {
    while (!areEnough()) await new Promise<void>((resolve, reject) => this.#all.add({ resolve, reject }))
  }

  /** There may be enough now. */
  changed(): void {
    for (const { resolve } of this.#take()) resolve()
  }

  fail(error: unknown): void {
    for (const { reject } of this.#take()) reject(error)
  }

  #take(): readonly Waiter[] {
    const all = [...this.#all]
    this.#all.clear()
    return all
  }
}
