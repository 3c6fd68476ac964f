// Tasks on workers that were started apart, any number of them, on any machine that reaches the same Redis:
//   npx taps-sdk worker --redis redis://localhost --queue primes --module examples/queue/tasks.ts
import { parseArgs } from 'node:util'
import { Engine, MemoryRecordLogger, type TaskInfo } from 'taps-sdk'
import { BullMQExecutor } from 'taps-sdk/bullmq'
import { isProgram } from '../is-program.ts'
import { add, countPrimes } from './tasks.ts'

const BELOW = 1_000_000
const STEP = 10_000

/** @returns how many primes there are */
export async function main(args: readonly string[] = []): Promise<number> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({ args: [...args], options: { redis: text, queue: text } })
  const { redis = process.env.TAPS_SDK_REDIS ?? 'redis://localhost', queue = 'primes' } = values
  const executor = new BullMQExecutor({ connection: redis, queue })
  const recordLogger = new MemoryRecordLogger()
  await using engine = new Engine({ executor, recordLogger })

  // Without it calls would wait for as long as it takes.
  await executor.workersReady({ timeout: 60_000 })
  const firsts = Array.from({ length: BELOW / STEP }, (_, i) => i * STEP)
  const counts = engine.map(
    countPrimes,
    firsts,
    firsts.map((first) => first + STEP),
  )
  const primes = await engine.submit(add, counts)
  console.log(`There are ${primes} primes below ${BELOW}.`)
  for (const [worker, tasks] of byWorker(recordLogger.records)) console.log(`${tasks} tasks ran on ${worker}`)
  return primes
}

/** What `main()` has to return. */
export const expected = 78_498

function byWorker(records: readonly TaskInfo[]): Map<string, number> {
  const workers = new Map<string, number>()
  for (const { host, worker } of records) {
    const name = `${host}, ${worker}`
    workers.set(name, (workers.get(name) ?? 0) + 1)
  }
  return workers
}

if (isProgram(import.meta.url)) await main(process.argv.slice(2))
