import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Queue } from 'bullmq'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { BullMQExecutor, BullMQExecutorOptions } from '../../src/bullmq/index.ts'
import { CancelledError, Engine, SerializationError, TaskNotFoundError, WorkerCrashedError } from '../../src/index.ts'
import { add } from '../../src/testing/contract-tasks.ts'
import { echo, hold, run, size, socket, untilAborted } from '../executor/pool/fault-tasks.ts'
import { chatter } from '../executor/pool/output-tasks.ts'
import { numbers, Scratch, twice } from '../executor/pool/scratch.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import { type CliWorker, executorOn, FAULT_TASKS, startCliWorker } from './support.ts'

const failure = (promise: PromiseLike<unknown>): Promise<Error> =>
  Promise.resolve(promise).then(
    () => {
      throw new Error('it did not fail')
    },
    (error) => error,
  )

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function worker(url: string, queue: string, ...more: string[]): Promise<CliWorker> {
  const started = await startCliWorker(url, queue, '--module', FAULT_TASKS, ...more)
  cleanups.push(async () => {
    started.child.kill('SIGKILL')
    await started.ended
  })
  return started
}

function executor(url: string, queue: string, more?: Partial<BullMQExecutorOptions>): BullMQExecutor {
  const made = executorOn(url, queue, more)
  cleanups.push(() => made.shutdown({ cancelFutures: true }))
  return made
}

describe('with a server that is well', () => {
  let redis: RedisServer
  let client: ReturnType<typeof createClient>
  let scratch: Scratch
  let queue: string

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
  afterAll(async () => {
    client.destroy()
    await redis.stop()
  })

  test('the call that ran in a worker which was killed fails, with the names of worker and machine; what has retries runs again', async () => {
    const [trace, gate] = [scratch.path(), scratch.path()]
    const first = await worker(redis.url, queue)
    const engine = new Engine({ executor: executor(redis.url, queue) })
    const killed = engine.submit(hold, trace, 'a', gate)
    await scratch.written(trace, 'a')
    const second = await worker(redis.url, queue)
    const again = engine.submit(hold.with({ retries: 1 }), trace, 'b', gate)
    await scratch.written(trace, 'b')
    second.child.kill('SIGKILL')
    first.child.kill('SIGKILL')
    const error = await failure(killed)
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect(error.message).toMatch(/^The worker that had hold has not been heard of for \d+ ms/)
    expect(error.message).toContain(`(process ${first.pid} on ${hostname()})`)
    scratch.open(gate)
    await worker(redis.url, queue)
    expect(await again).toBe('b')
    expect(scratch.lines(trace)).toEqual(['a', 'b', 'b'])
  })

  test('a task that ends its process fails alone, and is named', async () => {
    const trace = scratch.path()
    await worker(redis.url, queue)
    const pool = executor(redis.url, queue)
    const calls = numbers(20).map((i) => pool.submit(run, trace, i, i === 7 ? 'exit' : 'none'))
    const error = await failure(calls[7] as PromiseLike<unknown>)
    expect(error.message).toMatch(/^The worker that ran run exited with code 3 \(process \d+ on /)
    expect(await Promise.all(calls.filter((_, i) => i !== 7))).toEqual(numbers(20).filter((i) => i !== 7))
    expect(twice(scratch.lines(trace))).toEqual([])
  })

  test('calls wait until there is a worker', async () => {
    const pool = executor(redis.url, queue)
    const call = pool.submit(echo, 'at last')
    const late = await failure(pool.workersReady({ timeout: 50 }))
    expect(late.message).toBe('There were no workers for 1 calls within 50 ms')
    await worker(redis.url, queue)
    await pool.workersReady({ timeout: 60_000 })
    expect(await call).toBe('at last')
  })

  test('a task of a module that no worker was started with is told apart from others', async () => {
    await worker(redis.url, queue)
    const pool = executor(redis.url, queue)
    const error = await failure(pool.submit(add, 1, 2))
    expect(error).toBeInstanceOf(TaskNotFoundError)
    expect(error.message).toMatch(
      /^Task contract\.add is in the module \.\/src\/testing\/contract-tasks\.ts, which this worker was not started with; it has .*\.\/test\/executor\/pool\/fault-tasks\.ts/,
    )
    expect(await pool.submit(echo, 1)).toBe(1)
  })

  test('what cannot travel fails with its path, and large values travel, leaving nothing behind', async () => {
    await worker(redis.url, queue)
    const pool = executor(redis.url, queue)
    const error = await failure(pool.submit(socket))
    expect(error).toBeInstanceOf(SerializationError)
    expect(error.message).toContain('config.socket')
    const large = new Uint8Array(40_000_000).fill(7)
    expect(await pool.submit(size, large)).toBe(40_000_000)
    const back = (await pool.submit(echo, large)) as Uint8Array
    expect([back.length, back[39_999_999]]).toEqual([40_000_000, 7])
    await pool.shutdown()
    const keys = await client.keys(`bull:${queue}:*`)
    expect(keys.filter((key) => key.includes('taps-sdk') || /-\d+$/.test(key))).toEqual([])
  })

  test('what tasks write arrives, also megabytes of it', async () => {
    await worker(redis.url, queue, '--module', 'test/executor/pool/output-tasks.ts')
    const pool = executor(redis.url, queue)
    let lines = 0
    pool.on('output', () => {
      lines++
    })
    await pool.submit(chatter, 100_000)
    expect(lines).toBe(100_000)
  })

  test('a body is told when its call is cancelled', async () => {
    const trace = scratch.path()
    await worker(redis.url, queue)
    const pool = executor(redis.url, queue)
    const call = pool.submit(untilAborted, trace)
    await scratch.written(trace, 'begun')
    call.cancel()
    expect(await failure(call)).toBeInstanceOf(CancelledError)
    expect(await pool.submit(echo, 'next')).toBe('next')
  })

  test('calls that wait in the queue are taken back from it', async () => {
    const [trace, gate] = [scratch.path(), scratch.path()]
    await worker(redis.url, queue)
    const [one, other] = [executor(redis.url, queue), executor(redis.url, queue)]
    const running = one.submit(hold, trace, 'one', gate)
    await scratch.written(trace, 'one')
    const waiting = other.submit(hold, trace, 'other', gate)
    while ((await client.lLen(`bull:${queue}:wait`)) === 0) await pauseFor(5)
    waiting.cancel()
    expect(await failure(waiting)).toBeInstanceOf(CancelledError)
    while ((await client.lLen(`bull:${queue}:wait`)) > 0) await pauseFor(5)
    scratch.open(gate)
    expect(await running).toBe('one')
    expect(scratch.lines(trace)).toEqual(['one'])
  })

  test('a worker that is told to end lets running calls end, gives back the others, and is gone', async () => {
    const [trace, gate] = [scratch.path(), scratch.path()]
    const first = await worker(redis.url, queue)
    const pool = executor(redis.url, queue)
    // Known as short ones, so that the next pack has many.
    await Promise.all(numbers(100).map((i) => pool.submit(run, trace, `w${i}`)))
    const held = pool.submit(hold, trace, 'held', gate)
    const rest = numbers(50).map((i) => pool.submit(run, trace, i))
    await scratch.written(trace, 'held')
    first.child.kill('SIGTERM')
    await worker(redis.url, queue)
    expect(await Promise.all(rest)).toEqual(numbers(50))
    scratch.open(gate)
    expect(await held).toBe('held')
    expect(await first.ended).toBe(0)
    expect(twice(scratch.lines(trace))).toEqual([])
  })

  test('two clients on one queue get their own results', async () => {
    await Promise.all([worker(redis.url, queue), worker(redis.url, queue)])
    const pools = [executor(redis.url, queue), executor(redis.url, queue)]
    const all = await Promise.all(
      pools.map((pool, p) => Promise.all(numbers(2_000).map((i) => pool.submit(echo, p * 10_000 + i)))),
    )
    expect(all).toEqual([numbers(2_000), numbers(2_000).map((i) => 10_000 + i)])
  })

  test('a job that makes no sense fails, and the worker goes on', async () => {
    await worker(redis.url, queue)
    const raw = new Queue(queue, { connection: client as never })
    cleanups.push(() => raw.close())
    const jobs = await raw.addBulk([
      { name: 'x', data: { hello: 1 } },
      { name: 'x', data: { protocol: 1, client: '../../etc', pack: 1, calls: 1, text: '[30]' } },
      { name: 'x', data: { protocol: 1, client: 'nobody', pack: 1, calls: 1, text: '[3]' } },
      { name: 'x', data: { protocol: 1, client: 'nobody', pack: 2, calls: 1, text: 'no json' } },
      { name: 'x', data: { protocol: 1, client: 'nobody', pack: 3, calls: 1, text: '[30,"nobody",[7,1,1,[]],[]]' } },
      { name: 'x', data: { protocol: 1, client: 'nobody', pack: 4, calls: 1 } },
      { name: 'x', data: JSON.parse('{"__proto__":{"protocol":1,"client":"a","pack":1,"calls":1,"text":"[30]"}}') },
      { name: 'x', data: { protocol: 1, client: 'nobody', pack: 1e99, calls: 1, text: '[30]' } },
      { name: 'x', data: { protocol: 1, client: 'nobody', pack: 5, calls: 1, text: 'x'.repeat(30_000_000) } },
      { name: 'x', data: 'text' },
      { name: 'x', data: null },
    ])
    expect(await executor(redis.url, queue).submit(echo, 'still there')).toBe('still there')
    const states = await Promise.all(jobs.map((job) => job.getState()))
    expect(states.filter((state) => state === 'waiting' || state === 'active')).toEqual([])
    const other = await raw.add('x', { protocol: 2, client: 'nobody', pack: 5, calls: 1, text: '[30]' })
    await expect.poll(() => other.getState()).toBe('failed')
    expect((await raw.getJob(other.id as string))?.failedReason).toMatch(/worker speaks protocol 1 .*the client 2/)
  })

  test('a hundred thousand calls leave the server small', async () => {
    await Promise.all([worker(redis.url, queue), worker(redis.url, queue)])
    const engine = new Engine({ executor: executor(redis.url, queue), history: 0 })
    let most = 0
    const look = async (): Promise<void> => {
      most = Math.max(most, await client.dbSize())
    }
    const futures = engine.map(echo, numbers(100_000))
    const looks = setInterval(() => void look(), 50)
    cleanups.push(() => clearInterval(looks))
    await futures
    clearInterval(looks)
    expect(most).toBeLessThan(300)
  })
})

test('with the server away the first call fails in time, with its address', async () => {
  const redis = await startRedis()
  await redis.stop()
  const pool = executor(redis.url, 'q', { connection: { url: redis.url, connectTimeout: 300 } })
  const error = await failure(pool.submit(echo, 1))
  expect(error.message).toBe(
    `Redis at 127.0.0.1:${redis.port} cannot be reached for 300 ms (ECONNREFUSED): is it running, and is the address in connection right?`,
  )
})

test('with patience the first call waits for its server', async () => {
  const gone = await startRedis()
  await gone.stop()
  const pool = executor(gone.url, 'q', { connection: { url: gone.url, connectTimeout: Infinity } })
  const call = pool.submit(echo, 1)
  const redis = await startRedis({ port: gone.port })
  cleanups.push(() => redis.stop())
  await worker(redis.url, 'q')
  expect(await call).toBe(1)
})

test('after a restart of the server, which keeps what it has, everything goes on', async () => {
  const scratch = new Scratch()
  const folder = mkdtempSync(join(tmpdir(), 'taps-sdk-redis-kept-'))
  cleanups.push(() => {
    scratch.remove()
    rmSync(folder, { recursive: true })
  })
  const args = ['--dir', folder, '--appendonly', 'yes', '--appendfsync', 'always']
  const first = await startRedis({ args })
  const [trace, gate] = [scratch.path(), scratch.path()]
  await worker(first.url, 'q')
  const pool = executor(first.url, 'q')
  const other = executor(first.url, 'q')
  const running = pool.submit(hold, trace, 'running', gate)
  await scratch.written(trace, 'running')
  const waiting = numbers(5).map((i) => other.submit(run, trace, i))
  await first.stop()
  const while_ = numbers(5).map((i) => pool.submit(run, trace, 10 + i))
  scratch.open(gate)
  const again = await startRedis({ args, port: first.port })
  cleanups.push(() => again.stop())
  expect(await running).toBe('running')
  expect(await Promise.all([...waiting, ...while_])).toEqual([...numbers(5), ...numbers(5).map((i) => 10 + i)])
  expect(twice(scratch.lines(trace))).toEqual([])
})

test('a server that has forgotten everything is told, and nothing hangs', async () => {
  const scratch = new Scratch()
  cleanups.push(() => scratch.remove())
  const first = await startRedis()
  const [trace, gate] = [scratch.path(), scratch.path()]
  await worker(first.url, 'q')
  const pool = executor(first.url, 'q')
  const running = pool.submit(hold, trace, 'running', gate)
  await scratch.written(trace, 'running')
  await first.stop()
  const again = await startRedis({ port: first.port })
  cleanups.push(() => again.stop())
  expect((await failure(running)).message).toContain('lost its job, which was removed')
  scratch.open(gate)
  expect(await pool.submit(echo, 'next')).toBe('next')
})

function pauseFor(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
