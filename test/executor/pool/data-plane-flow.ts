// A client whose tasks pass large values on to each other, and that tells how much went through its own hands.
import { readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Engine, objectSize, proxyTransformer, type TaskFuture, type Transformer } from '../../../src/index.ts'
import { fileTransformer, ProcessPoolExecutor, SharedMemoryConnector } from '../../../src/node/index.ts'
import { RedisConnector } from '../../../src/redis/index.ts'
import { fill, size, sizes, step } from './data-plane-fault-tasks.ts'

const SIZE = 10_000_000
const COUNT = 20

const [kind, where] = process.argv.slice(2) as ['file' | 'memory' | 'redis', string]
const transformers: Record<typeof kind, () => Transformer> = {
  file: () => fileTransformer({ dir: where }),
  memory: () => proxyTransformer({ connector: new SharedMemoryConnector({ dir: where }) }),
  redis: () => proxyTransformer({ connector: new RedisConnector({ url: where }) }),
}
setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

await using engine = new Engine({
  executor: new ProcessPoolExecutor({ maxWorkers: 2 }),
  transformer: transformers[kind](),
  filter: objectSize({ minBytes: 100_000 }),
})

/** Bytes that this process has read and written, by whatever means: files, pipes, sockets. */
function moved(): number {
  const [, read, written] = /rchar: (\d+)\nwchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8')) ?? []
  return Number(read) + Number(written)
}

function memory(): number {
  gc()
  const { heapUsed, external, rss } = process.memoryUsage()
  return heapUsed + external + rss
}

/** Each task changes one byte of what the one before has made. */
function chain(length: number): Promise<number> {
  let bytes: TaskFuture<Uint8Array> = engine.submit(fill, SIZE, 1)
  for (let i = 1; i < length; i++) bytes = engine.submit(step, bytes, i)
  return engine.submit(size, bytes).result()
}

function fan(width: number): Promise<number> {
  const bytes = engine.submit(fill, SIZE / 10, 1)
  return engine
    .submit(
      sizes,
      Array.from({ length: width }, (_, i) => engine.submit(step, bytes, i)),
    )
    .result()
}

async function measured(run: (count: number) => Promise<number>): Promise<object> {
  // Once before, so that all modules are loaded, here too, and all workers there.
  await run(3)
  await engine.submit(size, new Uint8Array(SIZE / 10))
  const before = { moved: moved(), memory: memory() }
  const start = performance.now()
  const value = await run(COUNT)
  const ms = performance.now() - start
  return { value, moved: moved() - before.moved, grown: memory() - before.memory, ms }
}

const results = { chain: await measured(chain), fan: await measured(fan) }
process.stdout.write(JSON.stringify(results))
