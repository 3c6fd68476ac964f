import type { Transformer } from '../../src/index.ts'

/** A store of a test's own, in memory. Identifiers are strings: `id:0`. */
export class ValueStore implements Transformer {
  readonly values: Map<string, unknown> = new Map()
  /** Identifiers that were freed, in order. */
  readonly evicted: string[] = []
  #next = 0

  isIdentifier(value: unknown): boolean {
    return typeof value === 'string' && value.startsWith('id:')
  }

  transform(value: unknown): unknown {
    const identifier = this.name(value)
    this.values.set(identifier, structuredClone(value))
    return identifier
  }

  protected name(_: unknown): string {
    return `id:${this.#next++}`
  }

  resolve(identifier: unknown): unknown {
    if (!this.values.has(identifier as string)) throw new RangeError(`${identifier} is not there`)
    return structuredClone(this.values.get(identifier as string))
  }

  sizeOf(identifier: unknown): number {
    return JSON.stringify(this.values.get(identifier as string)).length
  }

  evict(identifier: unknown): void {
    this.evicted.push(identifier as string)
    this.values.delete(identifier as string)
  }
}

/** Equal values have one identifier, as in a store that names them by their content. */
export class ContentStore extends ValueStore {
  protected override name(value: unknown): string {
    return `id:${JSON.stringify(value)}`
  }
}

/** Stores what it is given when `go` is called, in the order in which it came. */
export class SlowContentStore extends ContentStore {
  readonly #gates: (() => void)[] = []

  override transform(value: unknown): unknown {
    const copy = structuredClone(value)
    return new Promise<void>((resolve) => this.#gates.push(resolve)).then(() => super.transform(copy))
  }

  go(): void {
    this.#gates.shift()?.()
  }
}
