// Connections that break, messages that nobody meant, and clients and workers that go: what a queue does then.
import { execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Worker } from 'bullmq'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { type BullMQExecutor, type BullMQExecutorOptions, startWorker } from '../../src/bullmq/index.ts'
import { loadPackages } from '../../src/bullmq/packages.ts'
import { RedisClients } from '../../src/bullmq/redis-clients.ts'
import { ConfigError, NotShippableError } from '../../src/index.ts'
import { echo, hold, size, untilAborted } from '../executor/pool/fault-tasks.ts'
import { Scratch } from '../executor/pool/scratch.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import { type CliWorker, executorOn, FAULT_TASKS, ROOT, startCliWorker } from './support.ts'

let redis: RedisServer
let client: ReturnType<typeof createClient>
let scratch: Scratch
let queue: string
const cleanups: (() => unknown)[] = []

beforeAll(async () => {
  redis = await startRedis()
  client = createClient({ url: redis.url })
  await client.connect()
})
beforeEach(() => {
  scratch = new Scratch()
  queue = `q-${randomUUID()}`
  cleanups.push(() => scratch.remove())
})
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})
afterAll(async () => {
  client.destroy()
  await redis.stop()
})

async function cliWorker(...more: string[]): Promise<CliWorker> {
  const worker = await startCliWorker(redis.url, queue, '--module', FAULT_TASKS, ...more)
  cleanups.push(async () => {
    worker.child.kill('SIGKILL')
    await worker.ended
  })
  return worker
}

async function workerHere(modules = [FAULT_TASKS]) {
  const worker = await startWorker({ connection: redis.url, queue, modules, root: ROOT, workers: 1 })
  cleanups.push(() => worker.close({ isHard: true }))
  return worker
}

function executor(more?: Partial<BullMQExecutorOptions>): BullMQExecutor {
  const made = executorOn(redis.url, queue, more)
  cleanups.push(() => made.shutdown({ cancelFutures: true }))
  return made
}

function failure(promise: PromiseLike<unknown>): Promise<Error> {
  return Promise.resolve(promise).then(
    () => {
      throw new Error('it did not fail')
    },
    (error) => error,
  )
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** Breaks all connections but that of the test. */
function breakConnections(type: 'normal' | 'pubsub'): Promise<unknown> {
  return client.sendCommand(['CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes'])
}

test('a job that was handed to a worker, and never arrived there, is given back when the connection is back', async () => {
  const [trace, gate] = [scratch.path(), scratch.path()]
  const worker = await workerHere()
  const running = executor().submit(hold, trace, 'running', gate)
  await scratch.written(trace, 'running')
  const stray = executor().submit(echo, 'stray')
  await until(async () => (await client.lLen(`bull:${queue}:wait`)) === 1)
  // As if the answer had been lost on its way.
  const connection = client.duplicate()
  connection.on('error', () => {})
  const thief = new Worker(queue, null, { connection: connection as never, autorun: false })
  thief.on('error', () => {})
  cleanups.push(async () => {
    await thief.close(true)
    connection.destroy()
  })
  expect(await thief.getNextJob(`${worker.id}:lost`)).toBeDefined()
  await breakConnections('normal')
  scratch.open(gate)
  expect(await running).toBe('running')
  expect(await stray).toBe('stray')
})

test('what has run when the connection breaks has run once, and does not fail', async () => {
  const [trace, gate] = [scratch.path(), scratch.path()]
  await cliWorker()
  const pool = executor()
  for (let i = 0; i < 5; i++) {
    const call = pool.submit(hold, trace, i, gate)
    await scratch.written(trace, String(i))
    await breakConnections(i % 2 === 0 ? 'normal' : 'pubsub')
    scratch.open(gate)
    expect(await call).toBe(i)
  }
  expect(scratch.lines(trace)).toEqual(['0', '1', '2', '3', '4'])
})

test('a call that is cancelled while its worker hears nothing is told to stop later', async () => {
  const trace = scratch.path()
  await cliWorker()
  const pool = executor()
  const call = pool.submit(untilAborted, trace)
  await scratch.written(trace, 'begun')
  // Until they are connected again, nobody listens.
  void breakConnections('pubsub')
  call.cancel()
  await failure(call)
  // The only lane is free again.
  expect(await pool.submit(echo, 'next')).toBe('next')
})

test('an event that makes no sense does not end the reading of events', async () => {
  await cliWorker()
  const pool = executor()
  expect(await pool.submit(echo, 0)).toBe(0)
  await client.xAdd(`bull:${queue}:events`, '*', { event: 'completed', jobId: 'x', returnvalue: '{' })
  await client.xAdd(`bull:${queue}:events`, '*', { event: 'progress', jobId: 'x', data: '{' })
  // Without events each of them takes seconds.
  for (let i = 1; i <= 30; i++) expect(await pool.submit(echo, i)).toBe(i)
})

test('messages that make no sense are passed over, by workers and by clients', async () => {
  const worker = await workerHere()
  const pool = executor()
  expect(await pool.submit(echo, 1)).toBe(1)
  const told: string[] = []
  const exited: string[] = []
  worker.on('error', ({ message }) => told.push(message)).on('workerExited', (name) => exited.push(name))
  const base = `bull:${queue}:taps-sdk`
  const garbage = [
    '',
    '\n',
    'load \n',
    'load x\n{',
    'load ../x 1\n[]',
    'load a 1\n[7]',
    '__proto__\n',
    'x\nSPAT',
    'x'.repeat(1e6),
  ]
  const hellos = [
    '{',
    'null',
    '[]',
    '{"id":"x"}',
    '{"id":"x","host":"h","pid":1,"slots":-1,"again":true}',
    '{"__proto__":{"id":1}}',
  ]
  for (const message of garbage) await client.publish(`${base}:to-workers`, message)
  for (const message of hellos) await client.publish(`${base}:from-workers`, message)
  for (const channel of await client.pubSubChannels(`${base}:to-client:*`))
    for (const message of [...garbage, '1\n[11,0,0', '99\n[]', '1\nnull']) await client.publish(channel, message)
  expect(await pool.submit(echo, 2)).toBe(2)
  expect(await pool.submit(echo, 3)).toBe(3)
  expect(exited).toEqual([])
  expect(told.some((message) => message.startsWith('A message makes no sense'))).toBe(true)
})

test('a server that stays away for too long is told, and used again when it is back', async () => {
  const own = await startRedis()
  const started = await startCliWorker(own.url, queue, '--module', FAULT_TASKS)
  cleanups.push(async () => {
    started.child.kill('SIGKILL')
    await started.ended
  })
  const trace = scratch.path()
  const pool = executor({ connection: { url: own.url, reconnectTimeout: 300 } })
  const running = pool.submit(hold, trace, 'running', scratch.path())
  await scratch.written(trace, 'running')
  await own.stop()
  expect((await failure(running)).message).toMatch(
    new RegExp(`^Redis at 127\\.0\\.0\\.1:${own.port} has been away for 300 ms`),
  )
  const again = await startRedis({ port: own.port })
  cleanups.push(() => again.stop())
  started.child.kill('SIGKILL')
  const next = await startCliWorker(again.url, queue, '--module', FAULT_TASKS)
  cleanups.push(async () => {
    next.child.kill('SIGKILL')
    await next.ended
  })
  expect(await pool.submit(echo, 'again')).toBe('again')
})

test('a server that is frozen for a while makes nobody take its workers for dead', async () => {
  const own = await startRedis()
  cleanups.push(() => own.stop())
  const started = await startCliWorker(own.url, queue, '--module', FAULT_TASKS)
  cleanups.push(async () => {
    started.child.kill('SIGKILL')
    await started.ended
  })
  const [trace, gate] = [scratch.path(), scratch.path()]
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
  cleanups.push(() => vi.useRealTimers())
  const pool = executor({ connection: own.url })
  const exited: string[] = []
  pool.on('workerExited', ({ how }) => {
    exited.push(how)
  })
  const running = pool.submit(hold, trace, 'running', gate)
  await scratch.written(trace, 'running')
  process.kill(own.pid, 'SIGSTOP')
  for (let seconds = 0; seconds < 20; seconds++) await vi.advanceTimersByTimeAsync(1_000)
  process.kill(own.pid, 'SIGCONT')
  scratch.open(gate)
  expect(await running).toBe('running')
  expect(exited).toEqual([])
})

test('what a client leaves behind that dies is gone after a while, and workers go on', async () => {
  const [trace, gate] = [scratch.path(), scratch.path()]
  await cliWorker()
  const program = fileURLToPath(new URL('./dying.fixture.ts', import.meta.url))
  const dying = spawn(process.execPath, [program, redis.url, queue, trace, gate], { stdio: 'ignore' })
  await scratch.written(trace, 'held')
  const ended = new Promise((resolve) => dying.on('exit', resolve))
  dying.kill('SIGKILL')
  await ended
  scratch.open(gate)
  expect(await executor().submit(echo, 'next')).toBe('next')
  await until(async () => (await client.lLen(`bull:${queue}:active`)) === 0)
  const keys = (await client.keys(`bull:${queue}:taps-sdk:*`)).sort()
  expect(keys).toEqual([expect.stringContaining(':answer:'), expect.stringContaining(':calls:')])
  for (const key of keys) {
    const ttl = await client.pTTL(key)
    expect(ttl).toBeGreaterThan(0)
    expect(ttl).toBeLessThanOrEqual(3_600_000)
  }
})

test("with stalled: 'again' the queue itself runs once more what its worker has lost", async () => {
  const [trace, gate] = [scratch.path(), scratch.path()]
  const first = await cliWorker('--stalled', 'again')
  const pool = executor()
  const call = pool.submit(hold, trace, 'x', gate)
  await scratch.written(trace, 'x')
  first.child.kill('SIGKILL')
  await first.ended
  // As if half a minute had gone.
  await client.del(await client.keys(`bull:${queue}:*:lock`))
  await cliWorker('--stalled', 'again')
  await until(() => scratch.lines(trace).length === 2)
  scratch.open(gate)
  expect(await call).toBe('x')
  expect(scratch.lines(trace)).toEqual(['x', 'x'])
})

test('executors of one program on one queue share their connections', async () => {
  await cliWorker()
  const count = async (): Promise<number> =>
    String(await client.sendCommand(['CLIENT', 'LIST']))
      .trim()
      .split('\n').length
  const first = executor()
  expect(await first.submit(echo, 1)).toBe(1)
  const before = await count()
  const second = executor()
  expect(await second.submit(echo, 2)).toBe(2)
  expect(await count()).toBe(before)
  await first.shutdown()
  expect(await second.submit(echo, 3)).toBe(3)
})

test.each([
  ['test/shipping/fixtures/fails-to-import.ts', /A worker could not be started on .*: no configuration/],
  ['no-such-package', /Cannot find package 'no-such-package'/],
])('a worker that cannot import %s does not start', async (module, reason) => {
  const error = await failure(workerHere([module]))
  expect(error).toBeInstanceOf(ConfigError)
  expect(error.message).toMatch(reason)
  expect(await client.pubSubNumSub(`bull:${queue}:taps-sdk:to-workers`)).toEqual({
    [`bull:${queue}:taps-sdk:to-workers`]: 0,
  })
})

test('a worker that may not listen to its queue does not start, and leaves no connection behind', async () => {
  const user = `user-${randomUUID()}`
  await client.sendCommand(['ACL', 'SETUSER', user, 'on', '>right', '~*', '+@all', 'resetchannels'])
  const connection = redis.url.replace('//', `//${user}:right@`)
  const error = await failure(startWorker({ connection, queue, modules: [FAULT_TASKS], root: ROOT, workers: 1 }))
  expect(error.message).toMatch(/NOPERM|No permissions/i)
  await until(async () => !String(await client.sendCommand(['CLIENT', 'LIST'])).includes(`user=${user}`))
})

test('a server that refuses the password is no server that is away', async () => {
  const own = await startRedis({ args: ['--requirepass', 'right'] })
  cleanups.push(() => own.stop())
  for (const url of [own.url, own.url.replace('//', '//:wrong@')]) {
    const error = await failure(executor({ connection: { url, connectTimeout: Infinity } }).submit(echo, 1))
    expect(error).toBeInstanceOf(ConfigError)
    expect(error.message).toContain(`Redis at 127.0.0.1:${own.port} refuses the connection`)
    expect(error.message).not.toContain('wrong@')
  }
})

test('a warm-up that is asked for while the server is away is made when it is back', async () => {
  const pool = executor()
  await cliWorker()
  await pool.workersReady()
  await client.sendCommand(['CLIENT', 'PAUSE', '300', 'ALL'])
  await breakConnections('pubsub')
  await pool.warmup(echo)
  expect(await pool.submit(echo, 1)).toBe(1)
})

test('the folder of a project may have any name', async () => {
  const root = join(scratch.path(), 'a b%20é#?')
  mkdirSync(root, { recursive: true })
  expect(await executor({ root, workers: 1 }).submit(echo, 1)).toBe(1)
})

test('a task outside of the project is refused where only its own workers could find it', async () => {
  const outside = { root: fileURLToPath(new URL('../../src', import.meta.url)) }
  const error = await failure(executor(outside).submit(echo, 1))
  expect(error).toBeInstanceOf(NotShippableError)
  expect(error.message).toMatch(/fault-tasks\.ts, outside of .*src/)
  expect(await executor({ ...outside, workers: 1 }).submit(echo, 1)).toBe(1)
})

test('a worker whose server does not answer says so, with its address', async () => {
  const gone = await startRedis()
  await gone.stop()
  const connection = { url: gone.url.replace('//', '//:secret@'), connectTimeout: 200 }
  const error = await failure(startWorker({ connection, queue, modules: [FAULT_TASKS], root: ROOT }))
  expect(error.message).toMatch(new RegExp(`^Redis at 127\\.0\\.0\\.1:${gone.port} cannot be reached for 200 ms`))
  expect(error.message).not.toContain('secret')
})

test('texts of fifty megabytes travel, there and back', async () => {
  await cliWorker()
  const pool = executor()
  const text = 'ä'.repeat(25_000_000)
  expect(await pool.submit(size, text)).toBe(25_000_000)
  expect((await pool.submit(echo, text)) === text).toBe(true)
})

test('rediss: means TLS, with what else the address says', async () => {
  const place = {
    url: 'rediss://me:secret@h.example:7000/3',
    connectTimeout: 1,
    reconnectTimeout: 1,
    queue,
    prefix: 'p',
  }
  const clients = new RedisClients(await loadPackages('a test'), place, { back: () => {}, gone: () => {} })
  const { options } = clients.main as unknown as { options: Record<string, unknown> }
  expect(options).toMatchObject({ username: 'me', password: 'secret', database: 3 })
  expect(options.socket).toMatchObject({ tls: true, host: 'h.example', port: 7000 })
  clients.close()
})

test('a queued call takes little memory of the client, and nothing once it is over', async () => {
  await cliWorker()
  const program = fileURLToPath(new URL('./heap.fixture.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', program, redis.url, queue])
  const { queued, after } = JSON.parse(stdout) as { queued: number; after: number }
  expect(queued).toBeLessThan(1_500)
  expect(after).toBeLessThan(50)
})
