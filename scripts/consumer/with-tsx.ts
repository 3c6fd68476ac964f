// A TypeScript program that tsx runs, with workers.
import assert from 'node:assert/strict'
import { Engine } from 'taps-sdk'
import { ProcessPoolExecutor, ThreadPoolExecutor } from 'taps-sdk/node'
import { double } from './tasks.js'

for (const Pool of [ThreadPoolExecutor, ProcessPoolExecutor]) {
  const engine = new Engine({ executor: new Pool({ maxWorkers: 1 }) })
  assert.equal(await engine.submit(double, engine.submit(double, 1)), 4)
  await engine.shutdown()
}
