// What clients do with keys and jobs of a queue, one step at a time.
import { randomUUID } from 'node:crypto'
import { type Job, Queue, QueueEvents, Worker } from 'bullmq'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { withWord } from '../../src/bullmq/hello.ts'
import { takeBack } from '../../src/bullmq/jobs.ts'
import { QueueNames } from '../../src/bullmq/names.ts'
import { loadPackages } from '../../src/bullmq/packages.ts'
import { getMessages, putMessages } from '../../src/bullmq/parcels.ts'
import { RedisClients } from '../../src/bullmq/redis-clients.ts'
import { HOST, LINE, PACKED, RESULTS, VALUE } from '../../src/worker/protocol.ts'
import { echo } from '../executor/pool/fault-tasks.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import { executorOn } from './support.ts'

let redis: RedisServer
let clients: RedisClients
let name: string
let names: QueueNames
let queue: Queue
beforeAll(async () => {
  redis = await startRedis()
})
beforeEach(async () => {
  name = `q-${randomUUID()}`
  names = new QueueNames('bull', name)
  const place = { url: redis.url, connectTimeout: 10_000, reconnectTimeout: 10_000, queue: name, prefix: 'bull' }
  clients = new RedisClients(await loadPackages('a test'), place, { back: () => {}, gone: () => {} })
  await clients.connect()
  queue = new Queue(name, { connection: clients.main as never })
})
afterEach(async () => {
  await queue.close()
  clients.close()
})
afterAll(() => redis.stop())

/** As a worker does it. @returns its end, with a result */
async function taken(): Promise<() => Promise<unknown>> {
  const worker = new Worker(name, null, { connection: clients.main as never, autorun: false })
  const job = (await worker.getNextJob('token')) as Job
  return async () => {
    await job.moveToCompleted('result', 'token', false)
    await worker.close(true)
  }
}

test.each([false, true])('a job that waits is taken back, and nothing of it stays (paused: %s)', async (isPaused) => {
  if (isPaused) await queue.pause()
  const { id } = await queue.add('x', {}, { jobId: 'client-1' })
  expect(await takeBack({ clients, names }, id as string)).toBe(true)
  expect(await queue.count()).toBe(0)
  expect(await queue.getJob(id as string)).toBeUndefined()
})

test('a job that runs is not taken back, nor one that has ended: its answer stays', async () => {
  const { id } = await queue.add('x', {}, { jobId: 'client-1' })
  const end = await taken()
  expect(await takeBack({ clients, names }, id as string)).toBe(false)
  await end()
  expect(await takeBack({ clients, names }, id as string)).toBe(false)
  expect((await queue.getJob(id as string))?.returnvalue).toBe('result')
})

test('messages that are put once more are there all the time', async () => {
  const messages = [{ text: 'x'.repeat(40_000_000), beside: [] }]
  await putMessages(clients, 'messages', messages, 60_000)
  const reader = createClient({ url: redis.url })
  await reader.connect()
  const lengths = new Set<number>()
  let isOver = false
  const again = putMessages(clients, 'messages', messages, 60_000).finally(() => {
    isOver = true
  })
  while (!isOver) lengths.add(await reader.lLen('messages'))
  await again
  reader.destroy()
  expect([...lengths]).toEqual([3])
  expect((await getMessages(clients, 'messages'))?.[0]?.text.length).toBe(40_000_000)
  expect(await clients.send('PTTL', 'messages')).toBeGreaterThan(0)
})

test('lines that are told early come before the result, though the answer is faster', async () => {
  const hello = JSON.stringify({ id: 'token', host: 'far-away', pid: 1, slots: 1, again: false })
  const subscriber = clients.copy()
  await subscriber.connect()
  await subscriber.subscribe(names.toWorkers, () => clients.tell('PUBLISH', names.fromWorkers, hello), true)
  const events = new QueueEvents(name, { connection: clients.main as never })
  await events.waitUntilReady()
  const worker = new Worker(name, null, { connection: clients.main as never, autorun: false })
  const executor = executorOn(redis.url, name)
  const lines: string[] = []
  executor.on('output', ({ line }) => {
    lines.push(line)
  })
  const call = executor.submit(echo, 'x').then((value) => [value, ...lines])
  let job: Job | undefined
  while (job === undefined) job = await worker.getNextJob('token')
  const messages = [[HOST, 'far-away', 'process 1'], [RESULTS, 0, 0, Date.now(), [VALUE, 10, 'x']], [PACKED]]
  const completed = new Promise((resolve) => events.once('completed', resolve))
  await job.moveToCompleted({ messages: messages.map((each) => JSON.stringify(each)), told: 1 }, 'token', false)
  await completed
  const { client, pack } = job.data as { client: string; pack: number }
  const line = JSON.stringify([LINE, 'stdout', 'early', 'echo', ''])
  await clients.send('PUBLISH', names.toClient(client), withWord(String(pack), line))
  expect(await call).toEqual(['x', 'early'])
  await executor.shutdown()
  await Promise.all([worker.close(true), events.close()])
})
