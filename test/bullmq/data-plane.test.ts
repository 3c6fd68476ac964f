// Values that travel by reference, on workers of a queue: where these keep them is not for the queue to say.
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Engine, objectSize, proxyTransformer, TransformError, type Transformer } from '../../src/index.ts'
import { fileTransformer } from '../../src/node/index.ts'
import { RedisConnector } from '../../src/redis/index.ts'
import { allowed, withoutSecrets } from '../../src/worker/storage.ts'
import { fill, sizes } from '../executor/pool/data-plane-fault-tasks.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import { executorOn, startCliWorker } from './support.ts'

const MODULE = 'test/executor/pool/data-plane-fault-tasks.ts'
const PASSWORD = 'a-secret-password'

let redis: RedisServer
let url: string
let client: ReturnType<typeof createClient>
const cleanups: (() => unknown)[] = []

beforeAll(async () => {
  redis = await startRedis({ args: ['--requirepass', PASSWORD] })
  url = `redis://:${PASSWORD}@127.0.0.1:${redis.port}`
  client = createClient({ url })
  await client.connect()
})

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

afterAll(async () => {
  client.destroy()
  await redis.stop()
})

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'taps-sdk-data-'))
  cleanups.push(() => rmSync(path, { recursive: true }))
  return path
}

async function worker(queue: string, ...more: string[]): Promise<void> {
  const { child, ended } = await startCliWorker(url, queue, '--module', MODULE, ...more)
  cleanups.push(async () => {
    child.kill('SIGKILL')
    await ended
  })
}

function engineOn(queue: string, transformer: Transformer, workers = 0): Engine {
  const engine = new Engine({
    executor: executorOn(url, queue, { workers }),
    transformer,
    filter: objectSize({ minBytes: 1_000 }),
  })
  cleanups.push(() => engine.shutdown())
  return engine
}

/** A value that one task stores and another one reads. */
function useOf(engine: Engine): Promise<unknown> {
  return Promise.resolve(engine.submit(sizes, [engine.submit(fill, 5_000, 1)]))
}

function failure(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => {
      throw new Error('it did not fail')
    },
    (error) => (error.cause instanceof TransformError ? error.cause : error),
  )
}

test('values are kept in a folder that the worker was started with', async () => {
  const dir = folder()
  await worker('files', '--data-dir', dir)
  expect(await useOf(engineOn('files', fileTransformer({ dir: join(dir, 'mine') })))).toBe(5_000)
})

test('and in no other', async () => {
  const [dir, other] = [folder(), folder()]
  await worker('elsewhere', '--data-dir', dir)
  const error = await failure(useOf(engineOn('elsewhere', fileTransformer({ dir: other }))))
  expect(error.message).toContain(`This worker keeps values in ${dir} only, and was asked for`)
  expect(readdirSync(other)).toEqual([])
})

test('values are kept in the Redis server of the queue, whose password does not travel', async () => {
  await worker('redis')
  const heard: string[] = []
  const monitor = client.duplicate()
  await monitor.connect()
  cleanups.push(() => monitor.destroy())
  await monitor.monitor((reply) => heard.push(String(reply)))
  const connector = new RedisConnector({ url })
  expect(await useOf(engineOn('redis', proxyTransformer({ connector, cacheSize: 0 })))).toBe(5_000)
  expect(heard.some((line) => line.includes('RedisConnector'))).toBe(true)
  expect(heard.filter((line) => line.includes(PASSWORD))).toEqual([])
})

test('and in no other server', async () => {
  const other = await startRedis()
  cleanups.push(() => other.stop())
  await worker('other')
  const connector = new RedisConnector({ url: other.url })
  const error = await failure(useOf(engineOn('other', proxyTransformer({ connector, cacheSize: 0 }))))
  expect(error.message).toContain('This worker keeps values in the Redis server of its queue, and in no other')
})

test('workers that an executor starts itself keep values where its engine does', async () => {
  expect(await useOf(engineOn('local', fileTransformer({ dir: folder() }), 1))).toBe(5_000)
})

describe('what a message may ask for', () => {
  const recipe = (name: string, options: object) => ({
    transformer: {
      module: 'm',
      name: 'x',
      options: { connector: { 'taps-sdk.plugin': { module: 'm', name, options } } },
    },
    filter: undefined,
  })
  const file = (dir: unknown) => recipe('FileConnector', { dir })
  const server = (address: unknown) => recipe('RedisConnector', { url: address })
  const options = (plane: unknown) =>
    (plane as ReturnType<typeof recipe>).transformer.options.connector['taps-sdk.plugin'].options

  test.for([['/data/../etc'], ['/data2'], ['/'], [''], ['/data/x/../../root'], [7], [undefined], [{}]])(
    'not the folder %s',
    ([dir]) => {
      for (const name of ['FileConnector', 'SharedMemoryConnector'])
        expect(() => allowed(recipe(name, { dir }), { dirs: ['/data'], redis: url })).toThrow(TransformError)
    },
  )

  test('not a folder for a plug-in of whatever name', () => {
    const store = { dirs: ['/data'], redis: url }
    expect(() => allowed(recipe('somebodys-store', { dir: '/etc' }), store)).toThrow(TransformError)
    expect(options(allowed(recipe('somebodys-store', { dir: '/data/x' }), store))).toEqual({ dir: '/data/x' })
    expect(options(allowed(recipe('somebodys-store', { size: 1 }), store))).toEqual({ size: 1 })
  })

  test('not a folder that a link leads out to', () => {
    const [dir, other] = [folder(), folder()]
    symlinkSync(other, join(dir, 'link'))
    expect(() => allowed(file(join(dir, 'link', 'new')), { dirs: [dir], redis: url })).toThrow(TransformError)
    expect(allowed(file(join(dir, 'new', 'x')), { dirs: [dir], redis: url })).toEqual(file(join(dir, 'new', 'x')))
  })

  test.for([
    ['redis://evil:6379'],
    ['queue:/../x'],
    ['queue:@evil/0'],
    ['queue://evil'],
    ['file:///etc'],
    [7],
    [undefined],
  ])('not the server %s', ([address]) => {
    expect(() => allowed(server(address), { dirs: [], redis: url })).toThrow(TransformError)
  })

  test('the server of the queue is named without its address, and found again', () => {
    const sent = withoutSecrets(server('redis://user:pass@queue.example:6379/2'), 'redis://:other@queue.example')
    expect(options(sent)).toEqual({ url: 'queue:/2' })
    expect(options(allowed(sent, { dirs: [], redis: 'redis://:mine@10.0.0.1:7000/1' }))).toEqual({
      url: 'redis://:mine@10.0.0.1:7000/2',
    })
  })

  test('of another server the password stays here', () => {
    const sent = withoutSecrets(server('redis://user:pass@other.example:6379/2'), 'redis://queue.example')
    expect(JSON.stringify(sent)).not.toMatch(/user|pass/)
  })
})
