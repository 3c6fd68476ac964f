/** What becomes of stored values when a worker, or the client, ends in the middle, or the disk is full. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Engine, WorkerCrashedError } from '../../../src/index.ts'
import { fileTransformer, ProcessPoolExecutor, removeLeftovers } from '../../../src/node/index.ts'
import { dieStoring, fill, size, step } from './data-plane-fault-tasks.ts'

const NODE = process.execPath
const client = fileURLToPath(new URL('data-plane-client.ts', import.meta.url))

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'taps-sdk-crash-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

test('a worker that is killed while it stores fails that task; the others have their values', async () => {
  const engine = new Engine({
    executor: new ProcessPoolExecutor({ maxWorkers: 2 }),
    transformer: fileTransformer({ dir }),
  })
  const bytes = engine.submit(fill, 100_000, 1)
  await bytes.exception()
  const killed = engine.submit(dieStoring)
  const after = engine.submit(size, engine.submit(step, bytes, 3))
  expect(await killed.exception()).toBeInstanceOf(WorkerCrashedError)
  expect(await after).toBe(100_000)
  expect(await engine.submit(dieStoring.with({ retries: 1 })).exception()).toBeInstanceOf(WorkerCrashedError)
  expect(await engine.submit(size, bytes)).toBe(100_000)
  await engine.shutdown()
  expect(readdirSync(dir)).toEqual([])
})

test('a client that is killed leaves what can be told from what is in use, and removed', async () => {
  const engine = new Engine({
    executor: new ProcessPoolExecutor({ maxWorkers: 1 }),
    transformer: fileTransformer({ dir }),
  })
  const inUse = engine.submit(fill, 5_000, 1)
  await inUse.exception()
  const trace = join(dir, 'trace')
  const child = spawn(NODE, [client, 'die', dir, trace], { stdio: 'inherit' })
  const [, signal] = await once(child, 'exit')
  expect(signal).toBe('SIGKILL')
  const worker = Number(readFileSync(trace, 'utf8'))
  await until(() => !isAlive(worker))
  const removed = removeLeftovers({ dir })
  expect(removed).toHaveLength(1)
  expect(removed[0]).toContain(`-${child.pid}-`)
  expect(await engine.submit(size, inUse)).toBe(5_000)
  await engine.shutdown()
  expect(readdirSync(dir)).toEqual(['trace'])
})

test('a disk that is full fails the tasks whose values are too large, on both sides', async () => {
  // 512 bytes each.
  const limited = spawn('sh', ['-c', 'ulimit -f 2000; exec "$@"', 'sh', NODE, client, 'full', dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const chunks: Buffer[] = []
  for await (const chunk of limited.stdout) chunks.push(chunk)
  const { argument, result, others } = JSON.parse(Buffer.concat(chunks).toString())
  expect(argument).toMatch(/^TransformError: Argument 0 of task size could not be transformed: Cannot write .*EFBIG/)
  expect(result).toMatch(/^TransformError: The result of task fill could not be transformed: Cannot write .*EFBIG/)
  expect(others).toEqual([50_000, 2])
  expect(readdirSync(dir)).toEqual([])
})

/** For what no event tells. */
async function until(isIt: () => boolean): Promise<void> {
  while (!isIt()) await new Promise((resolve) => setTimeout(resolve, 5))
}

function isAlive(id: number): boolean {
  try {
    return process.kill(id, 0)
  } catch {
    return false
  }
}
