import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FileConnector } from '../../src/connector/file.ts'
import { MemoryConnector } from '../../src/connector/memory.ts'
import { SharedMemoryConnector } from '../../src/connector/shared-memory.ts'
import { RedisConnector } from '../../src/redis/index.ts'
import { connectorContract } from '../../src/testing/connector-contract.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'

const dir = mkdtempSync(join(tmpdir(), 'taps-sdk-connectors-'))
afterAll(() => rmSync(dir, { recursive: true }))

const onlyHere = 'other processes cannot see it'

describe('MemoryConnector', () => {
  connectorContract(
    { test, expect },
    {
      create: () => new MemoryConnector(),
      exempt: {
        'a copy that is made from its recipe sees the same bytes': onlyHere,
        'a copy leaves everything where it is when it is closed': onlyHere,
        'close removes everything, also what copies have put': onlyHere,
      },
    },
  )
})

describe('FileConnector', () => {
  connectorContract({ test, expect }, { create: () => new FileConnector({ dir }) })
})

describe('SharedMemoryConnector between processes', () => {
  connectorContract({ test, expect }, { create: () => new SharedMemoryConnector() })
})

describe('SharedMemoryConnector between threads', () => {
  connectorContract(
    { test, expect },
    {
      create: () => new SharedMemoryConnector({ between: 'threads' }),
      exempt: {
        'a key fits into JSON': 'it holds the memory itself',
        'what is done to bytes that were got changes nothing': 'they are the memory itself',
        'close removes everything, also what copies have put':
          'nobody knows all keys; with the last one goes the memory',
      },
    },
  )
})

describe('RedisConnector', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server.stop())
  connectorContract({ test, expect }, { create: () => new RedisConnector({ url: server.url }) })
})
