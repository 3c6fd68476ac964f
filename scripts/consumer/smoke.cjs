// A CommonJS program uses the package through require().
const assert = require('node:assert/strict')
const { Engine } = require('taps-sdk')
const { ProcessPoolExecutor, ThreadPoolExecutor } = require('taps-sdk/node')
const { double } = require('./tasks.cjs')

async function main() {
  for (const executor of [
    undefined,
    new ThreadPoolExecutor({ maxWorkers: 1 }),
    new ProcessPoolExecutor({ maxWorkers: 1 }),
  ]) {
    const engine = new Engine({ executor })
    assert.equal(await engine.submit(double, engine.submit(double, 1)), 4)
    await engine.shutdown()
  }
}

main()
