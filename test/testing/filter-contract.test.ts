import { describe, expect, test } from 'vitest'
import { defineFilter, type Filter } from '../../src/filter/filter.ts'
import { filterContract } from '../../src/testing/filter-contract.ts'
import { failures } from './collect.ts'

const module = import.meta.url

const good: Filter = (value) => typeof value === 'string'

const once = defineFilter({
  name: 'once',
  module,
  create: () => {
    let asked = 0
    return (value) => good(value, { task: '', kind: 'argument', index: 0 }) && asked++ < 2
  },
})

/** Its option gets lost on the way to a worker. */
const hereOnly = defineFilter({
  name: 'hereOnly',
  module,
  create: (options: { here?: undefined }) => ('here' in options ? good : () => false),
})

const define = (name: string, filter: Filter) => defineFilter({ name, module, create: () => filter })

describe('the contract of filters', () => {
  test.each<[string, () => Filter, string[]]>([
    ['one that is as it should be', define('good', good), []],
    ['one that accepts all', define('all', () => true), ['what it has to reject, it rejects']],
    ['one that accepts nothing', define('nothing', () => false), ['what it has to accept, it accepts']],
    [
      'one that answers with a promise, or whatever it has at hand',
      define('truthy', ((value) => typeof value === 'string' || Promise.resolve(false)) as Filter),
      ['what it has to reject, it rejects', 'whatever the value, it answers at once, with true or false'],
    ],
    [
      'one that throws for some values',
      define('throws', (value) => {
        if (value === null) throw new Error('no')
        return typeof value === 'string'
      }),
      ['whatever the value, it answers at once, with true or false', 'it does not change what it is asked about'],
    ],
    ['one that forgets', once, ['asked again, it answers the same']],
    [
      'one that changes values',
      define('changes', (value) => {
        if (value instanceof Uint8Array) value.fill(3)
        return typeof value === 'string'
      }),
      ['it does not change what it is asked about'],
    ],
    [
      'one that changes where they stand',
      define('moves', (value, where) => {
        Object.assign(where, { index: 3 })
        return typeof value === 'string'
      }),
      ['it does not change where that stands'],
    ],
    [
      'one that workers make otherwise',
      () => hereOnly({ here: undefined }),
      ['a worker can make one for itself, which answers the same'],
    ],
    ['a plain function', () => good, ['a worker can make one for itself, which answers the same']],
  ])('finds what is wrong with %s', async (_, create, clauses) => {
    const options = { create, accepts: [['a'] as const, ['b'] as const], rejects: [[1] as const, [{}] as const] }
    expect(await failures((runner) => filterContract(runner, options))).toEqual(clauses)
  })

  test('knows no other clauses to be exempt from', () => {
    const options = { create: () => good, accepts: [], rejects: [], exempt: { 'is quick': 'it is not' } }
    expect(() => filterContract({ test, expect }, options)).toThrow('The filter contract has no clause "is quick"')
  })
})
