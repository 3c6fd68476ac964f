import { expect, test } from 'vitest'
import { MemoryConnector, proxyTransformer } from '../../src/index.ts'
import { Lru } from '../../src/transformer/lru.ts'

const filled = (size: number, ...keys: string[]): Lru<string> => {
  const lru = new Lru<string>(size)
  for (const key of keys) lru.set(key, key.toUpperCase())
  return lru
}
const keysOf = (lru: Lru<string>): string[] => ['a', 'b', 'c', 'd'].filter((key) => lru.get(key) !== undefined)

test('the one that was not used for the longest time goes first', () => {
  const lru = filled(2, 'a', 'b')
  expect(lru.get('a')).toBe('A')
  lru.set('c', 'C')
  expect(keysOf(lru)).toEqual(['a', 'c'])
  lru.set('a', 'again')
  lru.set('d', 'D')
  expect(keysOf(lru)).toEqual(['a', 'd'])
  expect(lru.get('a')).toBe('again')
})

test('of size 0 it keeps nothing', () => {
  expect(keysOf(filled(0, 'a'))).toEqual([])
})

test('a value is replaced only while it is there', () => {
  const lru = filled(2, 'a')
  lru.replace('a', 'A', 'later')
  expect(lru.get('a')).toBe('later')
  lru.replace('a', 'A', 'too late')
  lru.delete('b')
  lru.replace('b', 'B', 'too late')
  expect([lru.get('a'), lru.get('b')]).toEqual(['later', undefined])
})

test('what was deleted, or cleared, is there no more', () => {
  const lru = filled(3, 'a', 'b', 'c')
  lru.delete('a')
  expect(keysOf(lru)).toEqual(['b', 'c'])
  lru.clear()
  expect(keysOf(lru)).toEqual([])
})

test('undefined is kept at hand too', async () => {
  let gets = 0
  const connector = new MemoryConnector()
  const get = connector.get.bind(connector)
  connector.get = (key) => {
    gets++
    return get(key)
  }
  const transformer = proxyTransformer({ connector, populateTarget: false, cacheSize: 1 })
  const identifier = await transformer.transform(undefined)
  expect([await transformer.resolve(identifier), await transformer.resolve(identifier)]).toEqual([undefined, undefined])
  expect(gets).toBe(1)
})

test('a value that is fetched by several at the same time is fetched once', async () => {
  const stored: (readonly Uint8Array[])[] = []
  let gets = 0
  const connector = {
    put: async (chunks: readonly Uint8Array[]) => stored.push(chunks.map((chunk) => chunk.slice())) - 1,
    get: async (key: unknown) => {
      gets++
      return new Uint8Array(Buffer.concat(stored[key as number] ?? []))
    },
    exists: () => true,
    evict: () => {},
  }
  const transformer = proxyTransformer({ connector, populateTarget: false })
  const identifier = await transformer.transform([1])
  const [one, other] = await Promise.all([transformer.resolve(identifier), transformer.resolve(identifier)])
  expect([one, other]).toEqual([[1], [1]])
  // Each its own: who changes it changes it for nobody else.
  expect(other).not.toBe(one)
  expect(gets).toBe(1)
})

test.each([
  ['what was stored', true],
  ['what was fetched', false],
])('%s is kept as it was, whatever becomes of the value', async (_, populateTarget) => {
  const transformer = proxyTransformer({ connector: new MemoryConnector(), populateTarget })
  const value = [1, 2]
  const identifier = await transformer.transform(value)
  value.push(3)
  const first = (await transformer.resolve(identifier)) as number[]
  first.pop()
  expect(await transformer.resolve(identifier)).toEqual([1, 2])
})
