/** What a call counts as that is to have a pack to itself, in microseconds. */
const ALONE = 1e9
/** Milliseconds of work that a pack holds: twice what the back end costs, within these bounds. */
const [LEAST, MOST] = [1, 50]
/** Microseconds after which a host gives back what waits behind a call: a task that takes longer has its packs to itself. */
const LATE = 5_000
/** The share of the newest measurement. */
const WEIGHT = 0.2

/** How much work goes into one pack: it follows what the back end itself takes for a pack, which is measured. */
export class Budget {
  #overhead: number | undefined = undefined

  get #micros(): number {
    return Math.min(Math.max(2 * (this.#overhead ?? LEAST), LEAST), MOST) * 1000
  }

  /** What a call counts as. @param micros - that its task takes; Infinity if nothing is known */
  loadOf(micros: number): number {
    return micros > Math.min(this.#micros, LATE) ? ALONE : micros
  }

  hasRoom(load: number, more: number): boolean {
    return load + more <= this.#micros
  }

  /** @param overhead - ms from sending a pack to its answer, less what its calls took */
  learn(overhead: number): void {
    // The first packs wait for workers to be started: that says nothing.
    const believed = Math.min(Math.max(overhead, 0), MOST)
    this.#overhead = this.#overhead === undefined ? believed : this.#overhead + (believed - this.#overhead) * WEIGHT
  }
}
