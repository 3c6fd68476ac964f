import { type Connector, Engine, proxyTransformer, TransformError } from 'taps-sdk'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bucket } from '../../examples/s3-like/connector.ts'
import { measure, smooth } from '../../examples/s3-like/tasks.ts'
import { connectorContract } from '../../src/testing/connector-contract.ts'
import { transformerContract } from '../../src/testing/transformer-contract.ts'
import { type Fault, type ObjectStore, startObjectStore } from '../servers/object-store.ts'

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
const quick = { retryDelay: 1 }

let store: ObjectStore
beforeEach(async () => {
  store = await startObjectStore({ maxObjectBytes: 4_000_000, maxBytes: 8_000_000 })
})
afterEach(() => store.close())

const connect = (): Connector => bucket({ url: store.url, ...quick })
const requestsOf = (method: string): string[] => store.requests.filter((request) => request.startsWith(method))

describe('a connector of a bucket', () => {
  connectorContract(
    { test, expect },
    {
      create: connect,
      exempt: { 'a copy leaves everything where it is when it is closed': 'workers do not close theirs' },
    },
  )

  test('stores chunks as one object, with the key for its name', async () => {
    const key = await connect().put([bytes(1, 2), bytes(), bytes(3)])
    expect([...store.objects]).toEqual([[`/bucket/${key}`, Buffer.from([1, 2, 3])]])
  })

  test('removes all of its run when it is closed, of however many pages, and nothing else', async () => {
    const [connector, another] = [connect(), connect()]
    const kept = await another.put([bytes(1)])
    await Promise.all(Array.from({ length: 230 }, () => connector.put([bytes(1)])))
    await connector.close?.()
    await connector.close?.()
    expect([...store.objects.keys()]).toEqual([`/bucket/${kept}`])
    await expect(connector.put([])).rejects.toThrow('is closed')
  })

  test.each([undefined, 42, '', '../secret', `${crypto.randomUUID()}/${crypto.randomUUID()}`])(
    'asks the store nothing for the key %o',
    async (key) => {
      const connector = connect()
      for (const use of ['get', 'exists', 'evict'] as const)
        await expect(connector[use](key)).rejects.toThrow(TransformError)
      expect(store.requests).toEqual([])
    },
  )

  test.each<Fault>(['error', 'drop', 'late', 'cut'])('tries again after a fault of the store: %s', async (fault) => {
    const connector = connect()
    store.failNext('PUT', fault)
    store.failNext('GET', fault, fault)
    store.failNext('DELETE', fault)
    const key = await connector.put([bytes(1, 2, 3)])
    expect(await connector.get(key)).toEqual(bytes(1, 2, 3))
    expect(store.objects.size).toBe(1)
    await connector.evict(key)
    expect(store.objects.size).toBe(0)
    expect([requestsOf('PUT').length, requestsOf('GET').length, requestsOf('DELETE').length]).toEqual([2, 3, 2])
  })

  test('gives up after as many tries as it was told, and says what was answered', async () => {
    const connector = bucket({ url: store.url, retries: 2, retryDelay: 1 })
    store.failNext('PUT', 'error', 'error', 'error')
    await expect(connector.put([bytes(1)])).rejects.toThrow(/^PUT http.* was answered 500: a fault$/)
    expect(requestsOf('PUT').length).toBe(3)
  })

  test('waits for an answer no longer than it was told', async () => {
    const connector = bucket({ url: store.url, timeout: 30, retries: 0 })
    store.failNext('PUT', 'hang')
    await expect(connector.put([bytes(1)])).rejects.toThrow(/^PUT http.* failed: .*timeout/)
  })

  test('does not repeat what the store refuses', async () => {
    await expect(connect().put([new Uint8Array(4_000_001)])).rejects.toThrow('413: the object is too large')
    expect(requestsOf('PUT').length).toBe(1)
  })

  test('tells of a store that is full', async () => {
    const connector = connect()
    const keys = [await connector.put([new Uint8Array(4e6)]), await connector.put([new Uint8Array(4e6)])]
    await expect(connector.put([bytes(1)])).rejects.toThrow('507: the store is full')
    await connector.evict(keys[0])
    await connector.put([bytes(1)])
  })

  test('tells of a store that cannot be reached', async () => {
    const connector = connect()
    const key = await connector.put([bytes(1)])
    await store.close()
    await expect(connector.get(key)).rejects.toThrow(/^GET http.* failed: .*ECONNREFUSED/)
  })
})

describe('proxyTransformer over a bucket', () => {
  transformerContract({ test, expect }, { create: () => proxyTransformer({ connector: connect(), cacheSize: 0 }) })
})

describe('an engine with a bucket', () => {
  test('stores each value once, and leaves nothing behind', async () => {
    await using engine = new Engine({ transformer: proxyTransformer({ connector: connect() }) })
    const readings = engine.submit(measure, 1, 1_000)
    const groups = await Promise.all([10, 20, 50].map((size) => engine.submit(smooth, readings, size)))
    expect(groups.map(({ length }) => length)).toEqual([100, 50, 20])
    await engine.shutdown()
    expect(store.objects.size).toBe(0)
  })

  test('a value that cannot be stored fails its own task only', async () => {
    await using engine = new Engine({ transformer: proxyTransformer({ connector: connect() }) })
    const [large, small] = [engine.submit(measure, 1, 1_000_000), engine.submit(measure, 1, 10)]
    await expect(large).rejects.toMatchObject({
      code: 'TRANSFORM',
      message: expect.stringContaining('The result of task measure'),
      cause: expect.objectContaining({ message: expect.stringContaining('413') }),
    })
    expect((await small).length).toBe(10)
  })
})
