// A worker of BullMQ itself, in a process of its own: node bullmq.mjs <url> <queue>
import { Worker } from 'bullmq'
import { createClient } from 'redis'

const CONCURRENCY = 50

const [url = '', queue = ''] = process.argv.slice(2)
const connection = createClient({ url, RESP: 2 })
await connection.connect()
const worker = new Worker(queue, async ({ data }) => data, {
  connection,
  concurrency: CONCURRENCY,
  removeOnComplete: { count: 0 },
})
await worker.waitUntilReady()
console.error('The worker is ready')
