import type { CallSource } from './executor.ts'
import { type Queued, ReadyQueue } from './ready-queue.ts'

/** A call of an executor's own `submit`. */
interface OwnCall<Self> extends Queued<Self> {
  cancel(): boolean
}

/** The calls of an executor's own `submit` that wait: they have no task ids. */
export class OwnCalls<Call extends OwnCall<Call>> implements CallSource<Call> {
  readonly plane = undefined
  readonly idPrefix = ''
  readonly #queue: ReadyQueue<Call> = new ReadyQueue()

  get size(): number {
    return this.#queue.size
  }

  push(call: Call): void {
    this.#queue.push(call)
  }

  take(): Call | undefined {
    return this.#queue.shift()
  }

  cancelAll(): void {
    for (let call = this.take(); call !== undefined; call = this.take()) call.cancel()
  }
}
