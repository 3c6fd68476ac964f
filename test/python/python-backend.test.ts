import { describe, expect, test } from 'vitest'
import {
  ConfigError,
  Engine,
  type ExecutorFuture,
  MissingPeerError,
  NotShippableError,
  TapsError,
  WorkerCrashedError,
} from '../../src/index.ts'
import { DaskExecutor, type OutputLine, PythonExecutor, pythonTask } from '../../src/python/index.ts'
import { defaultPython } from '../../src/python/python-program.ts'
import { echo } from '../../src/testing/contract-tasks.ts'
import { mockTask } from '../../src/testing/index.ts'
import { fakePython } from './fake-python.ts'

const FACTORY = 'concurrent.futures:ProcessPoolExecutor'

async function outcome(future: ExecutorFuture<unknown>): Promise<unknown> {
  try {
    return await future
  } catch (error) {
    return error
  }
}

describe('the Python program', () => {
  test('answers calls, and says where they ran', async () => {
    using fake = fakePython('')
    await using engine = new Engine({ executor: new PythonExecutor({ ...fake.how, factory: FACTORY }) })
    const future = engine.submit(echo, 7)
    expect(await future).toBe(7)
    expect(future.info.execution).toMatchObject({ hostname: 'there' })
  })

  test('is started with the first call, and not before', async () => {
    using fake = fakePython('')
    await using executor = new PythonExecutor({ ...fake.how, factory: FACTORY })
    await new Promise((resolve) => setImmediate(resolve))
    expect(fake.log()).toEqual([])
    await executor.submit(echo, 1)
    await executor.submit(echo, 2)
    expect(fake.log().filter((line) => line === 'started')).toEqual(['started'])
  })

  test('is told what the options say', async () => {
    using fake = fakePython('')
    await using executor = new DaskExecutor({
      ...fake.how,
      workers: 2,
      useThreads: true,
      node: '/opt/node',
      execArgv: ['--conditions=x'],
      idleTimeout: 5,
    })
    await executor.submit(echo, 1)
    const start = JSON.parse(fake.log()[1] as string)
    expect(start.factory).toBe('dask')
    expect(start.options).toEqual({ workers: 2, useThreads: true })
    expect(start.host).toMatchObject({ node: '/opt/node', execArgv: ['--conditions=x'], folder: null, idleTimeout: 5 })
  })

  test('that dies loses what is outstanding, says what it said last, and is started again for the next call', async () => {
    using fake = fakePython('dies')
    await using executor = new PythonExecutor({ ...fake.how, factory: FACTORY })
    const error = await outcome(executor.submit(echo, 1))
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect((error as Error).message).toBe(
      'The Python program of PythonExecutor exited with code 3\nIt wrote last: out of memory\nThe back end keeps its logs in /logs on here',
    )
    expect(await executor.submit(echo, 2)).toBe(2)
  })

  test('that dies is no obstacle for a task that may be tried again', async () => {
    using fake = fakePython('dies')
    await using engine = new Engine({ executor: new PythonExecutor({ ...fake.how, factory: FACTORY }) })
    expect(await engine.submit(echo.with({ retries: 1 }), 3)).toBe(3)
  })

  test('that dies before it is ready says so', async () => {
    using fake = fakePython('dies at start')
    await using executor = new PythonExecutor({ ...fake.how, factory: FACTORY })
    const error = (await outcome(executor.submit(echo, 1))) as Error
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect(error.message).toContain('was killed by SIGKILL while it started the back end\nIt wrote last: Segmentation')
  })

  test('that says something else than it should is ended', async () => {
    using fake = fakePython('garbage')
    await using executor = new PythonExecutor({ ...fake.how, factory: FACTORY })
    const error = (await outcome(executor.submit(echo, 1))) as Error
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect(error.message).toContain('makes no sense')
  })

  test('without an interpreter says how to get one', async () => {
    await using executor = new PythonExecutor({ factory: FACTORY, python: '/nowhere/python3' })
    const error = await outcome(executor.submit(echo, 1))
    expect(error).toBeInstanceOf(ConfigError)
    expect((error as Error).message).toBe(
      'PythonExecutor cannot start Python as /nowhere/python3: there is no such program. Install Python 3.9 or newer, or say which it is: the option python, or TAPS_SDK_PYTHON',
    )
    expect(await outcome(executor.submit(echo, 1))).toBeInstanceOf(ConfigError)
  })

  test('without a package of the back end says what to install', async () => {
    using fake = fakePython('missing')
    await using executor = new DaskExecutor({ ...fake.how })
    const error = (await outcome(executor.submit(echo, 1))) as Error
    expect(error).toBeInstanceOf(MissingPeerError)
    expect(error.message).toContain('DaskExecutor: the package distributed is not there: python -m pip install')
  })

  test('without a back end says what Python says', async () => {
    using fake = fakePython('backend')
    await using executor = new DaskExecutor({ ...fake.how, scheduler: 'tcp://h:1' })
    const error = (await outcome(executor.submit(echo, 1))) as Error
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect(error.message).toBe('DaskExecutor: no scheduler answers at tcp://h:1')
    expect((error.cause as Error).message).toBe('OSError: timed out')
    expect((error.cause as Error).stack).toContain('Traceback')
  })

  test('sends a pack again that never began', async () => {
    using fake = fakePython('not run')
    await using executor = new PythonExecutor({ ...fake.how, factory: FACTORY })
    expect(await executor.submit(echo, 4)).toBe(4)
  })

  test('tells of a worker that was lost', async () => {
    using fake = fakePython('lost')
    await using executor = new PythonExecutor({ ...fake.how, factory: FACTORY })
    const error = (await outcome(executor.submit(echo, 4))) as Error
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect(error.message).toContain('was lost: KilledWorker')
    expect(error.message).toContain('contract.echo')
  })

  test('is told of calls that nobody wants any more', async () => {
    using fake = fakePython('hangs')
    const executor = new PythonExecutor({ ...fake.how, factory: FACTORY })
    await executor.warmup()
    const future = executor.submit(echo, 4)
    const shutdown = executor.shutdown({ cancelFutures: true })
    expect(await outcome(future)).toMatchObject({ code: 'CANCELLED' })
    await shutdown
  })

  test('warms up, or says why it cannot', async () => {
    using warm = fakePython('')
    await using executor = new PythonExecutor({ ...warm.how, factory: FACTORY })
    await executor.warmup(echo)
    expect(warm.log()[0]).toBe('started')
    using cold = fakePython('cold')
    await using other = new PythonExecutor({ ...cold.how, factory: FACTORY })
    await expect(other.warmup(echo)).rejects.toThrowError('could not be warmed up: No workers')
    await expect(other.warmup(echo)).rejects.toBeInstanceOf(TapsError)
    using dead = fakePython('dies at start')
    await using third = new PythonExecutor({ ...dead.how, factory: FACTORY })
    await expect(third.warmup(echo)).rejects.toBeInstanceOf(WorkerCrashedError)
  })

  test('warms up the workers that came later, too', async () => {
    using fake = fakePython('grows')
    await using executor = new PythonExecutor({ ...fake.how, factory: FACTORY })
    await executor.submit(echo, 1)
    await executor.warmup(echo)
    expect(fake.log()).toContain('warms 4')
  })

  test('passes on what is written beside the tasks, and tells of workers', async () => {
    using fake = fakePython('')
    await using executor = new PythonExecutor({ ...fake.how, factory: FACTORY })
    const [lines, workers]: [OutputLine[], unknown[]] = [[], []]
    executor.on('output', (line) => lines.push(line))
    executor.on('workerStarted', (worker) => workers.push(worker))
    await executor.submit(echo, 1)
    expect(lines).toEqual([{ stream: 'stdout', line: 'a line', task: '', taskId: '', worker: 12, host: 'there' }])
    expect(workers).toEqual([{ id: 12, host: 'there' }])
  })

  test('looks for modules in the folder where the project is there', async () => {
    using fake = fakePython('')
    const root = new URL('../..', import.meta.url).pathname
    await using executor = new PythonExecutor({ ...fake.how, factory: FACTORY, folder: '/srv/app 1', root })
    expect(await executor.submit(echo, 'module')).toBe('file:///srv/app%201/src/testing/contract-tasks.ts')
    await using same = new PythonExecutor({ ...fake.how, factory: FACTORY })
    expect(await same.submit(echo, 'module')).toBe(echo.ref.module)
  })

  test('is not given Python functions that a test has replaced', async () => {
    using fake = fakePython('')
    await using executor = new PythonExecutor({ ...fake.how, factory: FACTORY })
    const mean = pythonTask<[number[]], number>('statistics:mean')
    using _ = mockTask(mean, () => 1)
    expect(await outcome(executor.submit(mean, [1]))).toBeInstanceOf(NotShippableError)
  })
})

describe('the interpreter', () => {
  test('is that of an activated environment, else what the environment says, else python3', () => {
    expect(defaultPython({ VIRTUAL_ENV: '/v', TAPS_SDK_PYTHON: '/p' })).toBe('/v/bin/python')
    expect(defaultPython({ VIRTUAL_ENV: '', TAPS_SDK_PYTHON: '/p' })).toBe('/p')
    expect(defaultPython({})).toBe('python3')
  })
})
