import { afterEach, describe, expect, expectTypeOf, test } from 'vitest'
import { Engine, task, taskContext } from '../../src/index.ts'
import { ThreadPoolExecutor } from '../../src/node/index.ts'
import { add } from '../../src/testing/contract-tasks.ts'
import { mockTask, restoreTasks } from '../../src/testing/index.ts'

const download = task({ name: 'download' }, async (url: string): Promise<string> => {
  throw new Error(`no network for ${url}`)
})
const count = task({ name: 'count' }, (text: string) => text.length)

afterEach(restoreTasks)

describe('mockTask', () => {
  test('replaces the body in an engine and in direct calls, and puts it back', async () => {
    await using engine = new Engine()
    const mock = mockTask(download, (url) => `<${url}>`)
    expect(await engine.submit(count, engine.submit(download, 'a'))).toBe(3)
    expect(await download('b')).toBe('<b>')
    expect(mock.calls).toEqual([{ args: ['a'] }, { args: ['b'] }])
    mock.restore()
    await expect(engine.submit(download, 'c')).rejects.toThrow('no network for c')
  })

  test('reaches calls that wait, and the same task with other options', async () => {
    await using engine = new Engine()
    const waiting = engine.submit(download.with({ priority: 1 }), Promise.resolve('late'))
    using mock = mockTask(download, async (url) => url.toUpperCase())
    expect(await waiting).toBe('LATE')
    expect(mock.calls).toHaveLength(1)
  })

  test('keeps name and context', async () => {
    await using engine = new Engine()
    mockTask(download, () => taskContext().name)
    const future = engine.submit(download, 'x')
    expect(await future).toBe('download')
    expect(future.info.name).toBe('download')
  })

  test('can be nested; restoring is in any order, and all at once', () => {
    mockTask(count, () => 1)
    const inner = mockTask(count, () => 2)
    expect(count('abc')).toBe(2)
    inner.restore()
    expect(count('abc')).toBe(1)
    const outer = mockTask(count, () => 4)
    mockTask(count, () => 5)
    outer.restore()
    expect(count('abc')).toBe(5)
    restoreTasks()
    expect(count('abc')).toBe(3)
  })

  test('is typed as the task is', () => {
    const mock = mockTask(count, (text) => {
      expectTypeOf(text).toEqualTypeOf<string>()
      return 0
    })
    expectTypeOf(mock.calls[0]?.args).toEqualTypeOf<[text: string] | undefined>()
  })

  test('refuses what is no task, and what is no function', () => {
    expect(() => mockTask((() => 1) as never, () => 1)).toThrow(
      'mockTask takes a task, made with task(), not a function',
    )
    expect(() => mockTask(count, 1 as never)).toThrow('mockTask takes a function to run instead, not 1')
  })
})

test('a mocked task is refused by workers, which would run the original', async () => {
  const pool = new ThreadPoolExecutor({ maxWorkers: 1 })
  {
    using _mock = mockTask(add, () => 42)
    await expect(pool.submit(add, 1, 2)).rejects.toThrow(/contract.add is mocked/)
  }
  expect(await pool.submit(add, 1, 2)).toBe(3)
  await pool.shutdown()
})
