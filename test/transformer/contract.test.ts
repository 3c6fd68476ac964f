/** The contract of transformers, on each that there is, over each connector, and with each way to give values. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Connector, MemoryConnector, proxyTransformer } from '../../src/index.ts'
import { FileConnector, fileTransformer, SharedMemoryConnector } from '../../src/node/index.ts'
import { RedisConnector } from '../../src/redis/index.ts'
import { transformerContract } from '../../src/testing/transformer-contract.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'

let server: RedisServer
const dir = mkdtempSync(join(tmpdir(), 'taps-sdk-transformers-'))
beforeAll(async () => {
  server = await startRedis()
})
afterAll(async () => {
  await server.stop()
  rmSync(dir, { recursive: true })
})

const CONNECTORS: readonly [name: string, create: () => Connector, exempt: Readonly<Record<string, string>>][] = [
  ['a FileConnector', () => new FileConnector({ dir }), {}],
  ['a RedisConnector', () => new RedisConnector({ url: server.url }), {}],
  ['a SharedMemoryConnector between processes', () => new SharedMemoryConnector(), {}],
  [
    'a SharedMemoryConnector between threads',
    () => new SharedMemoryConnector({ between: 'threads' }),
    { 'an identifier survives JSON': 'it holds the memory itself' },
  ],
  [
    'a MemoryConnector',
    () => new MemoryConnector(),
    {
      'what a worker makes for itself resolves what this one stored, and the other way round': 'workers cannot see it',
    },
  ],
]

describe('fileTransformer', () => {
  transformerContract({ test, expect }, { create: () => fileTransformer({ dir }) })
})

describe.each(CONNECTORS)('proxyTransformer over %s', (_, connector, exempt) => {
  describe('that keeps nothing at hand', () => {
    transformerContract(
      { test, expect },
      { create: () => proxyTransformer({ connector: connector(), cacheSize: 0 }), exempt },
    )
  })

  describe('that keeps what it has fetched', () => {
    transformerContract(
      { test, expect },
      { create: () => proxyTransformer({ connector: connector(), populateTarget: false }), exempt },
    )
  })

  describe('that gives lazy values, which are fetched at once', () => {
    transformerContract(
      { test, expect },
      { create: () => proxyTransformer({ connector: connector(), asyncResolve: true, populateTarget: false }), exempt },
    )
  })
})

describe('proxyTransformer as it is without options', () => {
  const create = () => proxyTransformer({ connector: new FileConnector({ dir }) })
  transformerContract({ test, expect }, { create })
})
