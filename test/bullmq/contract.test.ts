import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Engine } from '../../src/index.ts'
import { executorContract } from '../../src/testing/index.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import { type CliWorker, executorOn, startCliWorker } from './support.ts'

let redis: RedisServer
let workers: CliWorker[]

beforeAll(async () => {
  redis = await startRedis()
  const start = (): Promise<CliWorker> =>
    startCliWorker(redis.url, 'contract', '--module', 'src/testing/contract-tasks.ts')
  workers = await Promise.all([start(), start()])
})

afterAll(async () => {
  for (const { child, ended } of workers) {
    child.kill('SIGTERM')
    await ended
  }
  await redis.stop()
})

describe('BullMQExecutor with two worker processes', () => {
  executorContract({ test, expect }, { create: () => executorOn(redis.url, 'contract') })
})

describe('Engine on BullMQExecutor', () => {
  executorContract({ test, expect }, { create: () => new Engine({ executor: executorOn(redis.url, 'contract') }) })
})

describe('BullMQExecutor with a worker of its own', () => {
  executorContract({ test, expect }, { create: () => executorOn(redis.url, 'own', { workers: 1 }) })
})
