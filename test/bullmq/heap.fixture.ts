// Tells how many bytes a call takes while it waits, and what is left of it in the end.
import { Engine } from '../../src/index.ts'
import { echo } from '../executor/pool/fault-tasks.ts'
import { executorOn } from './support.ts'

const CALLS = 100_000
const { gc } = globalThis as unknown as { gc: () => void }
const [, , url, queue] = process.argv as [string, string, string, string]
const engine = new Engine({ executor: executorOn(url, queue), history: 0 })
await engine.map(
  echo,
  Array.from({ length: 1_000 }, (_, i) => i),
)

const heap = async (): Promise<number> => {
  for (let i = 0; i < 3; i++) {
    gc()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return process.memoryUsage().heapUsed
}

const before = await heap()
let futures: Promise<unknown>[] = []
for (let i = 0; i < CALLS; i++) futures.push(Promise.resolve(engine.submit(echo, i)))
gc()
const queued = (process.memoryUsage().heapUsed - before) / CALLS
await Promise.all(futures)
futures = []
const after = ((await heap()) - before) / CALLS
console.log(JSON.stringify({ queued, after }))
await engine.shutdown()
