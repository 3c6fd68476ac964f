import { describe, expectTypeOf, test } from 'vitest'
import type { Engine, Executor, Task, TaskFuture } from '../../src/index.ts'
import { DaskExecutor, type NdArray, ndArray, PythonExecutor, pythonTask } from '../../src/python/index.ts'

declare const engine: Engine
declare const numbers: TaskFuture<readonly number[]>
declare const text: TaskFuture<string>

describe('pythonTask', () => {
  const mean = pythonTask<[readonly number[]], number>('statistics:mean')

  test('is a task of the given types', () => {
    expectTypeOf(mean).toEqualTypeOf<Task<[readonly number[]], number>>()
    expectTypeOf(mean.with({ retries: 1 })).toEqualTypeOf<typeof mean>()
  })

  test('takes values and futures of them', () => {
    expectTypeOf(engine.submit(mean, [1, 2])).toEqualTypeOf<TaskFuture<number>>()
    expectTypeOf(engine.submit(mean, numbers)).toEqualTypeOf<TaskFuture<number>>()
    expectTypeOf(engine.submit(mean, engine.map(mean, [[1], [2]]))).toEqualTypeOf<TaskFuture<number>>()
    // @ts-expect-error a future of another type
    engine.submit(mean, text)
    // @ts-expect-error an argument is missing
    engine.submit(mean)
  })

  test('takes named elements, optional ones, and as many as there are', () => {
    const power = pythonTask<[base: number, exponent: number, modulus?: number], number>('builtins:pow')
    expectTypeOf(engine.submit(power, 2, 3)).toEqualTypeOf<TaskFuture<number>>()
    engine.submit(power, 2, 3, 5)
    const most = pythonTask<number[], number>('builtins:max')
    engine.submit(most, 1, 2, 3)
  })

  test('refuses options that make no sense for it', () => {
    pythonTask('a:b', { name: 'c', retries: 2, timeout: 5, labels: 'gpu' })
    // @ts-expect-error the name of a module alone
    pythonTask('statistics')
    // @ts-expect-error what it takes comes as values
    pythonTask('a:b', { lazy: true })
    // @ts-expect-error it is found by its name
    pythonTask('a:b', { module: 'c' })
  })
})

describe('executors that are driven by Python', () => {
  test('are executors', () => {
    expectTypeOf<PythonExecutor>().toExtend<Executor>()
    expectTypeOf<DaskExecutor>().toExtend<AsyncDisposable>()
  })

  test('refuse what is no option of theirs', () => {
    // @ts-expect-error no such option
    new DaskExecutor({ numCpus: 1 })
    // @ts-expect-error the factory is missing
    new PythonExecutor({})
  })
})

test('an array keeps the type of its elements', () => {
  expectTypeOf(ndArray(new Float64Array(4), [2, 2])).toExtend<NdArray<Float64Array>>()
})
