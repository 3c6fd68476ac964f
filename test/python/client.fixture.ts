/** A program that uses Python: `hold` runs calls without an end; after that, it ends by itself, although it shuts nothing down. */
import { DaskExecutor, type PackExecutor, ParslExecutor, PythonExecutor, RayExecutor } from '../../src/python/index.ts'
import { pythonWithBackends } from '../servers/python.ts'
import { forever, square } from './mixed-tasks.ts'

const [manner, name = '', scheduler] = process.argv.slice(2)
const python = pythonWithBackends()
const makers: Readonly<Record<string, () => PackExecutor>> = {
  pool: () =>
    new PythonExecutor({ python, factory: 'concurrent.futures:ProcessPoolExecutor', options: { max_workers: 2 } }),
  dask: () => new DaskExecutor({ python, workers: 2 }),
  'dask there': () => new DaskExecutor({ python, scheduler }),
  ray: () => new RayExecutor({ python, numCpus: 2 }),
  parsl: () => new ParslExecutor({ python, workers: 2 }),
}
const executor = (makers[name] as () => PackExecutor)()
await executor.submit(square, 2)
const calls = manner === 'hold' ? [executor.submit(forever), executor.submit(forever)] : []
console.log('running')
for (const { status } of await Promise.allSettled(calls)) console.log(status)
// With another program, where the first one is gone.
console.log(await executor.submit(square, 3))
