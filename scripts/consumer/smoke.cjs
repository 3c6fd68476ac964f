// A CommonJS program uses the package through require().
const assert = require('node:assert/strict')
const { Engine, task } = require('taps-sdk')

const double = task({ name: 'double' }, (x) => x * 2)
const engine = new Engine()
engine.submit(double, engine.submit(double, 1)).then(async (value) => {
  assert.equal(value, 4)
  await engine.shutdown()
})
