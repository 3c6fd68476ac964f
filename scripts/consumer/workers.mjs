// Tasks that leave the process, run against the packed package by scripts/pack-test.mjs.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Engine, NotShippableError, objectSize, proxyTransformer } from 'taps-sdk'
import { fileTransformer, ProcessPoolExecutor, SharedMemoryConnector, ThreadPoolExecutor } from 'taps-sdk/node'
import { count, double, fail, place, range, sum } from './tasks.mjs'

for (const [Pool, where] of [
  [ThreadPoolExecutor, 'thread'],
  [ProcessPoolExecutor, 'process'],
]) {
  const engine = new Engine({ executor: new Pool({ maxWorkers: 1 }) })
  assert.equal(await engine.submit(place, process.pid), where)
  assert.equal(await engine.submit(sum, engine.map(double, [1, 2, 3])), 12)
  assert.deepEqual(await engine.submit(double, 21), 42)
  await assert.rejects(Promise.resolve(engine.submit(fail, 'on purpose')), (error) => {
    assert.ok(error instanceof RangeError)
    assert.equal(error.code, 'E_SMOKE')
    assert.match(error.stack, /tasks\.mjs/)
    return true
  })
  assert.deepEqual(
    [await engine.submit(count), await engine.submit(count)],
    [
      [1, 1],
      [1, 2],
    ],
  )
  await assert.rejects(Promise.resolve(engine.submit((x) => x, 1)), NotShippableError)
  await engine.shutdown()
}

// Values by reference: workers make filters, transformers and connectors for themselves, from the package.
const dir = mkdtempSync(join(tmpdir(), 'taps-sdk-consumer-'))
for (const [executor, transformer] of [
  [new ProcessPoolExecutor({ maxWorkers: 1 }), fileTransformer({ dir })],
  [new ProcessPoolExecutor({ maxWorkers: 1 }), proxyTransformer({ connector: new SharedMemoryConnector() })],
  [
    new ThreadPoolExecutor({ maxWorkers: 1 }),
    proxyTransformer({ connector: new SharedMemoryConnector({ between: 'threads' }) }),
  ],
]) {
  const engine = new Engine({ executor, transformer, filter: objectSize({ minBytes: 100 }) })
  const list = engine.submit(range, 1_000)
  assert.equal(await engine.submit(sum, list), 499_500)
  assert.equal((await list).length, 1_000)
  assert.equal(list.info.bytes > 100, true)
  await engine.shutdown()
}
rmSync(dir, { recursive: true })
