/** Values in Redis, on worker processes, while Redis is away, restarts, is full, or lets nobody in: one task fails, clearly, and all else goes on. */
import { afterEach, expect, test } from 'vitest'
import { Engine, ExecutorShutdownError, objectSize, proxyTransformer, TransformError } from '../../../src/index.ts'
import { ProcessPoolExecutor } from '../../../src/node/index.ts'
import { RedisConnector, type RedisConnectorOptions } from '../../../src/redis/index.ts'
import { type RedisServer, type RedisServerOptions, startRedis } from '../../servers/redis.ts'
import { fill, size, sizes, small } from './data-plane-fault-tasks.ts'

const servers: RedisServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop()
})

async function start(options?: RedisServerOptions): Promise<RedisServer> {
  const server = await startRedis(options)
  servers.push(server)
  return server
}

function makeEngine(url: string, options: Partial<RedisConnectorOptions> = {}) {
  const connector = new RedisConnector({ url, ...options })
  const engine = new Engine({
    executor: new ProcessPoolExecutor({ maxWorkers: 1 }),
    // Nothing at hand: all that is read is read from Redis.
    transformer: proxyTransformer({ connector, cacheSize: 0 }),
    filter: objectSize({ minBytes: 1_000 }),
  })
  return { engine, connector }
}

/** An argument that the client stores, and a result that the worker stores, both fail with this reason; a small call does not. */
async function expectStoresToFail(engine: Engine, reason: RegExp, bytes = 5_000): Promise<void> {
  const failing = [engine.submit(size, new Uint8Array(bytes)), engine.submit(fill, bytes, 1)]
  const [argument, result] = (await Promise.all(failing.map((future) => future.exception()))) as [Error, Error]
  expect(argument.message).toMatch(/^Argument 0 of task size could not be transformed: /)
  expect(result.message).toMatch(/^The result of task fill could not be transformed: /)
  for (const error of [argument, result]) {
    expect(error).toBeInstanceOf(TransformError)
    expect(error.message).toMatch(reason)
    expect(error.cause).toBeInstanceOf(TransformError)
  }
  expect(await engine.submit(small, 1)).toBe(2)
}

async function expectToWork(engine: Engine): Promise<void> {
  expect(await engine.submit(size, new Uint8Array(5_000))).toBe(5_000)
  expect(await engine.submit(sizes, [engine.submit(fill, 5_000, 1)])).toBe(5_000)
}

test('away at the start; once it is there, all goes on', async () => {
  const gone = await startRedis()
  await gone.stop()
  const { engine } = makeEngine(gone.url)
  await expectStoresToFail(engine, new RegExp(`Cannot reach Redis at 127\\.0\\.0\\.1:${gone.port}: ECONNREFUSED`))
  await start({ port: gone.port })
  await expectToWork(engine)
  await engine.shutdown()
})

test('away at the end: shutting down ends, and tells what could not be removed', async () => {
  const server = await start()
  const { engine } = makeEngine(server.url)
  await expectToWork(engine)
  await server.kill()
  await expect(engine.shutdown()).rejects.toThrow(/Cannot reach Redis at/)
  expect(await engine.submit(small, 1).exception()).toBeInstanceOf(ExecutorShutdownError)
})

test('killed in the middle and started again: what it had is gone, all else goes on', async () => {
  const server = await start()
  const { engine } = makeEngine(server.url)
  const bytes = engine.submit(fill, 5_000, 1)
  expect(await engine.submit(size, bytes)).toBe(5_000)
  await server.kill()
  await expect(bytes.result()).rejects.toThrow(/^A result could not be resolved: Cannot reach Redis/)
  const away = (await engine.submit(size, bytes).exception()) as Error
  expect(away).toBeInstanceOf(TransformError)
  expect(away.message).toMatch(/^Argument 0 of task size could not be resolved: Cannot reach Redis/)
  await expectStoresToFail(engine, /Cannot reach Redis at/)
  await start({ port: server.port })
  const lost = (await engine.submit(size, bytes).exception()) as Error
  expect(lost.message).toMatch(/^Argument 0 of task size could not be resolved: there is nothing under taps-sdk-/)
  await expectToWork(engine)
  await engine.shutdown()
})

test('full: the error says so, and how to mend it', async () => {
  const server = await start({ args: ['--maxmemory', '8mb', '--maxmemory-policy', 'noeviction'] })
  const { engine } = makeEngine(server.url)
  await expectToWork(engine)
  await expectStoresToFail(engine, /it is out of memory: raise its maxmemory/, 20_000_000)
  await engine.shutdown()
})

test.for([
  ['without the password that it wants', '', /it wants a password: give it in url/],
  ['with a wrong one', ':wrong@', /it refuses the user or the password in url/],
] as const)('%s', async ([, login, reason]) => {
  const server = await start({ args: ['--requirepass', 'secret'] })
  const url = `redis://${login}127.0.0.1:${server.port}`
  const { engine } = makeEngine(url)
  await expectStoresToFail(engine, reason)
  await expect(engine.shutdown()).rejects.toThrow(reason)
})

test('with the right one', async () => {
  const server = await start({ args: ['--requirepass', 'secret'] })
  const { engine } = makeEngine(`redis://:secret@127.0.0.1:${server.port}`)
  await expectToWork(engine)
  await engine.shutdown()
})

test('a value that has expired fails who needs it', async () => {
  const server = await start()
  const { engine, connector } = makeEngine(server.url, { ttl: 50 })
  const bytes = engine.submit(fill, 5_000, 1)
  await bytes.exception()
  // Stored later, so it expires later.
  const key = await connector.put([new Uint8Array(1)])
  while (await connector.exists(key)) await new Promise((resolve) => setTimeout(resolve, 5))
  const error = (await engine.submit(size, bytes).exception()) as Error
  expect(error).toBeInstanceOf(TransformError)
  expect(error.message).toMatch(/there is nothing under .* in the store: it was freed, has expired/)
  await engine.shutdown()
})
