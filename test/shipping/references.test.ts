import { expect, test } from 'vitest'
import { delegate } from './fixtures/nested.ts'
import * as tasks from './fixtures/tasks.ts'
import { onAllPools } from './pools.ts'

onAllPools((executor) => {
  test('a task that is not exported', async () => {
    expect(await executor().submit(tasks.notExported())).toBe('hidden')
  })

  test('two tasks of one function name are told apart', async () => {
    expect(await executor().submit(tasks.second)).toBe('second')
    expect(await executor().submit(tasks.first)).toBe('first')
  })

  test('tasks without a name', async () => {
    expect(await executor().submit(tasks.arrow, 1)).toBe(2)
    expect(await executor().submit(tasks.inListToo)).toBe('two')
    expect(await executor().submit(tasks.inList)).toBe('one')
  })

  test('tasks that a function of another module makes, which is told the module', async () => {
    expect(await executor().submit(tasks.addThree, 1)).toBe(4)
    expect(await executor().submit(tasks.addTwo, 1)).toBe(3)
  })

  test('a task that calls another one', async () => {
    expect(await executor().submit(tasks.fixedAdder, 1)).toBe(4)
  })

  test('the same task with other options', async () => {
    expect(await executor().submit(tasks.arrow.with({ timeout: 60_000, labels: 'x' }), 2)).toBe(3)
  })

  test('a task that starts workers of its own', async () => {
    expect(await executor().submit(delegate, 2)).toBe(6)
  })

  test('the state of a module lives on between calls', async () => {
    const counts = [1, 2, 3].map(() => executor().submit(tasks.count))
    expect(await Promise.all(counts)).toEqual([1, 2, 3])
  })
})
