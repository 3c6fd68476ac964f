import pLimit from 'p-limit'
import { Piscina } from 'piscina'
import { describe, expect, test } from 'vitest'
import workerpool from 'workerpool'
import { lambdaExecutor } from '../../examples/executors/lambda.ts'
import { piscinaExecutor, piscinaWorker } from '../../examples/executors/piscina.ts'
import { workerpoolExecutor, workerpoolWorker } from '../../examples/executors/workerpool.ts'
import { Engine, type Executor, ExecutorShutdownError, NotShippableError } from '../../src/index.ts'
import { add, fail } from '../../src/testing/contract-tasks.ts'
import { executorContract } from '../../src/testing/index.ts'

const THREAD = { maxWorkers: 1, workerType: 'thread' } as const
const PROCESS = { maxWorkers: 1, workerType: 'process', forkOpts: { serialization: 'advanced' } } as const

const piscina = (): Executor => piscinaExecutor(new Piscina({ filename: piscinaWorker, maxThreads: 1 }))
const lambda = (): Executor => lambdaExecutor(pLimit(1))

const AFTER_SHUTDOWN = 'after shutdown a call rejects with ExecutorShutdownError'
const ERRORS = 'what a call throws comes back with its name, message, code and cause'

describe('Piscina', () => {
  executorContract(
    { test, expect },
    {
      create: piscina,
      exempt: {
        [ERRORS]: 'it sends errors by structured clone, which loses own properties such as `code`',
        [AFTER_SHUTDOWN]: 'it starts workers again',
      },
    },
  )
})

describe.each([
  ['threads', THREAD],
  ['processes', PROCESS],
])('workerpool on %s', (_, options) => {
  const create = (): Executor => workerpoolExecutor(workerpool.pool(workerpoolWorker, options))

  executorContract(
    { test, expect },
    {
      create,
      exempt: {
        [ERRORS]: 'it makes an Error of whatever class the error had, and plain objects of causes',
        [AFTER_SHUTDOWN]: 'it starts workers again',
      },
    },
  )

  test('keeps the message and the code of what a call throws', async () => {
    await using engine = new Engine({ executor: create() })
    await expect(engine.submit(fail, 'broken')).rejects.toMatchObject({ message: 'broken', code: 'E_CONTRACT' })
  })
})

describe('a lambda around p-limit', () => {
  executorContract(
    { test, expect },
    {
      create: lambda,
      exempt: {
        'submit throws for what is no function': 'a limiter calls what it is given, later: the call rejects',
        'shutdown waits for calls that run': 'it has no shutdown: an engine around it waits',
        [AFTER_SHUTDOWN]: 'it has no shutdown: an engine around it refuses',
      },
    },
  )

  test('shuts down with an engine around it, which waits for calls that run', async () => {
    const engine = new Engine({ executor: lambda() })
    let end = (_: string): void => {}
    const call = engine.submit(() => new Promise<string>((resolve) => (end = resolve)))
    const order: string[] = []
    const shutdown = engine.shutdown().then(() => order.push('shutdown'))
    await new Promise((resolve) => setImmediate(resolve))
    order.push('still running')
    end('done')
    expect(await call).toBe('done')
    await shutdown
    expect(order).toEqual(['still running', 'shutdown'])
  })
})

describe.each([
  ['Piscina', piscina],
  ['workerpool', (): Executor => workerpoolExecutor(workerpool.pool(workerpoolWorker, THREAD))],
])('%s as an executor', (_, create) => {
  test('refuses a function that is no task', async () => {
    const executor = create()
    expect(() => executor.submit(() => 1)).toThrow(NotShippableError)
    await executor.shutdown?.()
  })

  test('refuses calls after shutdown with an engine around it', async () => {
    const engine = new Engine({ executor: create() })
    expect(await engine.submit(add, 1, 2)).toBe(3)
    await engine.shutdown()
    await expect(engine.submit(add, 1, 2)).rejects.toThrow(ExecutorShutdownError)
  })
})

test('what fails on Piscina keeps its name, message and cause', async () => {
  await using engine = new Engine({ executor: piscina() })
  const error = await engine.submit(fail, 'broken').exception()
  expect(error).toMatchObject({ name: 'RangeError', message: 'broken', cause: { message: 'the cause' } })
})
