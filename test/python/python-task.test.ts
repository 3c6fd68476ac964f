import { describe, expect, test } from 'vitest'
import {
  ConfigError,
  Engine,
  InProcessExecutor,
  MemoryConnector,
  NotShippableError,
  proxyTransformer,
  task,
} from '../../src/index.ts'
import { ProcessPoolExecutor, ThreadPoolExecutor } from '../../src/node/index.ts'
import { pythonTask } from '../../src/python/index.ts'
import { mockTask } from '../../src/testing/index.ts'

const mean = pythonTask<[numbers: readonly number[]], number>('statistics:mean')

describe('a Python function as a task', () => {
  test('has the reference that Python finds it by', () => {
    expect(mean.ref).toEqual({ module: 'python:statistics', name: 'statistics:mean', ordinal: 0 })
    expect(mean.name).toBe('statistics:mean')
    expect(pythonTask('a.b:C.d', { name: 'd' }).ref.name).toBe('a.b:C.d')
  })

  test('leaves the numbers of the tasks of a module alone', () => {
    const before = task(() => 1)
    pythonTask('statistics:mean')
    expect(task(() => 2).ref.ordinal - before.ref.ordinal).toBe(1)
  })

  test('called directly, says why that cannot be', () => {
    expect(() => mean([1])).toThrowError(NotShippableError)
    expect(() => mean([1])).toThrowError('statistics:mean is a Python function, which runs in Python only')
  })

  test('keeps its options, and takes others for a call', () => {
    const other = pythonTask('statistics:mean', { retries: 2 }).with({ priority: 3 })
    expect(other.options).toEqual({ retries: 2, priority: 3 })
    expect(other.ref).toEqual(mean.ref)
  })

  test.each(['statistics', 'statistics:', ':mean', 'stat istics:mean', 'a:b:c', '../x:y', 'os;x:y', 1])(
    '%j is no name of a function',
    (name) => {
      expect(() => pythonTask(name as never)).toThrowError(ConfigError)
    },
  )

  test.each([{ lazy: true }, { module: 'x' }, { onParentFailure: 'settle' }, { unknown: 1 }])(
    '%j is refused',
    (options) => {
      expect(() => pythonTask('a:b', options as never)).toThrowError(/no option/)
    },
  )

  test.each([
    ['in this process', () => new InProcessExecutor()],
    ['on threads', () => new ThreadPoolExecutor({ maxWorkers: 1 })],
    ['on processes', () => new ProcessPoolExecutor({ maxWorkers: 1 })],
  ])('%s it rejects, and says where it runs', async (_, create) => {
    await using engine = new Engine({ executor: create() })
    const error = await engine.submit(mean, [1, 2]).exception()
    expect(error).toBeInstanceOf(NotShippableError)
    expect((error as Error).message).toContain('Python only')
  })

  test('mocked, it runs in this process, and is given values where the engine has a data plane', async () => {
    using mocked = mockTask(mean, () => 42)
    await using engine = new Engine({ transformer: proxyTransformer({ connector: new MemoryConnector() }) })
    const numbers = engine.submit(task(() => [1, 2]))
    expect(await engine.submit(mean, numbers)).toBe(42)
    expect(await engine.submit(mean, [3])).toBe(42)
    expect(mocked.calls.map(({ args }) => args)).toEqual([[[1, 2]], [[3]]])
  })
})
