// What clients do with keys and jobs of a queue, one step at a time.
import { randomUUID } from 'node:crypto'
import { type Job, Queue, Worker } from 'bullmq'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { takeBack } from '../../src/bullmq/jobs.ts'
import { QueueNames } from '../../src/bullmq/names.ts'
import { loadPackages } from '../../src/bullmq/packages.ts'
import { getMessages, putMessages } from '../../src/bullmq/parcels.ts'
import { RedisClients } from '../../src/bullmq/redis-clients.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'

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
