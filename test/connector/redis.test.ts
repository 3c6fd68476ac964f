import { execFile } from 'node:child_process'
import { createServer, type Server, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { inspect, promisify } from 'node:util'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Connector } from '../../src/connector/connector.ts'
import { TransformError } from '../../src/errors.ts'
import { follow, recipeOf } from '../../src/plugin.ts'
import { RedisConnector, type RedisConnectorOptions, removeLeftovers } from '../../src/redis/index.ts'
import { type RedisServer, type RedisServerOptions, startRedis } from '../servers/redis.ts'

const bytes = (text: string): Uint8Array[] => [new TextEncoder().encode(text)]
const textOf = async (found: Promise<Uint8Array | undefined>): Promise<string> => new TextDecoder().decode(await found)
const failure = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => {
      throw new Error('it did not fail')
    },
    (error) => error,
  )
const run = promisify(execFile)

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function start(options?: RedisServerOptions): Promise<RedisServer> {
  const server = await startRedis(options)
  cleanups.push(() => server.stop())
  return server
}

function connect(options: RedisConnectorOptions): RedisConnector {
  const connector = new RedisConnector(options)
  // What it cannot remove any more goes with its server.
  cleanups.push(() => connector.close().catch(() => {}))
  return connector
}

async function copyOf(connector: RedisConnector): Promise<Connector> {
  const copy = (await follow(recipeOf(connector, 'connector'), (module) => import(module))) as Connector
  cleanups.push(() => copy.close?.())
  return copy
}

describe('with a server that is well', () => {
  let server: RedisServer
  let client: ReturnType<typeof createClient>
  beforeAll(async () => {
    server = await startRedis()
    client = createClient({ url: server.url })
    await client.connect()
  })
  afterEach(() => client.flushAll())
  afterAll(async () => {
    client.destroy()
    await server.stop()
  })

  test('keys begin with the prefix and the run', async () => {
    const connector = connect({ url: server.url, prefix: 'mine' })
    const key = await connector.put(bytes('hello'))
    expect(await client.get(`mine:${key.replace('/', ':')}`)).toBe('hello')
    expect((await client.keys('*')).filter((name) => !name.startsWith(`mine:${connector.run}:`))).toEqual([])
  })

  test('close removes all of its own, however much it is, and nothing else', async () => {
    const [one, other] = [connect({ url: server.url }), connect({ url: server.url })]
    await client.set('stranger', '1')
    await Promise.all(Array.from({ length: 1_200 }, (_, i) => one.put(bytes(String(i)))))
    const key = await other.put(bytes('other'))
    await one.close()
    expect((await client.keys('*')).filter((name) => name.includes(one.run))).toEqual([])
    expect([await client.exists('stranger'), await other.exists(key)]).toEqual([1, true])
    await other.close()
    expect(await client.keys('*')).toEqual(['stranger'])
  })

  test('close removes what copies have stored when the connector itself has not been used', async () => {
    const connector = connect({ url: server.url })
    await (await copyOf(connector)).put(bytes('hello'))
    await connector.close()
    expect(await client.dbSize()).toBe(0)
  })

  test('what was kept can be read again by its run, and whoever reads it removes nothing', async () => {
    const first = connect({ url: server.url, keep: true })
    const key = await first.put(bytes('kept'))
    await first.close()
    const again = connect({ url: server.url, run: first.run })
    expect(await textOf(again.get(key))).toBe('kept')
    await again.close()
    expect(await textOf(connect({ url: server.url, run: first.run }).get(key))).toBe('kept')
  })

  test('a key of another run is refused, and the error says how to read it', async () => {
    const first = connect({ url: server.url })
    const error = await failure(connect({ url: server.url }).get(await first.put(bytes('hello'))))
    expect(error.message).toContain(`make one with { run: "${first.run}" } to read it`)
  })

  test('a value is gone when its time is over', async () => {
    const connector = connect({ url: server.url, ttl: 60_000 })
    const key = await connector.put(bytes('hello'))
    const name = `taps-sdk:${key.replace('/', ':')}`
    expect(await client.pTTL(name)).toBeGreaterThan(50_000)
    await client.pExpire(name, 0)
    expect([await connector.exists(key), await connector.get(key)]).toEqual([false, undefined])
  })

  test('without a time it stays', async () => {
    const key = await connect({ url: server.url }).put(bytes('hello'))
    expect(await client.pTTL(`taps-sdk:${key.replace('/', ':')}`)).toBe(-1)
  })

  test('a small value does not hold on to the memory that it came in', async () => {
    const connector = connect({ url: server.url })
    const found = await connector.get(await connector.put(bytes('hello')))
    expect(found?.buffer.byteLength).toBe(5)
  })

  test('a connection that was closed while it was idle is made again', async () => {
    const connector = connect({ url: server.url })
    const key = await connector.put(bytes('hello'))
    for (let round = 0; round < 3; round++) {
      await client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'])
      expect(await textOf(connector.get(key))).toBe('hello')
    }
  })

  test('an idle connection does not keep a program alive, and a pending one does', async () => {
    const program = fileURLToPath(new URL('idle.fixture.ts', import.meta.url))
    const { stdout } = await run(process.execPath, [program, server.url], { timeout: 60_000 })
    expect(stdout).toBe('1000000')
  })

  test('close while it connects leaves no connection', async () => {
    const connector = connect({ url: server.url, run: connect({ url: server.url }).run })
    const pending = failure(connector.put(bytes('hello')))
    await connector.close()
    expect((await pending).message).toContain('Cannot reach Redis')
    const others = () => client.sendCommand(['CLIENT', 'LIST', 'TYPE', 'normal'])
    // The server may have to hear first of what earlier tests closed.
    await expect.poll(others).not.toMatch(/\n.+\n/)
  })

  test('after close it says that it is closed', async () => {
    const connector = connect({ url: server.url })
    const key = await connector.put(bytes('hello'))
    await connector.close()
    expect((await failure(connector.get(key))).message).toBe('The RedisConnector is closed')
  })

  test('a value that is too large for Redis is refused before it is sent', async () => {
    const connector = connect({ url: server.url })
    const half = new Uint8Array(300 * 1024 * 1024)
    const error = await failure(connector.put([half, half]))
    expect(error).toBeInstanceOf(TransformError)
    expect(error.message).toContain('A value of 629145600 bytes is too large for Redis at 127.0.0.1')
  })

  test('TLS with a server that has none fails in time', async () => {
    const url = server.url.replace('redis:', 'rediss:')
    const error = await failure(connect({ url, connectTimeout: 300 }).put(bytes('hello')))
    expect(error.message).toContain(`Cannot reach Redis at 127.0.0.1:${server.port}`)
  })

  test('a password that nobody wants is told', async () => {
    const url = `redis://:secret@127.0.0.1:${server.port}`
    const error = await failure(connect({ url }).put(bytes('hello')))
    expect(error.message).toContain(`Redis at 127.0.0.1:${server.port} refuses: ERR`)
    expect(inspect(error)).not.toContain('secret')
  })

  describe('leftovers', () => {
    const end = async (connector: RedisConnector): Promise<void> => {
      await connector.put(bytes('hello'))
      await client.del(`taps-sdk:${connector.run}:alive`)
    }

    test('runs that nobody has said to be alive are removed, and nothing else', async () => {
      const [dead, alive] = [connect({ url: server.url }), connect({ url: server.url })]
      const key = await alive.put(bytes('hello'))
      await end(dead)
      const strangers = ['taps-sdk:mine', 'taps-sdk:taps-sdk-2026', `taps-sdk:${dead.run}:notes`, `x:${dead.run}:index`]
      for (const name of strangers) await client.set(name, '1')
      expect(await removeLeftovers({ url: server.url })).toEqual([dead.run])
      expect((await client.keys('*')).filter((name) => name.includes(dead.run)).sort()).toEqual(strangers.slice(2))
      expect(await client.exists(strangers)).toBe(strangers.length)
      expect(await alive.exists(key)).toBe(true)
      expect(await removeLeftovers({ url: server.url })).toEqual([])
    })

    test('those of another prefix stay', async () => {
      await end(connect({ url: server.url }))
      expect(await removeLeftovers({ url: server.url, prefix: 'other' })).toEqual([])
      expect(await client.dbSize()).toBe(2)
    })

    describe('as time passes', () => {
      const minute = 60_000
      beforeEach(() => {
        vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] })
      })
      afterEach(() => {
        vi.useRealTimers()
      })

      test('a connector says again and again that its run is in use, although it is not used itself', async () => {
        const connector = connect({ url: server.url })
        await connector.put(bytes('hello'))
        for (let hour = 0; hour < 3; hour++) {
          await vi.advanceTimersByTimeAsync(60 * minute)
          await client.del(`taps-sdk:${connector.run}:alive`)
          await vi.advanceTimersByTimeAsync(minute)
          await expect.poll(() => client.exists(`taps-sdk:${connector.run}:alive`)).toBe(1)
        }
      })

      test('a copy does so for some minutes after it was used', async () => {
        const connector = connect({ url: server.url })
        const copy = await copyOf(connector)
        for (let round = 0; round < 2; round++) {
          await copy.put(bytes('hello'))
          await vi.advanceTimersByTimeAsync(9 * minute)
          expect(vi.getTimerCount()).toBe(1)
          await vi.advanceTimersByTimeAsync(3 * minute)
          expect(vi.getTimerCount()).toBe(0)
        }
      })

      test('values that have expired are forgotten', async () => {
        const connector = connect({ url: server.url, ttl: minute })
        await connector.put(bytes('old'))
        await vi.advanceTimersByTimeAsync(5 * minute)
        await connector.put(bytes('young'))
        expect(await client.zCard(`taps-sdk:${connector.run}:index`)).toBe(2)
        await vi.advanceTimersByTimeAsync(2 * minute)
        await expect.poll(() => client.zCard(`taps-sdk:${connector.run}:index`)).toBe(1)
      })
    })

    test('a run is alive while only a copy stores in it', async () => {
      const connector = connect({ url: server.url })
      const key = await (await copyOf(connector)).put(bytes('hello'))
      expect(await removeLeftovers({ url: server.url })).toEqual([])
      expect(await connector.exists(key)).toBe(true)
      expect(await client.pTTL(`taps-sdk:${connector.run}:alive`)).toBeGreaterThan(200_000)
    })
  })
})

describe('faults', () => {
  test('a server that is away at the start is told by host and port, and used when it is there', async () => {
    const { port, stop } = await startRedis()
    await stop()
    const connector = connect({ url: `redis://someone:secret@127.0.0.1:${port}` })
    const plain = connect({ url: `redis://127.0.0.1:${port}` })
    const error = await failure(connector.put(bytes('hello')))
    expect(error).toBeInstanceOf(TransformError)
    expect(error.message).toBe(
      `Cannot reach Redis at 127.0.0.1:${port}: ECONNREFUSED; is it running, and is the address in url right?`,
    )
    expect(inspect(error)).not.toContain('secret')
    await failure(plain.put(bytes('hello')))
    await start({ port })
    expect(await textOf(plain.get(await plain.put(bytes('now'))))).toBe('now')
  })

  test('a server that crashes fails what it has not answered, and is used again when it is back', async () => {
    const server = await start()
    const connector = connect({ url: server.url })
    const key = await connector.put(bytes('before'))
    const puts = Array.from({ length: 20 }, () => connector.put([new Uint8Array(1_000_000)]))
    const outcomes = Promise.allSettled(puts)
    await server.kill()
    for (const outcome of await outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(TransformError)
    }
    expect((await failure(connector.get(key))).message).toContain(`Cannot reach Redis at 127.0.0.1:${server.port}`)
    await start({ port: server.port })
    expect(await connector.get(key)).toBe(undefined)
    expect(await textOf(connector.get(await connector.put(bytes('after'))))).toBe('after')
  })

  test('a server that is gone makes close fail, and nothing is left open', async () => {
    const server = await start()
    const connector = connect({ url: server.url })
    await connector.put(bytes('hello'))
    await server.kill()
    expect((await failure(connector.close())).message).toContain('Cannot reach Redis')
  })

  test('out of memory is told with the cure, and what is stored stays usable', async () => {
    const server = await start({ args: ['--maxmemory', '8mb', '--maxmemory-policy', 'noeviction'] })
    const connector = connect({ url: server.url })
    const small = await connector.put(bytes('small'))
    const large: string[] = []
    const error = await failure(
      (async () => {
        while (large.length < 20) large.push(await connector.put([new Uint8Array(1_000_000)]))
      })(),
    )
    expect(error).toBeInstanceOf(TransformError)
    expect(error.message).toContain('it is out of memory: raise its maxmemory')
    expect(await textOf(connector.get(small))).toBe('small')
    // One that has just come says that it uses the run, or would.
    expect(await textOf(connect({ url: server.url, run: connector.run }).get(small))).toBe('small')
    for (const key of large) await connector.evict(key)
    expect(await textOf(connector.get(await connector.put(bytes('again'))))).toBe('again')
  })

  test('the right password is taken; a wrong one and none are told, and not shown', async () => {
    const { port } = await start({ args: ['--requirepass', 'right-secret'] })
    const right = connect({ url: `redis://:right-secret@127.0.0.1:${port}` })
    expect(await textOf(right.get(await right.put(bytes('hello'))))).toBe('hello')
    const wrong = await failure(connect({ url: `redis://:wrong-secret@127.0.0.1:${port}` }).put(bytes('hello')))
    expect(wrong.message).toContain(`Redis at 127.0.0.1:${port} refuses: it refuses the user or the password in url`)
    expect(inspect(wrong, { depth: 9 })).not.toContain('wrong-secret')
    const none = await failure(connect({ url: `redis://127.0.0.1:${port}` }).put(bytes('hello')))
    expect(none.message).toContain('it wants a password: give it in url')
  })

  test('the package for it is missing: the error says what to install', async () => {
    const program = fileURLToPath(new URL('without-redis.fixture.ts', import.meta.url))
    const { stdout } = await run(process.execPath, [program], { timeout: 60_000 })
    expect(stdout).toBe('MissingPeerError: RedisConnector needs the package redis: install it with `npm install redis`')
  })

  describe('a server that never answers', () => {
    let silent: Server
    let url: string
    const sockets: Socket[] = []
    beforeAll(async () => {
      silent = createServer((socket) => sockets.push(socket.on('error', () => {})))
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
      url = `127.0.0.1:${(silent.address() as { port: number }).port}`
    })
    afterAll(() => {
      for (const socket of sockets) socket.destroy()
      silent.close()
    })

    test('fails at the login after connectTimeout', async () => {
      const error = await failure(connect({ url: `redis://:secret@${url}`, connectTimeout: 100 }).put(bytes('hello')))
      expect(error.message).toContain(`Cannot reach Redis at ${url}: no connection after 100 ms`)
    })

    test('fails later after timeout', async () => {
      const before = sockets.length
      const error = await failure(connect({ url: `redis://${url}`, timeout: 100 }).put(bytes('hello')))
      expect(error.message).toContain(`Cannot reach Redis at ${url}: Socket timeout`)
      expect(sockets.length - before).toBe(1)
    })
  })

  test.each([
    [{}, 'takes { url }'],
    [{ url: 'http://someone:secret@host' }, 'takes { url }: redis://host:port'],
    [{ url: 'redis://:secret@' }, 'takes { url }'],
    [{ url: 'redis://:secret@host/name' }, 'takes { url }'],
    [{ url: 5 }, 'takes { url }'],
    [{ url: 'redis://h', prefix: 'a*' }, 'prefix takes letters'],
    [{ url: 'redis://h', timeout: 0.5 }, 'timeout takes a whole number of ms from 1, not 0.5'],
    [{ url: 'redis://h', run: 'mine' }, 'run takes the name of a run'],
    [{ url: 'redis://h', password: 'secret' }, 'has no option "password"'],
  ])('options %j are refused, and show no password', (options, message) => {
    const create = () => new RedisConnector(options as RedisConnectorOptions)
    expect(create).toThrow(message)
    expect(create).not.toThrow('secret@')
  })
})
