// The same programs wherever tasks can run, for real; each back end starts once.
import { join } from 'node:path'
import { Engine } from 'taps-sdk'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { main as mixed, expected as mixedExpected } from '../../examples/mixed/main.ts'
import { main as queue, expected as queueExpected } from '../../examples/queue/main.ts'
import type { SyntheticOptions } from '../../examples/synthetic/options.ts'
import { runSynthetic } from '../../examples/synthetic/synthetic.ts'
import { createExecutor, type Where } from '../../examples/where.ts'
import { listFolder } from '../../examples/word-count/folder.ts'
import { mostFrequent, wordCount } from '../../examples/word-count/word-count.ts'
import { type CliWorker, startCliWorker } from '../bullmq/support.ts'
import { pythonWithBackends } from '../servers/python.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import { run } from './child.ts'

/** A cluster takes its time to start, on a busy machine. */
const folder = join(import.meta.dirname, '../../docs')
const small: Omit<SyntheticOptions, 'structure'> = {
  taskCount: 8,
  taskDataBytes: 1_000,
  taskSleep: 2,
  bagMaxRunning: 4,
}

/** What the word count and the synthetic application come to. */
async function outcome(where: Where): Promise<object> {
  await using engine = new Engine({ executor: createExecutor(where) })
  const { texts } = await listFolder(folder)
  const { words, ...counts } = await wordCount(engine, texts)
  const tasks: number[] = []
  for (const structure of ['bag', 'diamond', 'reduce', 'sequential'] as const)
    tasks.push((await runSynthetic(engine, { ...small, structure })).tasks)
  return { ...counts, words: mostFrequent(words, words.size), tasks }
}

/** Keeps what an example prints. */
function capture(): () => string {
  const log = vi.spyOn(console, 'log').mockReturnValue()
  return () => {
    const text = log.mock.calls.flat().join('\n')
    log.mockRestore()
    return text
  }
}

let inProcess: object
beforeAll(async () => {
  inProcess = await outcome({})
})

describe('on Python', () => {
  const python = pythonWithBackends()

  test.each(['python-pool', 'dask', 'ray', 'parsl'] as const)(
    'the word count and the synthetic application come to the same on %s',
    async (executor) => {
      expect(await outcome({ executor, python, workers: 2 })).toEqual(inProcess)
    },
  )

  test('a graph of tasks in TypeScript and in Python, with NumPy', async () => {
    const printed = capture()
    expect(await mixed(['--python', python, '--workers', '1'])).toBe(mixedExpected)
    expect(printed()).toMatch(/NumPy [\d.]+ is there\n 1 .*\na table of 11 × 11 float64$/s)
  })
})

describe('on a queue', () => {
  let redis: RedisServer
  let workers: CliWorker[]

  beforeAll(async () => {
    redis = await startRedis()
    const modules = ['word-count', 'synthetic', 'queue'].flatMap((name) => ['--module', `examples/${name}/tasks.ts`])
    const start = (): Promise<CliWorker> => startCliWorker(redis.url, 'examples', ...modules)
    workers = await Promise.all([start(), start()])
  })

  afterAll(async () => {
    for (const { child } of workers) child.kill('SIGTERM')
    await Promise.all(workers.map(({ ended }) => ended))
    await redis.stop()
  })

  test('the word count and the synthetic application come to the same on two worker processes', async () => {
    const where = { executor: 'bullmq', redis: redis.url, queue: 'examples', workers: 0 } as const
    expect(await outcome(where)).toEqual(inProcess)
  })

  test('primes are counted, and records tell by which workers', async () => {
    const printed = capture()
    expect(await queue(['--redis', redis.url, '--queue', 'examples'])).toBe(queueExpected)
    const counts = [...printed().matchAll(/^(\d+) tasks ran on .+, process \d+$/gm)].map(([, count]) => Number(count))
    expect(counts.reduce((a, b) => a + b, 0)).toBe(101)
  })

  test('the command line starts workers of its own', async () => {
    const where = ['--executor', 'bullmq', '--redis', redis.url, '--queue', 'own', '--workers', '1']
    const args = ['--structure', 'reduce', '--task-count', '5', ...where]
    const { code, stdout, stderr } = await run(join(import.meta.dirname, '../../examples/synthetic/main.ts'), args)
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^reduce {6}6 tasks in /)
  })
})
