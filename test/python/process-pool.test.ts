import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  CancelledError,
  ConfigError,
  Engine,
  SerializationError,
  TaskNotFoundError,
  TimeoutError,
  task,
  WorkerCrashedError,
} from '../../src/index.ts'
import { fileTransformer } from '../../src/node/index.ts'
import {
  type NdArray,
  ndArray,
  type OutputLine,
  PythonExecutor,
  type PythonExecutorOptions,
  pythonTask,
} from '../../src/python/index.ts'
import { echo } from '../../src/testing/contract-tasks.ts'
import { pythonWithBackends } from '../servers/python.ts'
import { die, forever, matrix, ramp, say, sizeOf, square, trace } from './mixed-tasks.ts'

const pool = (): PythonExecutor =>
  new PythonExecutor({
    python: pythonWithBackends(),
    factory: 'concurrent.futures:ProcessPoolExecutor',
    options: { max_workers: 2 },
  })

const mean = pythonTask<[readonly number[]], number>('statistics:mean')
const dot = pythonTask<[Float64Array, Float64Array], number>('numpy:dot')
const inverse = pythonTask<[NdArray], NdArray>('numpy:linalg.inv')
const joined = pythonTask<[string, readonly string[]], string>('builtins:str.join')
const identity = pythonTask<[unknown], unknown>('copy:copy')

describe('tasks of TypeScript and of Python in one graph', () => {
  let engine: Engine
  beforeAll(() => {
    engine = new Engine({ executor: pool() })
  })
  afterAll(() => engine.shutdown())

  test('take the results of each other', async () => {
    const squares = engine.map(square, [1, 2, 3])
    const middle = engine.submit(mean, squares)
    expect(await engine.submit(square, middle)).toBeCloseTo((14 / 3) ** 2)
    expect(await engine.submit(joined, '-', ['a', 'ü', '"\\'])).toBe('a-ü-"\\')
  })

  test('pass arrays to NumPy, and take them from it', async () => {
    expect(await engine.submit(dot, engine.submit(ramp, 4), engine.submit(ramp, 4))).toBe(14)
    const inverted = engine.submit(inverse, engine.submit(matrix))
    expect(await inverted).toEqual(ndArray(new Float64Array([0.5, 0, 0, 0.25]), [2, 2]))
    expect(await engine.submit(trace, inverted)).toBe(0.75)
  })

  test('pass bytes', async () => {
    const compress = pythonTask<[Uint8Array], Uint8Array>('zlib:compress')
    const small = engine.submit(compress, new Uint8Array(100_000))
    expect(await engine.submit(sizeOf, small)).toBeLessThan(1000)
    const decompress = pythonTask<[Uint8Array], Uint8Array>('zlib:decompress')
    expect(await engine.submit(decompress, small)).toEqual(new Uint8Array(100_000))
  })

  test.each([
    ['JSON', { a: [1, 'x', true, null, { 'k"ey\\': 1.5, ü: '🌍' }] }],
    ['numbers that JSON has not', [Number.NaN, Infinity, -Infinity, -0]],
    ['large integers', [2n ** 70n, -(2n ** 64n)]],
    [
      'typed arrays',
      [new Int8Array([-1]), new Uint16Array([65_535]), new Float32Array([0.5]), new BigUint64Array([2n ** 63n])],
    ],
    ['bytes', [new Uint8Array([0, 255]), new Uint8Array(0)]],
    ['an array of no dimension but many', ndArray(new Int32Array(24), [2, 3, 4])],
    ['an object with the key of the notation', [{ $py: ['nothing'] }]],
    ['keys of the language', JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}')],
  ])('a Python function gets %s, and gives them back as they were', async (_, value) => {
    expect(await engine.submit(identity, value)).toEqual(value)
  })

  test('many calls with bytes keep them apart', async () => {
    const values = Array.from({ length: 300 }, (_, i) => new Uint8Array([i % 256, i >> 8]))
    expect(await engine.map(identity, values)).toEqual(values)
  })

  test('undefined is None, which comes back as null', async () => {
    expect(await engine.submit(identity, undefined)).toBe(null)
  })

  test('what Python raises comes with its class, its message and where it was', async () => {
    const error = (await engine.submit(mean, []).exception()) as Error
    expect(error.name).toBe('StatisticsError')
    expect(error.message).toContain('mean requires at least one data point')
    expect(error.stack).toContain('statistics.py')
  })

  test('a function or a module that is not there is told', async () => {
    const [noFunction, noModule] = [pythonTask('math:sqr'), pythonTask('no_such_module:f')]
    expect(await engine.submit(noFunction).exception()).toBeInstanceOf(TaskNotFoundError)
    const error = (await engine.submit(noModule).exception()) as Error
    expect(error).toBeInstanceOf(TaskNotFoundError)
    expect(error.message).toContain('no_such_module')
  })

  test('a result that cannot travel is told with its path', async () => {
    const error = await engine.submit(pythonTask<[], unknown>('builtins:object')).exception()
    expect(error).toBeInstanceOf(SerializationError)
    expect((error as Error).message).toContain('result is an instance of object')
  })

  test('an argument that cannot travel is told with its path, and nothing is sent', async () => {
    const error = await engine.submit(identity, { when: new Date(0) }).exception()
    expect(error).toBeInstanceOf(SerializationError)
    expect((error as Error).message).toContain('args[0].when is an instance of Date')
  })

  test('what functions print is told with the task', async () => {
    const executor = pool()
    await using other = new Engine({ executor })
    const lines: OutputLine[] = []
    executor.on('output', (line) => lines.push(line))
    await other.submit(pythonTask<[string], null>('builtins:print'), 'from Python')
    await other.submit(say, 'from TypeScript')
    expect(lines.map(({ line, task, stream }) => [line, task, stream])).toEqual([
      ['from Python', 'builtins:print', 'stdout'],
      ['from TypeScript', 'say', 'stdout'],
    ])
  })

  test('records say where a task ran', async () => {
    const futures = [engine.submit(square, 2), engine.submit(mean, [1])]
    await Promise.all(futures)
    for (const { info } of futures) {
      expect(info.execution?.hostname).toBeTruthy()
      expect(info.worker).toMatch(/^process \d+$/)
    }
  })
})

describe('with a data plane', () => {
  test('Python functions are given values, also where tasks leave identifiers', async () => {
    const dir = `${tmpdir()}/python-values-${process.pid}`
    await using engine = new Engine({ executor: pool(), transformer: fileTransformer({ dir }) })
    const rows = engine.submit(ramp, 3)
    const result = engine.submit(dot, rows, new Float64Array([1, 1, 1]))
    expect(await result).toBe(3)
    expect(await engine.submit(mean, [result, 5])).toBe(4)
    expect(await engine.submit(square, result)).toBe(9)
    expect(await engine.submit(sizeOf, engine.submit(identity, new Uint8Array(5)) as never)).toBe(5)
  })
})

describe('when something goes wrong there', () => {
  test('a Node worker that dies names the task, and the others go on', async () => {
    await using engine = new Engine({ executor: pool() })
    const dying = engine.submit(die)
    const others = engine.map(square, [1, 2, 3])
    const error = (await dying.exception()) as Error
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect(error.message).toContain('die')
    expect(error.message).toContain('SIGKILL')
    expect(await others).toEqual([1, 4, 9])
  })

  test('a Python worker that dies loses its call, and the pool is made anew', async () => {
    await using engine = new Engine({ executor: pool() })
    const error = (await engine.submit(pythonTask<[number], never>('os:_exit'), 3).exception()) as Error
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect(error.message).toContain('os:_exit')
    // What another process of that pool had begun meanwhile has the same fate.
    expect(await engine.submit(square.with({ retries: 5 }), 3)).toBe(9)
    expect(await engine.submit(mean, [1, 3])).toBe(2)
  })

  test('a call whose time is up is given up, and its worker replaced', async () => {
    await using engine = new Engine({ executor: pool() })
    await engine.submit(square, 1)
    const error = await engine.submit(forever.with({ timeout: 50, killAfter: 50 })).exception()
    expect(error).toBeInstanceOf(TimeoutError)
    expect(await engine.map(square, [1, 2, 3])).toEqual([1, 4, 9])
  })

  test('a Python function whose time is up is given up', async () => {
    await using engine = new Engine({ executor: pool() })
    const sleep = pythonTask<[number], null>('time:sleep')
    expect(await engine.submit(sleep.with({ timeout: 50 }), 3).exception()).toBeInstanceOf(TimeoutError)
    expect(await engine.submit(mean, [4])).toBe(4)
  })

  test('a call that waits can be cancelled', async () => {
    await using engine = new Engine({ executor: pool() })
    const sleep = pythonTask<[number], null>('time:sleep')
    const running = engine.map(sleep, [0.3, 0.3])
    const waiting = engine.map(sleep, Array(20).fill(30))
    for (const future of waiting) future.cancel()
    for (const future of waiting) expect(await outcomeOf(future)).toBeInstanceOf(CancelledError)
    expect(await running).toEqual([null, null])
  })

  test('an interpreter without the module of the factory says so', async () => {
    await using executor = new PythonExecutor({ python: pythonWithBackends(), factory: 'no_such_module:Pool' })
    await expect(executor.submit(echo, 1)).rejects.toThrowError(/no_such_module/)
    await using wrong = new PythonExecutor({ python: pythonWithBackends(), factory: 'math:pi' })
    await expect(wrong.submit(echo, 1)).rejects.toThrowError(/math:pi cannot be called/)
  })

  test('a Node that is not there is told', async () => {
    await using executor = new PythonExecutor({
      python: pythonWithBackends(),
      factory: 'concurrent.futures:ProcessPoolExecutor',
      options: { max_workers: 1 },
      node: '/nowhere/node',
    })
    await expect(executor.submit(echo, 1)).rejects.toThrowError(/\/nowhere\/node.* option node/)
  })
})

describe('on a machine that lacks something', () => {
  const options = { python: pythonWithBackends(), factory: 'concurrent.futures:ProcessPoolExecutor', slots: 1 }
  const failure = async (how: Partial<PythonExecutorOptions>): Promise<unknown> => {
    await using executor = new PythonExecutor({ ...options, ...how })
    return executor.submit(echo, 1).then(
      () => undefined,
      (error: unknown) => error,
    )
  }

  test('a Node that is too old is told, with its version and the one that is needed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'old-node-'))
    const node = join(folder, 'node')
    writeFileSync(node, '#!/bin/sh\n[ "$1" = --version ] && echo v18.20.0 && exit\necho SyntaxError >&2\nexit 1\n', {
      mode: 0o700,
    })
    const error = await failure({ node })
    rmSync(folder, { recursive: true })
    expect(error).toBeInstanceOf(ConfigError)
    expect(String(error)).toContain(`Node 18.20.0 at ${node} is too old: tasks need Node 22.12.0 or newer`)
  })

  test('a folder that is not there is told, with the one here that it stands for', async () => {
    const error = await failure({ folder: '/nowhere', root: import.meta.dirname })
    expect(error).toBeInstanceOf(ConfigError)
    expect(String(error)).toContain(`no folder /nowhere, which the option folder names for ${import.meta.dirname}`)
  })

  test('a folder without the project is told, with the module that was sought in it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'no-project-'))
    const error = await failure({ folder })
    rmSync(folder, { recursive: true })
    expect(String(error)).toContain(`file://${folder}/`)
  })
})

describe('warmup', () => {
  test('imports the modules of Python functions, and says which one is not there', async () => {
    await using executor = pool()
    await executor.warmup(mean)
    const wrong = executor.warmup(pythonTask('no_such_module:f'))
    await expect(wrong).rejects.toThrowError(/no_such_module/)
  })

  test('starts the workers, and imports the modules of the tasks', async () => {
    await using executor = pool()
    const started: unknown[] = []
    executor.on('workerStarted', (worker) => started.push(worker))
    await executor.warmup(square, mean)
    expect(started.length).toBeGreaterThan(0)
    expect(await executor.submit(square, 3)).toBe(9)
  })

  test('says what could not be imported', async () => {
    await using executor = pool()
    const missing = task({ module: 'file:///nowhere/tasks.ts', name: 'missing' }, () => 1)
    await expect(executor.warmup(missing)).rejects.toBeInstanceOf(TaskNotFoundError)
  })
})

async function outcomeOf(future: PromiseLike<unknown>): Promise<unknown> {
  try {
    return await future
  } catch (error) {
    return error
  }
}
