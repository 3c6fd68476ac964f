// Tasks that leave the process, run against the packed package by scripts/pack-test.mjs.
import assert from 'node:assert/strict'
import { Engine, NotShippableError } from 'taps-sdk'
import { ProcessPoolExecutor, ThreadPoolExecutor } from 'taps-sdk/node'
import { count, double, fail, place, sum } from './tasks.mjs'

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
