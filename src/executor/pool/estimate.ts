/** Microseconds of work above which calls are sent one by one. */
export const LONG = 500
/** How much one measurement may raise the mean, at the most; a second one in a row is believed. */
const FACTOR = 4
/** The share of the newest measurement. */
const WEIGHT = 0.25
/** Less is not worth telling apart, in microseconds. */
const LEAST = 0.5
/** By what the longest time that was seen fades with each measurement, and how much of it counts. */
const FADING = 0.98
const PEAK_SHARE = 0.02

/** How long a task takes, in microseconds: a mean that one outlier cannot move far. */
export class Estimate {
  /** Infinity as long as nothing is known. */
  micros = Infinity
  #mean = 0
  #peak = 0
  #wasOutlier = false

  /** Whether it was never long of late. */
  get isShort(): boolean {
    return this.micros <= LONG && this.#peak <= LONG
  }

  /** @param micros - the mean of several calls, if they were many */
  add(micros: number, longest: number): void {
    if (this.micros === Infinity) this.#mean = Math.max(micros, LEAST)
    else {
      const isOutlier = micros > this.#mean * FACTOR
      const believed = isOutlier && !this.#wasOutlier ? this.#mean * FACTOR : micros
      this.#wasOutlier = isOutlier
      this.#mean = Math.max(this.#mean + (believed - this.#mean) * WEIGHT, LEAST)
    }
    this.#peak = Math.max(this.#peak * FADING, longest)
    // A task that is long now and then would keep those that are packed with it waiting.
    this.micros = this.#peak > LONG ? Math.max(this.#mean, this.#peak * PEAK_SHARE) : this.#mean
  }
}
