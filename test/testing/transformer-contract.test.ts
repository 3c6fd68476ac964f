import { describe, expect, test } from 'vitest'
import { transformerContract } from '../../src/testing/transformer-contract.ts'
import { lazy } from '../../src/transformer/lazy.ts'
import { defineTransformer, type Transformer } from '../../src/transformer/transformer.ts'
import { failures } from './collect.ts'

interface Identifier {
  readonly shelf: number
  readonly number: number
  readonly bytes: number
}

/** What is stored, by transformer and number. In this process, where the tests of the contract make the workers' ones too. */
const shelves = new Map<number, Map<number, unknown>>()
let used = 0

/** As it should be. The mutants below each do one thing otherwise. */
class Shelf implements Transformer {
  readonly #id: number

  constructor(id: number) {
    this.#id = id
    if (!shelves.has(id)) shelves.set(id, new Map())
  }

  isIdentifier(value: unknown): value is Identifier {
    try {
      return typeof value === 'object' && value !== null && 'shelf' in value && value.shelf === this.#id
    } catch {
      return false
    }
  }

  async transform(value: unknown): Promise<unknown> {
    used++
    this.values.set(used, structuredClone(value))
    return { shelf: this.#id, number: used, bytes: value instanceof Uint8Array ? value.length : 8 }
  }

  async resolve(identifier: unknown): Promise<unknown> {
    const number = this.numberOf(identifier)
    if (!this.values.has(number)) throw new RangeError(`nothing is stored under ${number}`)
    return structuredClone(this.values.get(number))
  }

  sizeOf(identifier: unknown): number {
    return (identifier as Identifier).bytes
  }

  evict(identifier: unknown): void {
    this.values.delete(this.numberOf(identifier))
  }

  close(): void {
    this.values.clear()
  }

  protected get values(): Map<number, unknown> {
    return shelves.get(this.#id) as Map<number, unknown>
  }

  protected numberOf(identifier: unknown): number {
    if (!this.isIdentifier(identifier)) throw new TypeError('no identifier')
    return identifier.number
  }
}

/** All on one shelf, so that another one can say that what was there is gone. */
function creates(name: string, create: (shelf: number) => Transformer): () => Transformer {
  const make = defineTransformer({
    name,
    module: import.meta.url,
    create: ({ shelf }: { shelf: number }) => create(shelf),
  })
  return () => make({ shelf: 1 })
}

const good = creates('good', (id) => new Shelf(id))

const mutants: [what: string, create: () => Transformer, clauses: string[]][] = [
  ['one that is as it should be', good, []],
  [
    'one that gives lazy values',
    creates(
      'lazy',
      (id) =>
        new (class extends Shelf {
          override async resolve(identifier: unknown) {
            return lazy(await super.resolve(identifier))
          }
        })(id),
    ),
    [],
  ],
  [
    'one that has neither sizes nor evict nor close',
    creates('least', (id) => {
      const shelf = new Shelf(id)
      return {
        isIdentifier: (value) => shelf.isIdentifier(value),
        transform: (value) => shelf.transform(value),
        resolve: (identifier) => shelf.resolve(identifier),
      }
    }),
    ['what was stored is gone once it is closed'],
  ],
  [
    'one that stores text',
    creates(
      'text',
      (id) =>
        new (class extends Shelf {
          override transform(value: unknown) {
            return super.transform(typeof value === 'bigint' ? String(value) : value)
          }
        })(id),
    ),
    ['every value comes back as it was'],
  ],
  [
    'one that takes too much for an identifier',
    creates(
      'greedy',
      (id) =>
        new (class extends Shelf {
          override isIdentifier(value: unknown): value is Identifier {
            return value === 'identifier' || super.isIdentifier(value)
          }
        })(id),
    ),
    ['an identifier is told from all else'],
  ],
  [
    'one that trips over proxies',
    creates(
      'trips',
      (id) =>
        new (class extends Shelf {
          override isIdentifier(value: unknown): value is Identifier {
            return Array.isArray(value) ? false : super.isIdentifier(value)
          }
        })(id),
    ),
    ['asked whether a hostile object is an identifier, it does not throw'],
  ],
  [
    'one whose identifiers are known by the object',
    creates('byObject', (id) => {
      const shelf = new Shelf(id)
      const known = new WeakMap<object, unknown>()
      const identifierOf = (key: unknown) => known.get(key as object)
      return {
        isIdentifier: (value) => known.has(value as object),
        async transform(value) {
          const key = {}
          known.set(key, await shelf.transform(value))
          return key
        },
        resolve: (key) => shelf.resolve(identifierOf(key)),
        close: () => shelf.close(),
      }
    }),
    [
      'an identifier survives structured clone',
      'an identifier survives JSON',
      'what a worker makes for itself resolves what this one stored, and the other way round',
    ],
  ],
  [
    'one whose identifiers JSON cannot carry',
    creates('bigint', (id) => {
      const shelf = new Shelf(id)
      const back = (identifier: unknown) => ({
        ...(identifier as object),
        number: Number((identifier as { n: bigint }).n),
      })
      return {
        isIdentifier: (value) => shelf.isIdentifier(value),
        transform: async (value) => {
          const identifier = (await shelf.transform(value)) as Identifier
          return { ...identifier, n: BigInt(identifier.number) }
        },
        resolve: (identifier) => shelf.resolve(identifier && back(identifier)),
        close: () => shelf.close(),
      }
    }),
    ['an identifier survives JSON'],
  ],
  [
    'one that takes a value away when it is resolved',
    creates(
      'once',
      (id) =>
        new (class extends Shelf {
          override async resolve(identifier: unknown) {
            const value = await super.resolve(identifier)
            this.evict(identifier)
            return value
          }
        })(id),
    ),
    ['an identifier can be resolved again and again, at the same time too'],
  ],
  [
    'one that knows values it has seen, but not for long',
    creates('seen', (id) => {
      const shelf = new Shelf(id)
      const seen = new Set<unknown>()
      return Object.assign(shelf, {
        transform(value: unknown) {
          const known = typeof value === 'object' && value !== null && seen.has(value)
          seen.add(value)
          return known
            ? Promise.resolve({ shelf: id, number: -1, bytes: 0 })
            : Shelf.prototype.transform.call(shelf, value)
        },
      })
    }),
    ['one value may be transformed twice'],
  ],
  [
    'one that mixes up what it stores at the same time',
    creates('mixes', (id) => {
      const shelf = new Shelf(id)
      let last: unknown
      let size = 0
      return Object.assign(shelf, {
        async transform(value: unknown) {
          const mine = structuredClone(value)
          last = mine
          size++
          await null
          return Shelf.prototype.transform.call(shelf, size > 2 ? last : mine)
        },
      })
    }),
    ['many values at the same time are kept apart'],
  ],
  [
    'one that takes the value when it is too late',
    creates(
      'late',
      (id) =>
        new (class extends Shelf {
          override async transform(value: unknown) {
            await null
            return super.transform(value)
          }
        })(id),
    ),
    ['what changes after transform has returned does not change what was stored'],
  ],
  [
    'one that resolves anything',
    creates(
      'anything',
      (id) =>
        new (class extends Shelf {
          override async resolve(identifier: unknown) {
            return this.isIdentifier(identifier) ? super.resolve(identifier) : identifier
          }
        })(id),
    ),
    ['what is no identifier cannot be resolved'],
  ],
  [
    'one whose sizes are none',
    creates(
      'sizes',
      (id) =>
        new (class extends Shelf {
          override sizeOf() {
            return Number.NaN
          }
        })(id),
    ),
    ['sizeOf, if there is one, gives a number of bytes'],
  ],
  [
    'one that evicts nothing',
    creates(
      'evictsNothing',
      (id) =>
        new (class extends Shelf {
          override evict() {}
        })(id),
    ),
    ['evict, if there is one, frees the value, and nothing else'],
  ],
  [
    'one that evicts all',
    creates(
      'evictsAll',
      (id) =>
        new (class extends Shelf {
          override evict() {
            this.values.clear()
          }
        })(id),
    ),
    ['evict, if there is one, frees the value, and nothing else'],
  ],
  [
    'one that keeps all',
    creates(
      'keeps',
      (id) =>
        new (class extends Shelf {
          override close() {}
        })(id),
    ),
    ['what was stored is gone once it is closed'],
  ],
  [
    'one of this process only',
    () => new Shelf(1),
    ['what a worker makes for itself resolves what this one stored, and the other way round'],
  ],
]

describe('the contract of transformers', () => {
  test.each(mutants)('finds what is wrong with %s', async (_, create, clauses) => {
    expect(await failures((runner) => transformerContract(runner, { create }))).toEqual(clauses)
  })

  test('tries the values of a transformer that does not take all', async () => {
    const numbersOnly = creates('numbersOnly', (id) => {
      const shelf = new Shelf(id)
      return Object.assign(shelf, {
        transform(value: unknown) {
          if (value instanceof Map) throw new TypeError('no Maps')
          return Shelf.prototype.transform.call(shelf, value)
        },
      })
    })
    const values = () => [1, 2]
    expect(await failures((runner) => transformerContract(runner, { create: numbersOnly }))).not.toEqual([])
    expect(await failures((runner) => transformerContract(runner, { create: numbersOnly, values }))).toEqual([])
  })

  test('a clause that is exempt is no test', () => {
    const names: string[] = []
    const exempt = { 'an identifier survives JSON': 'it holds memory' }
    transformerContract({ test: (name) => names.push(name), expect }, { create: good, exempt })
    expect(names).toContain('an identifier survives structured clone')
    expect(names).not.toContain('an identifier survives JSON')
  })
})
