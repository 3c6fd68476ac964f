import type { Message } from './parcels.ts'

/** Bytes of messages that are kept, at the most, and what one counts besides its own. */
const [MOST, EACH] = [8_000_000, 200]

/** Aborts for jobs that may be about to come: a job that begins is told of them. The oldest are forgotten first. */
export class EarlyAborts {
  readonly #kept: Map<string, { readonly messages: Message[]; size: number }> = new Map()
  #size = 0

  add(id: string, messages: readonly Message[], bytes: number): void {
    const kept = this.#kept.get(id) ?? { messages: [], size: 0 }
    this.#kept.set(id, kept)
    kept.messages.push(...messages)
    kept.size += bytes + EACH
    this.#size += bytes + EACH
    while (this.#size > MOST) this.take(this.#kept.keys().next().value as string)
  }

  take(id: string): readonly Message[] {
    const kept = this.#kept.get(id)
    this.#kept.delete(id)
    this.#size -= kept?.size ?? 0
    return kept?.messages ?? []
  }
}
