import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BullMQExecutor, startWorker } from '../../src/bullmq/index.ts'
import { ConfigError, ExecutorShutdownError } from '../../src/index.ts'
import { echo, place } from '../executor/pool/fault-tasks.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import { executorOn, FAULT_TASKS, ROOT } from './support.ts'

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

test.for<[object, RegExp]>([
  [{}, /BullMQExecutor takes \{ connection \}/],
  [{ connection: 'http://:secret@host' }, /BullMQExecutor takes \{ connection \}/],
  [{ connection: 'redis://host' }, /BullMQExecutor takes \{ queue \}/],
  [{ connection: { url: 'redis://host', tls: true }, queue: 'q' }, /connection has no option "tls"/],
  [
    { connection: { url: 'redis://host', connectTimeout: -1 }, queue: 'q' },
    /connection\.connectTimeout takes milliseconds/,
  ],
  [{ connection: 'redis://host', queue: 'a b' }, /queue takes letters, digits/],
  [{ connection: 'redis://host', queue: 'q', workers: -1 }, /workers takes a whole number of at least 0/],
  [{ connection: 'redis://host', queue: 'q', wrokers: 1 }, /has no option "wrokers"/],
  [{ connection: 'redis://host', queue: 'q', root: './no-such-folder' }, /there is no folder .*no-such-folder/],
])('wrong options are refused: %j', ([options, message]) => {
  const make = (): unknown => new BullMQExecutor(options as never)
  expect(make).toThrow(ConfigError)
  expect(make).toThrow(message)
  expect(make).not.toThrow(/secret/)
})

test('a worker in this process runs tasks in processes of their own, and all end with it', async () => {
  const options = { connection: redis.url, queue: 'here', modules: [FAULT_TASKS], root: ROOT, workers: 1 }
  const worker = await startWorker(options)
  const exited = new Promise((resolve) => worker.on('workerExited', (_, how) => resolve(how)))
  const pool = executorOn(redis.url, 'here')
  expect(await pool.submit(place)).not.toBe(process.pid)
  await pool.shutdown()
  await worker.close()
  expect(await exited).toBe('exited with code 0')
})

test('warmup waits for workers, and has them import the modules', async () => {
  const pool = executorOn(redis.url, 'warm', { workers: 2 })
  await pool.warmup(echo)
  await pool.workersReady({ slots: 2, timeout: 60_000 })
  expect(await pool.submit(echo, 1)).toBe(1)
  await pool.shutdown()
})

test('whoever waits for workers is told when the executor is shut down', async () => {
  const pool = executorOn(redis.url, 'nobody')
  const waiting = pool.workersReady({ slots: 1 }).catch((error: Error) => error)
  await Promise.resolve()
  await pool.shutdown()
  expect(await waiting).toBeInstanceOf(ExecutorShutdownError)
})

test('executors are shut down that wait for a server which never answers, though others go on waiting', async () => {
  const connected: Socket[] = []
  const silent = createServer((socket) => connected.push(socket)).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  const connection = { url: `redis://127.0.0.1:${port}`, connectTimeout: Infinity }
  const pools = [executorOn('', 'silent', { connection }), executorOn('', 'silent', { connection })]
  const ready = pools.map((pool) => pool.warmup().catch((error: Error) => error))
  await once(silent, 'connection')
  for (const pool of pools) await pool.shutdown()
  for (const each of ready) expect(await each).toBeInstanceOf(ExecutorShutdownError)
  // Nobody holds the connection any more.
  if (connected[0]?.closed === false) await once(connected[0].resume(), 'close')
  silent.close()
})

const READY = fileURLToPath(new URL('./ready.fixture.ts', import.meta.url))

test('a program that waits for more workers than there are stays, and ends when they are there', async () => {
  const options = { connection: redis.url, queue: 'more', modules: [FAULT_TASKS], root: ROOT, workers: 1 }
  const workers = [await startWorker(options)]
  const program = spawn(process.execPath, [READY, redis.url, 'more', '2', 'Infinity'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: string[] = []
  for await (const line of createInterface({ input: program.stdout })) {
    lines.push(line)
    if (lines.length === 1) workers.push(await startWorker(options))
  }
  expect(lines).toEqual(['a worker', 'a worker', 'ready'])
  await Promise.all(workers.map((worker) => worker.close()))
})

test('a program whose patience with workers has ended is not held by them', async () => {
  const args = [READY, redis.url, 'nowhere', '1', '50']
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 })
  expect(stdout).toBe('TimeoutError\n')
})

test.each([
  ['a program ends although its executor was not shut down', [], 'done\n'],
  ['a shutdown leaves nothing behind that the program would have to wait for', ['shutdown'], 'done\n[]\n'],
])('%s', async (_, args, output) => {
  const options = { connection: redis.url, queue: 'idle', modules: [FAULT_TASKS], root: ROOT, workers: 1 }
  const worker = await startWorker(options)
  const program = fileURLToPath(new URL('./idle.fixture.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [program, redis.url, ...args], { timeout: 60_000 })
  expect(stdout).toBe(output)
  await worker.close()
})
