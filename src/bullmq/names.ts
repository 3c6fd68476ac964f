/** What keys and channels of a queue are called, besides those of BullMQ. Nothing in a message names a key. */
export class QueueNames {
  readonly #base: string

  constructor(prefix: string, queue: string) {
    this.#base = `${prefix}:${queue}`
  }

  job(id: string): string {
    return `${this.#base}:${id}`
  }

  lock(id: string): string {
    return `${this.#base}:${id}:lock`
  }

  /** The lists of jobs that no worker has: of a queue that is paused, the second one. */
  get waiting(): readonly string[] {
    return [`${this.#base}:wait`, `${this.#base}:paused`]
  }

  /** The list of jobs that workers hold. */
  get active(): string {
    return `${this.#base}:active`
  }

  /** Of the events of BullMQ. */
  get events(): string {
    return `${this.#base}:events`
  }

  /** A list with the calls of a pack, where they are too large for its job. */
  calls(id: string): string {
    return `${this.#base}:taps-sdk:calls:${id}`
  }

  /** A list with the answer. */
  answer(id: string): string {
    return `${this.#base}:taps-sdk:answer:${id}`
  }

  /** The channel that workers say on that they are there. */
  get fromWorkers(): string {
    return `${this.#base}:taps-sdk:from-workers`
  }

  /** The channel that all workers listen to. */
  get toWorkers(): string {
    return `${this.#base}:taps-sdk:to-workers`
  }

  /** The channel for what a client is told before a pack has ended. */
  toClient(client: string): string {
    return `${this.#base}:taps-sdk:to-client:${client}`
  }
}
