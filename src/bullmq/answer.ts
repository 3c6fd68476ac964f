import type { PackListener } from '../host/pack-run.ts'
import { GIVEN_BACK, LINE } from '../worker/protocol.ts'
import type { Message } from './parcels.ts'

/** Milliseconds after which what is there of an answer is told before its end. */
const EARLY = 20
/** Characters of a message that is told early, at the most. */
const MOST_EARLY = 65_536

/** The answer to a pack, as it comes: what takes long is told piece by piece. */
export class Answer implements PackListener {
  readonly ended: Promise<void>
  readonly #publish: (texts: string) => void
  readonly #messages: Message[] = []
  #resolve: () => void = () => {}
  /** To be told early. */
  #early: Message[] = []
  #length = 0
  #timer: NodeJS.Timeout | undefined
  #isLong = false
  #told = 0

  /** @param publish - tells messages before the end, one a line */
  constructor(publish: (texts: string) => void) {
    this.#publish = publish
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve
    })
    this.#timer = setTimeout(() => this.#tell(), EARLY)
  }

  message(text: string, beside: readonly object[]): void {
    const message = { text, beside }
    this.#messages.push(message)
    if (beside.length > 0 || text.length > MOST_EARLY) return
    if (this.#length + text.length > MOST_EARLY) this.#tell()
    this.#early.push(message)
    this.#length += text.length
    if (text.startsWith(`[${GIVEN_BACK},`)) this.#tell()
    else if (this.#isLong) this.#timer ??= setTimeout(() => this.#tell(), EARLY)
  }

  finish(text: string): void {
    clearTimeout(this.#timer)
    this.#messages.push({ text, beside: [] })
    this.#resolve()
  }

  /** All that is told at the end: results once more, because nobody knows whether they have arrived. */
  get messages(): readonly Message[] {
    return this.#messages
  }

  /** How often something was told before the end. */
  get told(): number {
    return this.#told
  }

  #tell(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isLong = true
    if (this.#early.length === 0) return
    this.#told++
    this.#publish(this.#early.map(({ text }) => text).join('\n'))
    // Lines are told once: those that are to come, or are too long for this, stay for the end.
    const told = new Set(this.#early.filter(({ text }) => text.startsWith(`[${LINE},`)))
    const rest = this.#messages.filter((message) => !told.has(message))
    this.#messages.splice(0, Infinity, ...rest)
    this.#early = []
    this.#length = 0
  }
}
