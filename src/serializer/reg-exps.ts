/** Longer ones, and more of them, are not read: some take microseconds for each character. In characters. */
const LONGEST = 100_000
const LONGEST_TOGETHER = 1_000_000

/** The regular expressions of one value, which have to be made again in bounded time. */
export class RegExps {
  #length = 0

  /** @throws RangeError for one that is too long, or one too many */
  add(source: unknown): void {
    const length = typeof source === 'string' ? source.length : 0
    this.#length += length
    if (length > LONGEST || this.#length > LONGEST_TOGETHER)
      throw new RangeError('regular expressions of so many characters take too long to read')
  }
}
