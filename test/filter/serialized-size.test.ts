import { describe, expect, test } from 'vitest'
import { serializedSize } from '../../src/filter/serialized-size.ts'
import { serialize } from '../../src/serializer/serializer.ts'
import { filterContract } from '../../src/testing/filter-contract.ts'
import { HERE, madeAgain, RESULT } from './support.ts'

/** The bytes of a value, as they are sent: with what lets a reader notice damage. */
async function sizeOf(value: unknown): Promise<number> {
  let size = 0
  for (const { byteLength } of await serialize(value)) size += byteLength
  return size
}

const values = [
  undefined,
  null,
  42,
  'Grüße 🌍',
  { nested: [new Map([['key', new Set([1n])]]), new Date(0)] },
  new Uint8Array(100_000),
  { header: 'x', parts: [new Float64Array(5), Buffer.from('abc')] },
]

describe('serializedSize', () => {
  test.each(values)('is the size to the byte of %o', async (value) => {
    const size = await sizeOf(value)
    const says = (minBytes: number, maxBytes: number) => serializedSize({ minBytes, maxBytes })(value, HERE)
    expect(says(size, size)).toBe(true)
    expect(says(size + 1, Infinity)).toBe(false)
    expect(says(0, size - 1)).toBe(false)
    expect(serializedSize({ minBytes: size })(value, RESULT)).toBe(true)
    expect((await madeAgain(serializedSize({ minBytes: size })))(value, HERE)).toBe(true)
  })

  test('without options lets everything pass', () => {
    for (const value of values) expect(serializedSize()(value, HERE)).toBe(true)
  })

  test('measures what holds a Blob, whose bytes come later, as objectSize does', () => {
    const value = { picture: new Blob([new Uint8Array(1_000)]), title: 'abc' }
    expect(serializedSize({ minBytes: 1_003, maxBytes: 1_003 })(value, HERE)).toBe(true)
    expect(serializedSize({ minBytes: 1_004 })(value, HERE)).toBe(false)
    expect(serializedSize({ maxBytes: 1_002 })(value, HERE)).toBe(false)
  })

  test('throws for what cannot be serialized', () => {
    expect(() => serializedSize({ minBytes: 1 })({ deep: [() => 1] }, HERE)).toThrow(
      expect.objectContaining({ code: 'SERIALIZATION' }),
    )
  })

  test.each<[object, string]>([
    [{ minBytes: -1 }, 'serializedSize: minBytes takes a number of bytes, at least 0, not -1'],
    [{ minBytes: 2, maxBytes: 1 }, 'serializedSize: minBytes (2) is more than maxBytes (1), so nothing would pass'],
    [{ maxSize: 1 }, 'serializedSize has no option "maxSize"; there are minBytes, maxBytes'],
  ])('refuses %o', (options, message) => {
    expect(() => serializedSize(options)).toThrow(expect.objectContaining({ code: 'CONFIG', message }))
  })
})

describe('the contract of filters', () => {
  filterContract(
    { test, expect },
    {
      create: () => serializedSize({ minBytes: 1_000, maxBytes: 2_000 }),
      accepts: [[new Uint8Array(1_000)], ['a'.repeat(1_500), RESULT]],
      rejects: [[1], ['a'.repeat(2_000)], [undefined, RESULT]],
    },
  )
})
