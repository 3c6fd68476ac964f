import { describe, expect, test } from 'vitest'
import { always, and, never, not, or } from '../../src/filter/combine.ts'
import type { Where } from '../../src/filter/filter.ts'
import { objectSize } from '../../src/filter/object-size.ts'
import { objectType } from '../../src/filter/object-type.ts'
import { argument, taskName } from '../../src/filter/place.ts'
import { type FilterContractOptions, filterContract } from '../../src/testing/filter-contract.ts'
import { RESULT } from './support.ts'

const second: Where = { task: 'other', kind: 'argument', index: 1 }
const big = new Uint8Array(1_000)

const filters: Readonly<Record<string, FilterContractOptions>> = {
  never: { create: never, accepts: [], rejects: [[1], [big, RESULT]] },
  always: { create: always, accepts: [[1], [big, RESULT]], rejects: [] },
  objectSize: {
    create: () => objectSize({ minBytes: 1_000, maxBytes: 1_000 }),
    accepts: [[big], ['a'.repeat(1_000), RESULT]],
    rejects: [[new Uint8Array(999)], [[big, 1]], [undefined]],
  },
  objectType: {
    create: () => objectType(/^M/g, 'Array', Date),
    accepts: [[new Map()], [big], [new Date(0)]],
    rejects: [[new Set()], ['Map'], [null]],
  },
  'argument, by position': { create: () => argument(1), accepts: [[1, second]], rejects: [[1], [1, RESULT]] },
  'argument, by key': {
    create: () => argument('data'),
    accepts: [[{ data: 1 }], [{ data: 1 }, second]],
    rejects: [[{ data: 1 }, RESULT], [['data']]],
  },
  taskName: { create: () => taskName(/^oth/), accepts: [[1, second]], rejects: [[1], [1, RESULT]] },
  and: {
    create: () => and(objectSize({ minBytes: 8 }), taskName('other')),
    accepts: [[big, second]],
    rejects: [[big], ['a', second]],
  },
  or: {
    create: () => or(objectSize({ minBytes: 9 }), taskName('other')),
    accepts: [[big], [1, second]],
    rejects: [[1], [1, RESULT]],
  },
  not: { create: () => not(or(argument(1), argument('data'))), accepts: [[1]], rejects: [[1, second], [{ data: 1 }]] },
}

describe.each(Object.entries(filters))('%s', (_, options) => {
  filterContract({ test, expect }, options)
})

describe('a plain function', () => {
  filterContract(
    { test, expect },
    {
      create: () => (value) => typeof value === 'string',
      accepts: [['a']],
      rejects: [[1]],
      exempt: { 'a worker can make one for itself, which answers the same': 'it is of this process only' },
    },
  )
})
