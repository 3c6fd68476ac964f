// What a user's program does first, run against the packed package by scripts/pack-test.mjs.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { Engine, task } from 'taps-sdk'
import * as node from 'taps-sdk/node'
import * as testing from 'taps-sdk/testing'

const double = task({ name: 'double' }, (x) => x * 2)
const sum = task({ name: 'sum' }, (xs) => xs.reduce((a, b) => a + b, 0))

const engine = new Engine()
const total = engine.submit(sum, engine.map(double, [1, 2, 3]))
assert.equal(await engine.submit(double, total), 24)
await engine.shutdown()

assert.ok(Object.keys(node).length > 0)
assert.ok(Object.keys(testing).length > 0)

const require = createRequire(import.meta.url)
assert.equal(require('taps-sdk').Engine, Engine, 'CommonJS gets the same classes')
assert.equal(require('taps-sdk/package.json').name, 'taps-sdk')
