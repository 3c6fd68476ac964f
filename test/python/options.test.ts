import { describe, expect, test } from 'vitest'
import { projectFolder } from '../../src/executor/packs/project.ts'
import { ConfigError } from '../../src/index.ts'
import {
  DaskExecutor,
  GlobusComputeExecutor,
  ParslExecutor,
  PythonExecutor,
  RayExecutor,
  TaskVineExecutor,
} from '../../src/python/index.ts'

const factory = 'concurrent.futures:ProcessPoolExecutor'

describe('options of executors that are driven by Python', () => {
  test.each([
    ['DaskExecutor', () => new DaskExecutor({ worker: 2 } as never), 'has no option "worker"'],
    ['DaskExecutor', () => new DaskExecutor({ workers: 0 }), 'workers takes a whole number of at least 1'],
    ['DaskExecutor', () => new DaskExecutor({ sendInterval: -1 }), 'sendInterval takes milliseconds'],
    ['DaskExecutor', () => new DaskExecutor({ useThreads: 1 as never }), 'useThreads takes true or false'],
    ['RayExecutor', () => new RayExecutor({ address: '' }), 'address takes a text'],
    ['RayExecutor', () => new RayExecutor({ numCpus: 1.5 }), 'numCpus takes a whole number'],
    ['ParslExecutor', () => new ParslExecutor({ config: 'a.py', workers: 2 }), 'workers is for an executor of its own'],
    ['ParslExecutor', () => new ParslExecutor({ executor: 'a' }), 'executor is the label of an executor in config'],
    ['ParslExecutor', () => new ParslExecutor({ htex: { a: new Map() } }), 'htex takes an object that JSON can hold'],
    ['ParslExecutor', () => new ParslExecutor({ runDir: 1 as never }), 'runDir takes the path of a folder'],
    ['GlobusComputeExecutor', () => new GlobusComputeExecutor({} as never), 'needs endpoint'],
    ['GlobusComputeExecutor', () => new GlobusComputeExecutor({ endpoint: 'e', batchSize: 0 }), 'batchSize takes'],
    ['TaskVineExecutor', () => new TaskVineExecutor({ port: 70_000 }), 'port takes a number from 0 to 65535'],
    ['TaskVineExecutor', () => new TaskVineExecutor({ coresPerTask: 0 }), 'coresPerTask takes'],
    ['PythonExecutor', () => new PythonExecutor({} as never), 'needs factory'],
    ['PythonExecutor', () => new PythonExecutor({ factory: 'nothing' }), 'factory takes module:callable'],
    ['PythonExecutor', () => new PythonExecutor({ factory, options: { f: () => 1 } }), 'JSON can hold'],
    ['PythonExecutor', () => new PythonExecutor({ factory, options: { n: Number.NaN } }), 'JSON can hold'],
    ['PythonExecutor', () => new PythonExecutor({ factory, slots: 0 }), 'slots takes'],
    ['PythonExecutor', () => new PythonExecutor({ factory, folder: 'relative' }), 'folder takes the path of a folder'],
    [
      'PythonExecutor',
      () => new PythonExecutor({ factory, root: '/no such folder' }),
      'root takes the path of a folder',
    ],
    ['PythonExecutor', () => new PythonExecutor({ factory, env: { A: 1 as never } }), 'env takes texts by name'],
    [
      'PythonExecutor',
      () => new PythonExecutor({ factory, execArgv: 'x' as never }),
      'execArgv takes a list of strings',
    ],
    ['PythonExecutor', () => new PythonExecutor({ factory, idleTimeout: -1 }), 'idleTimeout takes milliseconds'],
    ['PythonExecutor', () => new PythonExecutor({ factory, killAfter: 'x' as never }), 'killAfter takes milliseconds'],
  ])('%s refuses what is wrong: %#', (name, create, message) => {
    expect(create).toThrowError(ConfigError)
    expect(create).toThrowError(name)
    expect(create).toThrowError(message)
  })

  test('an executor that was never used shuts down without Python', async () => {
    await using executor = new RayExecutor({ python: '/nowhere/python3' })
    await executor.shutdown()
  })

  test('the project begins at the nearest package.json', () => {
    const here = new URL('.', import.meta.url).pathname
    expect(projectFolder(here)).toBe(new URL('../..', import.meta.url).pathname.replace(/\/$/, ''))
    expect(projectFolder('/')).toBe('/')
  })
})
