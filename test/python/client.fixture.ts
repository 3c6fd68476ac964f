/** A program that uses Python: `hold` runs calls without an end; after that, it ends by itself, although it shuts nothing down. */
import { PythonExecutor } from '../../src/python/index.ts'
import { pythonWithBackends } from '../servers/python.ts'
import { forever, square } from './mixed-tasks.ts'

const [manner] = process.argv.slice(2)
const executor = new PythonExecutor({
  python: pythonWithBackends(),
  factory: 'concurrent.futures:ProcessPoolExecutor',
  options: { max_workers: 2 },
})
await executor.submit(square, 2)
const calls = manner === 'hold' ? [executor.submit(forever), executor.submit(forever)] : []
console.log('running')
for (const { status } of await Promise.allSettled(calls)) console.log(status)
// With another program, where the first one is gone.
console.log(await executor.submit(square, 3))
