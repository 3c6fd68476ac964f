import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import {
  ConfigError,
  Engine,
  NotShippableError,
  SerializationError,
  TimeoutError,
  task,
  WorkerCrashedError,
} from '../../../src/index.ts'
import { ProcessPoolExecutor, ThreadPoolExecutor, transfer, type WorkerPoolOptions } from '../../../src/node/index.ts'
import { collect, failureOf, next, POOLS } from './each-pool.ts'
import {
  count,
  crowd,
  folder,
  hold,
  initial,
  initialize,
  initializeBadly,
  initializeLater,
  limits,
  meet,
  nodeOptions,
  place,
  program,
  setVariable,
  spin,
  timesInitialized,
  variables,
} from './option-tasks.ts'

const temporary = mkdtempSync(join(tmpdir(), 'pool-options-'))
afterAll(() => rmSync(temporary, { recursive: true }))

let paths = 0
/** A path at which nothing is yet. */
const newPath = (): string => join(temporary, `${++paths}`)

function newFolder(): string {
  const path = newPath()
  mkdirSync(path)
  return path
}

describe.each(POOLS)('a pool of $kind', ({ Pool }) => {
  test('runs as many calls at the same time as it has workers, and no worker more than it needs', async () => {
    await using pool = new Pool({ maxWorkers: 2 })
    const started = collect(pool, 'workerStarted')
    expect(pool.concurrency).toBe(2)
    const first = await pool.submit(place)
    expect(started.length).toBe(1)
    const shared = newFolder()
    const places = await Promise.all(['a', 'b'].map((name) => pool.submit(meet, shared, name, 2)))
    expect(new Set([...places, first]).size).toBe(2)
    expect(started.map(({ id }) => id).sort()).toEqual([...places].sort())
  })

  test('has by default as many workers as the machine can run at the same time', async () => {
    await using pool = new Pool()
    expect(pool.concurrency).toBe(availableParallelism())
  })

  test('runs calls side by side in one worker, as many as it has lanes', async () => {
    await using pool = new Pool({ maxWorkers: 1, concurrency: 3 })
    expect(pool.concurrency).toBe(3)
    const shared = newFolder()
    const places = await Promise.all(['a', 'b', 'c'].map((name) => pool.submit(meet, shared, name, 3)))
    expect(new Set(places).size).toBe(1)
    const crowds = await Promise.all(Array.from({ length: 20 }, () => pool.submit(crowd)))
    expect(Math.max(...crowds)).toBe(3)
  })

  test('runs one call after the other in a worker without lanes of its own', async () => {
    await using pool = new Pool({ maxWorkers: 1 })
    const crowds = await Promise.all(Array.from({ length: 10 }, () => pool.submit(crowd)))
    expect(new Set(crowds)).toEqual(new Set([1]))
  })

  test('ends a worker that has nothing to do for the time that was given; the next call starts one', async () => {
    await using pool = new Pool({ maxWorkers: 1, idleTimeout: 1 })
    const started = collect(pool, 'workerStarted')
    const exited = next(pool, 'workerExited')
    const [first] = await pool.submit(count)
    expect(await exited).toMatchObject({ id: first, how: 'exited with code 0' })
    expect((await pool.submit(count))[1]).toBe(1)
    expect(started.length).toBe(2)
  })

  test('does not end a worker whose call takes longer than that', async () => {
    await using pool = new Pool({ maxWorkers: 2, idleTimeout: 1 })
    const shared = newFolder()
    const gate = newPath()
    const idle = next(pool, 'workerExited')
    const places = ['a', 'b'].map((name) => pool.submit(meet, shared, name, 2))
    const held = pool.submit(hold, gate)
    const ended = await idle
    expect(await Promise.all(places)).toContain(ended.id)
    writeFileSync(gate, '')
    expect(await held).toBe('released')
  })

  test('gives its workers the environment of the program, with changes', async () => {
    process.env.POOL_KEPT = 'kept'
    process.env.POOL_CHANGED = 'old'
    process.env.POOL_REMOVED = 'old'
    await using pool = new Pool({
      maxWorkers: 1,
      env: { POOL_CHANGED: 'new', POOL_REMOVED: undefined, POOL_ADDED: 'ä $HOME "' },
    })
    const names = ['POOL_KEPT', 'POOL_CHANGED', 'POOL_REMOVED', 'POOL_ADDED']
    expect(await pool.submit(variables, ...names)).toEqual(['kept', 'new', undefined, 'ä $HOME "'])
    expect(await pool.submit(setVariable, 'POOL_KEPT', 'by the worker')).toBe('by the worker')
    expect(names.map((name) => process.env[name])).toEqual(['kept', 'old', 'old', undefined])
  })

  test('starts its workers with the options of Node that it is given', async () => {
    await using pool = new Pool({ maxWorkers: 1, execArgv: ['--no-warnings', '--conditions=a b'] })
    expect(await pool.submit(nodeOptions)).toEqual(expect.arrayContaining(['--no-warnings', '--conditions=a b']))
  })

  test('calls the initializer once in each worker, before all calls', async () => {
    await using pool = new Pool({ maxWorkers: 2, initializer: initialize, initializerArgs: [1, { two: 2 }] })
    await pool.warmup()
    const shared = newFolder()
    await Promise.all(['a', 'b'].map((name) => pool.submit(meet, shared, name, 2)))
    const seen = await Promise.all(Array.from({ length: 10 }, () => pool.submit(initial)))
    expect(seen).toEqual(Array(10).fill([1, { two: 2 }]))
    const times = await Promise.all(Array.from({ length: 10 }, () => pool.submit(timesInitialized)))
    expect(times).toEqual(Array(10).fill(1))
  })

  test('waits for an initializer that takes its time', async () => {
    await using pool = new Pool({ maxWorkers: 1, initializer: initializeLater, initializerArgs: ['later'] })
    expect(await pool.submit(initial)).toEqual(['later'])
  })

  test('copies the arguments of the initializer when it is made, for all workers there will be', async () => {
    const bytes = new Uint8Array(100_000).fill(7)
    const map = new Map([['k', 1]])
    await using pool = new Pool({
      maxWorkers: 1,
      maxTasksPerWorker: 1,
      initializer: initialize,
      initializerArgs: [transfer(bytes), map],
    })
    expect(bytes.byteLength).toBe(0)
    map.set('k', 2)
    for (let i = 0; i < 2; i++)
      expect(await pool.submit(initial)).toEqual([new Uint8Array(100_000).fill(7), new Map([['k', 1]])])
  })

  test('fails its calls with the error of an initializer that fails, and tries again for the next ones', async () => {
    const obstacle = newPath()
    writeFileSync(obstacle, '')
    await using pool = new Pool({ maxWorkers: 1, initializer: initializeBadly, initializerArgs: [obstacle] })
    const error = await failureOf(pool.submit(place))
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect(error.message).toContain('there is an obstacle')
    expect(error.cause).toBeInstanceOf(RangeError)
    rmSync(obstacle)
    expect(await pool.submit(place)).toBeTypeOf('number')
  })

  test('refuses an initializer that cannot leave the process, and arguments that cannot', () => {
    const local = task({ module: 'nowhere' }, function local() {})
    expect(() => new Pool({ initializer: local })).toThrow(NotShippableError)
    expect(() => new Pool({ initializer: initialize, initializerArgs: [1, { f: () => {} }] })).toThrow(
      SerializationError,
    )
    expect(() => new Pool({ initializer: initialize, initializerArgs: [1, { f: () => {} }] })).toThrow(
      'initializerArgs[1].f',
    )
  })

  test.each([
    ['the pool', {}, { killAfter: 1 }],
    ['the task', { killAfter: 1 }, { killAfter: Infinity }],
  ])('replaces a worker as soon after a time limit as %s says', async (_, ofTask, options) => {
    await using pool = new Pool({ maxWorkers: 1, ...options })
    const exited = next(pool, 'workerExited')
    expect(await failureOf(pool.submit(spin.with(ofTask)))).toBeInstanceOf(TimeoutError)
    expect((await exited).how).toBe('did not stop within 1 ms after the time of spin was up')
    expect((await pool.submit(count))[1]).toBe(1)
  })

  test('lets workers end by themselves where it is never to kill them', async () => {
    const pool = new Pool({ maxWorkers: 1, killAfter: Infinity })
    const exited = next(pool, 'workerExited')
    await pool.submit(place)
    await pool.shutdown()
    expect((await exited).how).toBe('exited with code 0')
  })

  test('takes undefined for an option that is not given', async () => {
    const options = ['maxWorkers', 'concurrency', 'idleTimeout', 'env', 'execArgv', 'initializer', 'outputFile']
    await using pool = new Pool(Object.fromEntries(options.map((option) => [option, undefined])))
    expect(pool.concurrency).toBe(availableParallelism())
  })

  test.each<[string, unknown, string]>([
    ['maxWorkers', 0, 'maxWorkers takes a whole number of at least 1, not 0'],
    ['maxWorkers', 1.5, 'maxWorkers takes a whole number of at least 1, not 1.5'],
    ['maxWorkers', '2', 'maxWorkers takes a whole number of at least 1, not "2"'],
    ['maxWorkers', Infinity, 'maxWorkers takes a whole number of at least 1, not Infinity'],
    ['concurrency', -1, 'concurrency takes a whole number of at least 1, not -1'],
    ['concurrency', Number.NaN, 'concurrency takes a whole number of at least 1, not NaN'],
    ['idleTimeout', -1, 'idleTimeout takes milliseconds of at least 0, not -1'],
    ['idleTimeout', 2 ** 31, 'idleTimeout takes milliseconds of at least 0, not 2147483648'],
    ['killAfter', '1s', 'killAfter takes milliseconds of at least 0, not "1s"'],
    ['maxTasksPerWorker', 0, 'maxTasksPerWorker takes a whole number of at least 1, not 0'],
    ['env', { A: 1 }, 'env takes texts by name, not an object'],
    ['env', ['A=1'], 'env takes texts by name, not an array'],
    ['execArgv', '--no-warnings', 'execArgv takes a list of strings, not "--no-warnings"'],
    ['initializer', () => {}, 'initializer takes a task, not a function'],
    ['initializerArgs', 1, 'initializerArgs takes a list of arguments, not 1'],
    ['outputFile', '', 'outputFile takes the path of a file, not ""'],
    ['maxWorker', 2, 'has no option "maxWorker"; there are maxWorkers, '],
    ['toString', 2, 'has no option "toString"'],
  ])('refuses %s: %j, and says what it takes', (option, value, message) => {
    expect(() => new Pool({ [option]: value } as WorkerPoolOptions)).toThrow(ConfigError)
    expect(() => new Pool({ [option]: value } as WorkerPoolOptions)).toThrow(`${Pool.name}`)
    expect(() => new Pool({ [option]: value } as WorkerPoolOptions)).toThrow(message)
  })

  test('refuses what are no options', () => {
    expect(() => new Pool(4 as never)).toThrow(`${Pool.name} takes an object with options, not 4`)
  })

  test('says to an engine how many calls it has room for', async () => {
    await using engine = new Engine({ executor: new Pool({ maxWorkers: 2, concurrency: 2 }) })
    const shared = newFolder()
    const places = engine.map(meet, Array(4).fill(shared), ['a', 'b', 'c', 'd'], Array(4).fill(4))
    expect(new Set(await places).size).toBe(2)
  })
})

describe('threads', () => {
  test('have the limits that they are given', async () => {
    await using pool = new ThreadPoolExecutor({ maxWorkers: 1, resourceLimits: { maxOldGenerationSizeMb: 64 } })
    expect(await pool.submit(limits)).toMatchObject({ maxOldGenerationSizeMb: 64 })
  })

  test.each([
    [
      'resourceLimits',
      { maxOldGenerationSizeMb: '64' },
      "resourceLimits takes Node's resource limits, numbers by name",
    ],
    ['cwd', '/', 'has no option "cwd"'],
    ['prefix', ['nice'], 'has no option "prefix"'],
  ])('refuse %s: %j', (option, value, message) => {
    expect(() => new ThreadPoolExecutor({ [option]: value })).toThrow(message)
  })
})

describe('processes', () => {
  test('run in the folder that they are given', async () => {
    await using pool = new ProcessPoolExecutor({ maxWorkers: 1, cwd: temporary })
    expect(await pool.submit(folder)).toBe(realpathSync(temporary))
  })

  test('run in the folder of the program by default', async () => {
    await using pool = new ProcessPoolExecutor({ maxWorkers: 1 })
    expect(await pool.submit(folder)).toBe(process.cwd())
  })

  test('are started with the program that is given', async () => {
    const wrapper = newPath()
    writeFileSync(wrapper, `#!/bin/sh\nPOOL_WRAPPED=yes exec '${process.execPath}' "$@"\n`, { mode: 0o755 })
    await using pool = new ProcessPoolExecutor({ maxWorkers: 1, node: wrapper })
    expect(await pool.submit(variables, 'POOL_WRAPPED')).toEqual(['yes'])
    expect(await pool.submit(program)).toBe(process.execPath)
  })

  test('fail their calls at once where there is no such program, and name it', async () => {
    await using pool = new ProcessPoolExecutor({ maxWorkers: 2, node: '/no/such/node' })
    const exited = collect(pool, 'workerExited')
    const error = await failureOf(pool.submit(place))
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect(error.message).toBe(
      'No worker could be started: the last one could not be started: spawn /no/such/node ENOENT',
    )
    expect((error.cause as NodeJS.ErrnoException).code).toBe('ENOENT')
    expect(exited.length).toBe(1)
  })

  test.each([
    ['cwd', '', 'cwd takes the path of a folder, not ""'],
    ['cwd', '/no/such/folder', 'cwd takes the path of a folder, not "/no/such/folder"'],
    ['node', 4, 'node takes a path or a name, not 4'],
    ['prefix', [], 'prefix takes a command as a list of strings, or such commands by label, not an array'],
    [
      'prefix',
      'nice -n 10',
      'prefix takes a command as a list of strings, or such commands by label, not "nice -n 10"',
    ],
    ['prefix', ['nice', 10], 'prefix takes a command as a list of strings, or such commands by label, not an array'],
    [
      'prefix',
      { gpu: 'nice' },
      'prefix takes a command as a list of strings, or such commands by label, not an object',
    ],
    ['resourceLimits', {}, 'has no option "resourceLimits"'],
  ])('refuse %s: %j', (option, value, message) => {
    expect(() => new ProcessPoolExecutor({ [option]: value })).toThrow(message)
  })
})
