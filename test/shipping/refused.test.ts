import { describe, expect, test } from 'vitest'
import {
  type Executor,
  NotShippableError,
  type Task,
  TaskNotFoundError,
  task,
  WorkerCrashedError,
} from '../../src/index.ts'
import { makeAdderWithoutModule } from './fixtures/factory.ts'
import { unreachable } from './fixtures/fails-to-import.ts'
import * as tasks from './fixtures/tasks.ts'
import { onAllPools, pools } from './pools.ts'

const summand = 1
function declared(x: number): number {
  return x + summand
}

onAllPools((executor) => {
  describe('functions that are no tasks are refused by name, with the cure', () => {
    test.each([
      ['a closure', (x: number) => x + summand, ['anonymous', 'plain function', 'export const name = task(']],
      ['a function', declared, ['declared', 'plain function', 'export const declared = task(']],
      ['a bound function', declared.bind(null), ['bound declared', 'bound function', 'task(']],
      ['a native function', Math.max, ['max', 'native function', 'export const max = task(']],
    ])('%s', async (_, fn, words) => {
      const error = await failureOf(executor(), fn as (x: number) => number, 1)
      expect(error).toBeInstanceOf(NotShippableError)
      for (const word of [...words, 'module of its own']) expect(error.message).toContain(word)
    })

    test('a task of a module that workers cannot import', async () => {
      const error = await failureOf(executor(), task({ name: 'adrift', module: 'node:fs' }, declared), 1)
      expect(error).toBeInstanceOf(NotShippableError)
      for (const word of ['adrift', 'node:fs', 'import.meta.url']) expect(error.message).toContain(word)
    })
  })

  describe('tasks that their module does not declare while it is imported are not found', () => {
    const expectNotFound = async (made: Task<[], unknown>, ...words: string[]) => {
      const error = await failureOf(executor(), made)
      expect(error).toBeInstanceOf(TaskNotFoundError)
      for (const word of [...words, made.ref.name, made.ref.module, 'top level']) expect(error.message).toContain(word)
    }

    test('one that is made later, whose module declares others', async () => {
      await expectNotFound(tasks.makeLater(), '1: twin, 2: twin')
    })

    test('one that is made later, although the worker has made such tasks too', async () => {
      const made = tasks.makeLater()
      await executor().submit(tasks.makeTasks, made.ref.ordinal + 1)
      await expectNotFound(made)
    })

    test('one that is made where it is submitted', async () => {
      const local = task({ module: tasks.arrow.ref.module }, function local() {})
      await expectNotFound(local, '1: twin, 2: twin')
    })

    test('one that a function of another module makes without a word of where', async () => {
      expect(tasks.misplaced.ref.module).toMatch(/factory\.ts$/)
      const error = await failureOf(executor(), makeAdderWithoutModule(5), 1)
      expect(error).toBeInstanceOf(TaskNotFoundError)
      expect(error.message).toContain('add5')
      expect(error.message).toContain('task({ module: import.meta.url }')
    })
  })

  describe('tasks whose module cannot be imported are refused by name, with the reason and the cure', () => {
    const expectNotImported = async (made: Task<[], unknown>, ...words: string[]): Promise<unknown> => {
      const error = await failureOf(executor(), made)
      expect(error).toBeInstanceOf(TaskNotFoundError)
      for (const word of [...words, made.ref.name, made.ref.module, 'module of their own'])
        expect(error.message).toContain(word)
      return error.cause
    }

    test('a module that throws', async () => {
      const cause = await expectNotImported(unreachable, 'no configuration')
      expect(cause).toBeInstanceOf(RangeError)
    })

    test('a module that does not exist any more', async () => {
      const gone = task({ module: new URL('./fixtures/gone.ts', import.meta.url).href }, function gone() {})
      expect(await expectNotImported(gone, 'Cannot find module')).toMatchObject({ code: 'ERR_MODULE_NOT_FOUND' })
    })

    test('the file of a test, which only the test runner can import', async () => {
      await expectNotImported(task(function ofTheTest() {}))
    })
  })

  test('afterwards the worker goes on', async () => {
    expect(await executor().submit(tasks.arrow, 1)).toBe(2)
  })
})

describe.each(pools)('warmup on %s', (_, Pool) => {
  test('refuses what submit refuses', async () => {
    await using pool = new Pool({ maxWorkers: 1 })
    await expect(pool.warmup(declared as never)).rejects.toThrow('warmup takes tasks')
    await expect(pool.warmup(task({ module: 'node:fs' }, declared))).rejects.toBeInstanceOf(NotShippableError)
    await expect(pool.warmup(tasks.arrow, unreachable)).rejects.toThrow(/unreachable .* no configuration/)
    await expect(pool.warmup(tasks.makeLater())).rejects.toBeInstanceOf(TaskNotFoundError)
    await pool.warmup(tasks.arrow)
  })

  test('an initializer whose module cannot be imported: no worker starts, and calls fail with the reason', async () => {
    await using pool = new Pool({ maxWorkers: 1, initializer: unreachable })
    const error = await failureOf(pool, tasks.arrow, 1)
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect(error.message).toMatch(/unreachable .* no configuration/)
  })
})

async function failureOf<A extends unknown[]>(
  executor: Executor,
  fn: (...args: A) => unknown,
  ...args: A
): Promise<Error> {
  return await executor.submit(fn, ...args).then(
    (value) => {
      throw new Error(`It was not refused: ${String(value)}`)
    },
    (error) => error,
  )
}
