// A client with values in files: one that is killed in the middle, or one whose disk is full.
import { watch } from 'node:fs'
import { dirname } from 'node:path'
import { Engine, objectSize } from '../../../src/index.ts'
import { fileTransformer, ProcessPoolExecutor } from '../../../src/node/index.ts'
import { fill, size, small, waitForEver } from './data-plane-fault-tasks.ts'

const [what, dir, trace] = process.argv.slice(2) as [string, string, string]
const engine = new Engine({
  executor: new ProcessPoolExecutor({ maxWorkers: 1 }),
  transformer: fileTransformer({ dir }),
  filter: objectSize({ minBytes: 1_000 }),
})

if (what === 'die') {
  watch(dirname(trace), (_, name) => {
    if (name === 'trace') process.kill(process.pid, 'SIGKILL')
  })
  await engine.submit(waitForEver, trace, engine.submit(fill, 5_000, 1))
} else {
  const failures = [engine.submit(size, new Uint8Array(4_000_000)), engine.submit(fill, 4_000_000, 1)]
  const [argument, result] = await Promise.all(failures.map((future) => future.exception()))
  const others = [await engine.submit(size, engine.submit(fill, 50_000, 1)), await engine.submit(small, 1)]
  await engine.shutdown()
  process.stdout.write(JSON.stringify({ argument: `${argument}`, result: `${result}`, others }))
}
