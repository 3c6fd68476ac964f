import { BEAT, type Hello, helloOf, SILENCE } from './hello.ts'

/** Told of workers. */
export interface WorkersListener {
  /** How many packs all of them run at the same time. */
  slotsChanged(slots: number): void
  workerCame(worker: Hello): void
  /** @param how - in words that follow "the worker" */
  workerWent(worker: Hello, how: string): void
}

/** Workers that have gone, which are remembered: what they held is looked for. */
const MOST_GONE = 1_000

interface Gone {
  readonly hello: Hello
  /** In words that follow "the worker". */
  readonly how: string
}

interface Known {
  hello: Hello
  /** When it was last heard of, by the clock of this program. */
  heardAt: number
}

/** The workers of a queue, as far as they say that they are there. */
export class KnownWorkers {
  readonly #listener: WorkersListener
  readonly #known: Map<string, Known> = new Map()
  readonly #gone: Map<string, Gone> = new Map()
  #timer: NodeJS.Timeout | undefined = undefined
  #lastLook = 0
  #slots = 0

  constructor(listener: WorkersListener) {
    this.#listener = listener
  }

  get slots(): number {
    return this.#slots
  }

  get all(): readonly Hello[] {
    return [...this.#known.values()].map(({ hello }) => hello)
  }

  /** One that was there, and is so no more. */
  gone(id: string): Gone | undefined {
    return this.#gone.get(id)
  }

  /** @param isHearing - whether messages arrive at all */
  watch(isHearing: () => boolean): void {
    this.#lastLook = performance.now()
    this.#timer = setInterval(() => this.#look(isHearing()), BEAT).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Nothing could be heard for a while. */
  forgive(): void {
    for (const known of this.#known.values()) known.heardAt = performance.now()
  }

  heard(message: Buffer): void {
    const hello = helloOf(message)
    if (hello === undefined) return
    const known = this.#known.get(hello.id)
    if (hello.bye === true) {
      if (known !== undefined) this.#went(hello, 'has left')
    } else if (known === undefined) {
      this.#gone.delete(hello.id)
      this.#known.set(hello.id, { hello, heardAt: performance.now() })
      this.#listener.workerCame(hello)
    } else {
      known.hello = hello
      known.heardAt = performance.now()
    }
    this.#count()
  }

  #look(isHearing: boolean): void {
    const now = performance.now()
    // This program was busy, or asleep: what was said meanwhile is still to be read.
    if (!isHearing || now - this.#lastLook > 2 * BEAT) this.forgive()
    this.#lastLook = now
    for (const { hello, heardAt } of [...this.#known.values()])
      if (now - heardAt > SILENCE) this.#went(hello, `has not been heard of for ${SILENCE} ms`)
    this.#count()
  }

  #went(hello: Hello, how: string): void {
    this.#known.delete(hello.id)
    this.#gone.set(hello.id, { hello, how })
    if (this.#gone.size > MOST_GONE) this.#gone.delete(this.#gone.keys().next().value as string)
    this.#listener.workerWent(hello, how)
  }

  #count(): void {
    let slots = 0
    for (const { hello } of this.#known.values()) slots += hello.slots
    if (slots === this.#slots) return
    this.#slots = slots
    this.#listener.slotsChanged(slots)
  }
}
