// What a user's program does first, run against the packed package by scripts/pack-test.mjs.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { Engine, InProcessExecutor, task, taskContext } from 'taps-sdk'
import * as node from 'taps-sdk/node'
import { RedisConnector } from 'taps-sdk/redis'
import * as testing from 'taps-sdk/testing'

const double = task({ name: 'double' }, (x) => x * 2)
const sum = task({ name: 'sum' }, (xs) => xs.reduce((a, b) => a + b, 0))

const engine = new Engine()
const total = engine.submit(sum, engine.map(double, [1, 2, 3]))
assert.equal(await engine.submit(double, total), 24)
await engine.shutdown()

// What differs between versions of Node: each body knows its own task, and nothing outside of bodies knows any.
const limited = new Engine({ executor: new InProcessExecutor({ concurrency: 2 }) })
const ids = limited.map(
  task({ name: 'late' }, async (turns) => {
    for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve))
    return taskContext().id
  }),
  [3, 1, 2, 0],
)
assert.deepEqual(
  await ids,
  ids.map(({ info }) => info.taskId),
)
const fibonacci = async (n) => {
  if (n < 2) return n
  const [a, b] = await Promise.all([limited.submit(fibonacci, n - 1), limited.submit(fibonacci, n - 2)])
  return a + b
}
assert.equal(await limited.submit(fibonacci, 10), 55)
assert.equal(taskContext().id, '')
await limited.shutdown()

assert.ok(Object.keys(node).length > 0)
assert.ok(Object.keys(testing).length > 0)

// The packages that it needs for some of its subpaths are not installed here.
const { code, message } = await new RedisConnector({ url: 'redis://127.0.0.1:1' }).put([]).catch((error) => error)
assert.equal(code, 'MISSING_PEER', message)

const require = createRequire(import.meta.url)
assert.equal(require('taps-sdk').Engine, Engine, 'CommonJS gets the same classes')
assert.equal(require('taps-sdk/package.json').name, 'taps-sdk')
