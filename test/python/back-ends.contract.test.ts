import { describe, expect, test } from 'vitest'
import { Engine, type Executor } from '../../src/index.ts'
import { DaskExecutor, PythonExecutor } from '../../src/python/index.ts'
import { executorContract } from '../../src/testing/index.ts'
import { pythonWithBackends } from '../servers/python.ts'

const python = pythonWithBackends()
/** A cluster takes its time to start, and to end. */
const PATIENCE = 60_000

const executors: readonly (readonly [name: string, create: () => Executor])[] = [
  [
    'a process pool of Python',
    () =>
      new PythonExecutor({ python, factory: 'concurrent.futures:ProcessPoolExecutor', options: { max_workers: 2 } }),
  ],
  ['Dask', () => new DaskExecutor({ python, workers: 2 })],
]

describe.each(executors)('%s', (_, create) => {
  const patient = (name: string, fn: () => Promise<void>): unknown => test(name, { timeout: PATIENCE }, fn)
  describe('as an executor', () => executorContract({ test: patient, expect }, { create }))
})

describe('an engine on a process pool of Python', () => {
  executorContract({ test, expect }, { create: () => new Engine({ executor: executors[0]?.[1]() as Executor }) })
})
