import { escapeKey, type Meta, type Type } from './notation.ts'
import { fullPath, type Notes, type Spot, stepOf } from './spot.ts'

/** The annotations of a value while it is written: what its parts are, and which of them are the same. */
export class Annotations {
  #values: unknown
  readonly #equalities: Map<Spot, string[]> = new Map()

  /** Says what a container or another object is. */
  type(spot: Spot, type: Type): void {
    spot.note = spot.notes === undefined ? [type] : [type, spot.notes]
    this.#attach(spot, spot.note)
  }

  /** Says what a value is of which nothing else has to be known. @param path - as in {@link Spot} */
  leaf(parent: Spot, key: unknown, path: string | undefined, type: Type): void {
    set(this.#notesOf(parent), path ?? escapeKey(String(key)), [type])
  }

  /** Says that the value of the second spot is that of the first. */
  same(first: Spot, second: Spot): void {
    const paths = this.#equalities.get(first)
    if (paths === undefined) this.#equalities.set(first, [fullPath(second)])
    else paths.push(fullPath(second))
  }

  /** What to write beside the JSON; undefined if it says all. */
  meta(): Meta | undefined {
    const meta: Meta = { v: 1 }
    if (this.#values !== undefined) meta.values = this.#values
    if (this.#equalities.size > 0) meta.referentialEqualities = this.#writeEqualities()
    return Object.keys(meta).length === 1 ? undefined : meta
  }

  #notesOf(spot: Spot): Notes {
    if (spot.notes === undefined) {
      spot.notes = {}
      if (spot.note === undefined) this.#attach(spot, spot.notes)
      else spot.note[1] = spot.notes
    }
    return spot.notes
  }

  #attach(spot: Spot, node: unknown): void {
    if (spot.parent === undefined) this.#values = node
    else set(this.#notesOf(spot.parent), stepOf(spot), node)
  }

  #writeEqualities(): unknown {
    const others: Record<string, readonly string[]> = {}
    let ofRoot: readonly string[] | undefined
    for (const [spot, paths] of this.#equalities) {
      if (spot.parent === undefined) ofRoot = paths
      else set(others, fullPath(spot), paths)
    }
    if (ofRoot === undefined) return others
    return Object.keys(others).length === 0 ? [ofRoot] : [ofRoot, others]
  }
}

/** `__proto__` is a key like any other. */
function set(notes: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(notes, key, { value, enumerable: true, writable: true })
  else notes[key] = value
}
