import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  ConfigError,
  DependencyError,
  Engine,
  MemoryRecordLogger,
  never,
  TransformError,
  WorkerCrashedError,
} from '../../../src/index.ts'
import {
  clientOnly,
  double,
  echo,
  exit,
  fan,
  first,
  folder,
  longer,
  notThere,
  pair,
  pass,
  same,
  settled,
  sum,
  sumAll,
  unstorable,
  withFunction,
} from './data-plane-tasks.ts'
import { POOLS } from './each-pool.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'taps-sdk-plane-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

const traced = (): string[] => readFileSync(join(dir, 'trace'), 'utf8').trim().split('\n')
const stored = (): string[] => readdirSync(dir).filter((name) => name !== 'trace')

describe.each(POOLS)('a transformer of the application on $kind', ({ kind, Pool }) => {
  // The client is a process of the test runner, where the main thread is not the client on threads.
  const make = (options: object = {}) => {
    const executor = new Pool({ maxWorkers: 2, env: { ...process.env, TAPS_TEST_SIDE: 'worker' } })
    return new Engine({ executor, transformer: folder({ dir }), filter: longer({ than: 2 }), ...options })
  }

  test('results are stored by the worker that made them; children get the identifier, and their worker the value', async () => {
    const engine = make()
    const total = engine.submit(sum, engine.submit(double, engine.submit(double, [1, 2, 3])))
    expect(await total).toBe(24)
    expect(traced()).toEqual([
      'client transform',
      'worker resolve',
      'worker transform',
      'worker resolve',
      'worker transform',
      'worker resolve',
    ])
    await engine.shutdown()
  })

  test('the client fetches a result when it is awaited, not before', async () => {
    const engine = make()
    const future = engine.submit(fan, 5)
    await future.exception()
    expect(traced()).toEqual(['worker transform'])
    expect(await future).toEqual([0, 1, 2, 3, 4])
    expect(traced().at(-1)).toBe('client resolve')
    await engine.shutdown()
  })

  test('what the filter refuses travels with the call, both ways', async () => {
    const engine = make()
    expect(await engine.submit(double, [1, 2])).toEqual([2, 4])
    expect(await engine.submit(echo, new Map([[1, 'x'.repeat(100)]]))).toEqual(new Map([[1, 'x'.repeat(100)]]))
    expect(await engine.submit(echo, undefined)).toBeUndefined()
    expect(stored()).toEqual([])
    await engine.shutdown()
  })

  test('references inside of arguments, in every container, and parts of results', async () => {
    const engine = make()
    const futures = engine.map(double, [
      [1, 2, 3],
      [4, 5, 6],
    ])
    const [a] = futures
    expect(await engine.submit(sumAll, futures)).toBe(42)
    expect(await engine.submit(echo, { a, deep: [{ a }], own: new Uint8Array(2) })).toEqual({
      a: [2, 4, 6],
      deep: [{ a: [2, 4, 6] }],
      own: new Uint8Array(2),
    })
    expect(await engine.submit(echo, new Map([[a, new Set([a])]]))).toEqual(
      new Map([[[2, 4, 6], new Set([[2, 4, 6]])]]),
    )
    expect(await engine.submit(same, a, { c: a })).toBe(true)
    await engine.shutdown()
  })

  test('parts of results travel as a path', async () => {
    const engine = make({ filter: undefined })
    const made = engine.submit(pair, 7)
    expect(await engine.submit(sum, made.pick('list'))).toBe(24)
    expect(await engine.submit(sumAll, [made.pick('list'), made.pick('list')])).toBe(48)
    expect(await engine.submit(echo, made.pick('list').at(-1))).toBe(9)
    await engine.shutdown()
  })

  test('lazy parameters are fetched by the worker when the task asks, and passed on without being fetched', async () => {
    const engine = make()
    expect(await engine.submit(first, [7, 8, 9])).toBe(7)
    expect(await engine.submit(first, [7])).toBe(7)
    const passed = engine.submit(pass, engine.submit(pass, [1, 2, 3]))
    await passed.exception()
    expect(traced()).toEqual(['client transform', 'worker resolve', 'client transform'])
    expect(await passed).toEqual([1, 2, 3])
    expect(await engine.submit(settled, engine.submit(fan, 4) as never)).toBe(4)
    await engine.shutdown()
  })

  test('an identifier of the user is resolved on the worker, also with a filter that refuses all', async () => {
    const transformer = folder({ dir })
    const engine = make({ transformer, filter: never() })
    const identifier = transformer.transform([1, 2, 3, 4])
    expect(await engine.submit(sum, identifier as never)).toBe(10)
    expect(stored()).toHaveLength(1)
    await engine.shutdown()
  })

  test('a failure to store or to fetch fails that task, with its cause', async () => {
    const engine = make({ filter: undefined })
    const unstored = (await make({ filter: longer({ than: 5 }) })
      .submit(echo, 'do not store')
      .exception()) as Error
    expect(unstored.message).toBe('Argument 0 of task anonymous could not be transformed: refused')
    const future = engine.submit(fan, 3)
    await future.exception()
    for (const name of stored()) rmSync(join(dir, name))
    const error = (await engine.submit(sum, future).exception()) as Error
    expect(error).toBeInstanceOf(TransformError)
    expect(error.message).toMatch(/^Argument 0 of task anonymous could not be resolved: ENOENT/)
    expect((error.cause as NodeJS.ErrnoException).code).toBe('ENOENT')
    expect(await engine.submit(sum, [1, 2, 3, 4]).exception()).toBeUndefined()
    expect(await engine.submit(echo, engine.submit(sum, future)).exception()).toBeInstanceOf(DependencyError)
    await engine.shutdown()
  })

  test('a result that cannot be stored fails the task', async () => {
    const engine = make({ filter: undefined })
    const error = (await engine.submit(unstorable).exception()) as Error
    expect(error).toBeInstanceOf(TransformError)
    expect(error.message).toBe('The result of task unstorable could not be transformed: refused')
    expect(error.cause).toBeInstanceOf(RangeError)
    await engine.shutdown()
  })

  test('a result that travels itself, and cannot, is told with its path', async () => {
    const engine = make()
    const error = (await engine.submit(withFunction).exception()) as Error
    expect(error.message).toMatch(/^result\.deep\.f is a function/)
    await engine.shutdown()
  })

  test('what the workers cannot make is refused when the engine is made', () => {
    const executor = new Pool({ maxWorkers: 1 })
    const plain = { isIdentifier: () => false, transform: (v: unknown) => v, resolve: (v: unknown) => v }
    expect(() => new Engine({ executor, transformer: plain })).toThrow(ConfigError)
    expect(() => new Engine({ executor, transformer: plain })).toThrow(
      /The transformer is known in this process only.*defineTransformer/,
    )
    expect(() => new Engine({ executor, transformer: folder({ dir }), filter: () => true })).toThrow(
      /The filter is known in this process only.*defineFilter/,
    )
    expect(() => new Engine({ executor, transformer: folder({ dir: (() => {}) as never }) })).toThrow(
      /options of transformer folder\.dir is a function/,
    )
  })

  test('a transformer whose module cannot be imported fails the tasks, with a message that says so', async () => {
    const engine = make({ transformer: notThere() })
    const error = (await engine.submit(fan, 3).exception()) as Error
    expect(error).toBeInstanceOf(TransformError)
    expect(error.message).toMatch(/^The transformer or the filter could not be made in a worker/)
    await engine.shutdown()
  })

  test('a worker that cannot make its transformer, and throws what is no error: the same', async () => {
    const engine = make({ transformer: clientOnly({ dir, client: `${process.pid} ${threadId}` }) })
    const error = (await engine.submit(fan, 3).exception()) as Error
    expect(error).toBeInstanceOf(TransformError)
    expect(error.message).toBe('The transformer or the filter could not be made in a worker: undefined')
    await engine.shutdown()
  })

  test('a worker that dies: a task that may be tried again fetches its arguments again', async () => {
    const engine = make()
    const list = engine.submit(fan, 5)
    const error = await engine.submit(exit.with({ retries: 1 }), list).exception()
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect(await engine.submit(sum, list)).toBe(10)
    await engine.shutdown()
  })

  test('arguments are freed when their last task has ended', async () => {
    const engine = make()
    const xs = [1, 2, 3, 4]
    expect(await engine.map(sum, [xs, xs, xs, xs])).toEqual([10, 10, 10, 10])
    await new Promise((resolve) => setImmediate(resolve))
    expect(stored()).toEqual([])
    expect(traced().filter((line) => line === 'client transform')).toHaveLength(1)
    await engine.shutdown()
  })

  test('records tell times and bytes', async () => {
    const recordLogger = new MemoryRecordLogger()
    const engine = make({ recordLogger })
    await engine.submit(double, [1, 2, 3])
    await engine.shutdown()
    const [record] = recordLogger.records
    expect(record?.bytes).toBeGreaterThan(10)
    const { execution } = record as NonNullable<typeof record>
    expect(execution?.inputTransformEndTime).toBeGreaterThan(execution?.inputTransformStartTime as number)
    expect(execution?.taskStartTime).toBe(execution?.inputTransformEndTime)
    expect(execution?.resultTransformEndTime).toBeGreaterThan(execution?.resultTransformStartTime as number)
  })

  test(`engines with and without a data plane share a pool of ${kind}`, async () => {
    const executor = new Pool({ maxWorkers: 1 })
    const plain = new Engine({ executor })
    const engine = make({ executor })
    expect(await plain.submit(echo, { file: 'x' })).toEqual({ file: 'x' })
    expect(await engine.submit(sum, [1, 2, 3])).toBe(6)
    expect(await plain.submit(sum, engine.submit(fan, 4))).toBe(6)
    await engine.shutdown()
  })
})
