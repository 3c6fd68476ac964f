/** Keeps the entries that were used last, up to a number of them. */
export class Lru<V> {
  readonly #size: number
  /** In the order of their last use. */
  readonly #entries: Map<string, V> = new Map()

  constructor(size: number) {
    this.#size = size
  }

  /** Whether it keeps anything at all. */
  get isInUse(): boolean {
    return this.#size > 0
  }

  get(key: string): V | undefined {
    const value = this.#entries.get(key)
    if (value !== undefined) this.set(key, value)
    return value
  }

  set(key: string, value: V): void {
    if (this.#size === 0) return
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size > this.#size) this.#entries.delete(this.#entries.keys().next().value as string)
  }

  /** Puts another value in the place of one, if that is still there. */
  replace(key: string, value: V, by: V): void {
    if (this.#entries.get(key) === value) this.#entries.set(key, by)
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }

  clear(): void {
    this.#entries.clear()
  }
}
