import { describe, expect, test } from 'vitest'
import { Engine } from '../../src/index.ts'
import { ProcessPoolExecutor, ThreadPoolExecutor } from '../../src/node/index.ts'
import { executorContract } from '../../src/testing/index.ts'

describe('ThreadPoolExecutor', () => {
  executorContract({ test, expect }, { create: () => new ThreadPoolExecutor({ maxWorkers: 2 }) })
})

describe('ThreadPoolExecutor with lanes', () => {
  executorContract({ test, expect }, { create: () => new ThreadPoolExecutor({ maxWorkers: 1, concurrency: 2 }) })
})

describe('ProcessPoolExecutor', () => {
  executorContract({ test, expect }, { create: () => new ProcessPoolExecutor({ maxWorkers: 2 }) })
})

describe('ProcessPoolExecutor with a prefix', () => {
  executorContract(
    { test, expect },
    { create: () => new ProcessPoolExecutor({ maxWorkers: 1, prefix: ['nice', '-n', '1'] }) },
  )
})

describe('Engine on threads', () => {
  executorContract(
    { test, expect },
    { create: () => new Engine({ executor: new ThreadPoolExecutor({ maxWorkers: 2 }) }) },
  )
})

describe('Engine on processes', () => {
  executorContract(
    { test, expect },
    { create: () => new Engine({ executor: new ProcessPoolExecutor({ maxWorkers: 2 }) }) },
  )
})
