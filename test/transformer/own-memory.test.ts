import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { type Connector, MemoryConnector, proxyTransformer } from '../../src/index.ts'
import { FileConnector, SharedMemoryConnector } from '../../src/node/index.ts'

const dir = mkdtempSync(join(tmpdir(), 'taps-sdk-own-memory-'))
afterAll(() => rmSync(dir, { recursive: true }))

const SIZES = [10, 100_000, 2_000_000]

/** Notes what it gives. */
function watched(connector: Connector): { connector: Connector; given: Uint8Array[] } {
  const given: Uint8Array[] = []
  const get = connector.get.bind(connector)
  connector.get = async (key) => {
    const bytes = await get(key)
    if (bytes !== undefined) given.push(bytes)
    return bytes
  }
  return { connector, given }
}

test('a connector of the application may give the same bytes to all: they stay', async () => {
  const map = new Map<unknown, Uint8Array>()
  const connector: Connector = {
    put: (chunks) => map.set(map.size, new Uint8Array(Buffer.concat(chunks))).size - 1,
    get: (key) => map.get(key),
    exists: (key) => map.has(key),
    evict: (key) => map.delete(key),
  }
  const transformer = proxyTransformer({ connector, cacheSize: 0 })
  for (const size of SIZES) {
    const identifier = await transformer.transform(new Uint8Array(size))
    for (const _ of ['once', 'again']) expect(await transformer.resolve(identifier)).toEqual(new Uint8Array(size))
  }
})

test.each([
  ['MemoryConnector', () => new MemoryConnector()],
  ['FileConnector', () => new FileConnector({ dir })],
  ['SharedMemoryConnector', () => new SharedMemoryConnector({ dir })],
])('what a %s gives is freed when the value is there', async (_, create) => {
  const { connector, given } = watched(create())
  const transformer = proxyTransformer({ connector, cacheSize: 0 })
  for (const size of SIZES) {
    const identifier = await transformer.transform({ bytes: new Uint8Array(size).fill(7) })
    for (const _ of ['once', 'again'])
      expect(await transformer.resolve(identifier)).toEqual({ bytes: new Uint8Array(size).fill(7) })
  }
  expect(given.map(({ byteLength }) => byteLength > 0)).toEqual([true, true, false, false, false, false])
  await transformer.close?.()
})
