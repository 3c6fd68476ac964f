// Tasks on back ends whose packages are not installed, and on one that needs none; run against the packed package by
// scripts/pack-test.mjs, with a Python that has its standard library alone.
import assert from 'node:assert/strict'
import { Engine } from 'taps-sdk'
import { BullMQExecutor } from 'taps-sdk/bullmq'
import { DaskExecutor, PythonExecutor, pythonTask } from 'taps-sdk/python'
import { double, sum } from './tasks.mjs'

const [, , python] = process.argv

for (const [executor, line] of [
  [new BullMQExecutor({ connection: { url: 'redis://127.0.0.1:1' }, queue: 'smoke' }), /npm install bullmq/],
  [new DaskExecutor({ python }), /pip install .*distributed/],
]) {
  const { code, message } = await Promise.resolve(executor.submit(double, 1)).catch((error) => error)
  assert.equal(code, 'MISSING_PEER', message)
  assert.match(message, line)
  await executor.shutdown()
}

const executor = new PythonExecutor({
  python,
  factory: 'concurrent.futures:ProcessPoolExecutor',
  options: { max_workers: 1 },
})
const engine = new Engine({ executor })
const mean = pythonTask('statistics:mean')
assert.equal(await engine.submit(sum, engine.map(double, [1, 2, 3])), 12)
assert.equal(await engine.submit(double, engine.submit(mean, [1, 2, 3])), 4)
await engine.shutdown()
