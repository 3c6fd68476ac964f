/** What goes wrong with values on their way to workers and back: one task fails, clearly, and all else goes on. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  CancelledError,
  Engine,
  type EngineOptions,
  objectSize,
  SerializationError,
  TimeoutError,
  TransformError,
} from '../../../src/index.ts'
import { fileTransformer } from '../../../src/node/index.ts'
import {
  fill,
  make,
  makeFunction,
  makeUnregistered,
  moody,
  NotRegistered,
  same,
  size,
  sizes,
  small,
  step,
} from './data-plane-fault-tasks.ts'
import { POOLS } from './each-pool.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'taps-sdk-faults-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

/** What a task fails with. */
async function errorOf(future: { exception(): Promise<unknown> }): Promise<Error> {
  return (await future.exception()) as Error
}

/** The paths of the files in the folder, of whichever run. */
function files(): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
}

describe.each(POOLS)('values in files, on $kind', ({ Pool }) => {
  const makeEngine = (options: Partial<EngineOptions> = {}) =>
    new Engine({
      executor: new Pool({ maxWorkers: 1 }),
      transformer: fileTransformer({ dir }),
      filter: objectSize({ minBytes: 1_000 }),
      ...options,
    })

  test('a folder that is a file: told on both sides, and what is small goes on', async () => {
    const path = join(dir, 'file')
    writeFileSync(path, '')
    const engine = makeEngine({ transformer: fileTransformer({ dir: path }) })
    const results = [engine.submit(size, new Uint8Array(5_000)), engine.submit(fill, 5_000, 1)]
    const [argument, result] = await Promise.all(results.map(errorOf))
    expect(argument).toBeInstanceOf(TransformError)
    expect(argument?.message).toMatch(/^Argument 0 of task size could not be transformed: Cannot write .*file/)
    expect(result).toBeInstanceOf(TransformError)
    expect(result?.message).toMatch(/^The result of task fill could not be transformed: Cannot write .*file/)
    expect(result?.cause).toBeInstanceOf(Error)
    expect(await engine.submit(small, 1)).toBe(2)
    await engine.shutdown()
  })

  test('a file that is removed under an identifier fails who needs it', async () => {
    const engine = makeEngine()
    const bytes = engine.submit(fill, 5_000, 1)
    await bytes.exception()
    const other = engine.submit(fill, 5_000, 2)
    for (const path of files()) rmSync(path)
    await other.exception()
    const error = await errorOf(engine.submit(size, bytes))
    expect(error).toBeInstanceOf(TransformError)
    expect(error.message).toMatch(/^Argument 0 of task size could not be resolved: there is nothing under taps-sdk-/)
    await expect(bytes.result()).rejects.toThrow(/^A result could not be resolved: there is nothing under/)
    const [part, whole] = [
      engine.submit(
        size,
        bytes.map((all) => all),
      ),
      engine.submit(sizes, [other, bytes]),
    ]
    expect((await errorOf(part)).name).toBe('DependencyError')
    expect((await errorOf(whole)).message).toMatch(/^A part of an argument of task sizes could not be resolved/)
    await engine.shutdown()
  })

  test('an identifier of another run says how to read that', async () => {
    const other = fileTransformer({ dir })
    const identifier = await other.transform(new Uint8Array(5_000))
    const engine = makeEngine()
    const error = await errorOf(engine.submit(size, identifier as never))
    expect(error).toBeInstanceOf(TransformError)
    expect(error.message).toMatch(
      /^Argument 0 of task size could not be resolved: A key of run taps-sdk-\S+ was given to a FileConnector of run taps-sdk-\S+: make one with \{ run: "taps-sdk-/,
    )
    await engine.shutdown()
    await other.close?.()
  })

  test('two engines in one folder: each removes its own', async () => {
    const [first, second] = [makeEngine(), makeEngine()]
    const kept = second.submit(fill, 5_000, 1)
    await Promise.all([first.submit(fill, 5_000, 1).exception(), kept.exception()])
    expect(files()).toHaveLength(2)
    await first.shutdown()
    expect(files()).toHaveLength(1)
    expect(await second.submit(size, kept)).toBe(5_000)
    await second.shutdown()
    expect(readdirSync(dir)).toEqual([])
  })

  test('what cannot be written: a function, a class that is not registered, as argument and as result', async () => {
    const engine = makeEngine({ filter: undefined })
    const values = [{ deep: [() => 1] }, { deep: [new NotRegistered()] }]
    const failures = await Promise.all([
      ...values.map((value) => errorOf(engine.submit(same, value as never))),
      errorOf(engine.submit(makeFunction)),
      errorOf(engine.submit(makeUnregistered)),
    ])
    for (const [i, error] of failures.entries()) {
      expect(error).toBeInstanceOf(TransformError)
      expect(error.cause).toBeInstanceOf(SerializationError)
      expect(error.message).toMatch(i < 2 ? /^Argument 0 of task same/ : /^The result of task make/)
      expect(error.message).toMatch(/value\.deep\[0\]/)
    }
    expect(await engine.submit(small, 1)).toBe(2)
    await engine.shutdown()
    expect(readdirSync(dir)).toEqual([])
  })

  test('shut down while nobody has awaited the results: they are made, and removed', async () => {
    const engine = makeEngine()
    const futures = [engine.submit(fill, 5_000, 1), engine.submit(fill, 5_000, 2)]
    const total = engine.submit(sizes, futures)
    await engine.shutdown()
    expect(await total).toBe(10_000)
    expect(readdirSync(dir)).toEqual([])
  })

  test('shut down with cancelFutures: what has not begun is cancelled, and nothing is left', async () => {
    const engine = makeEngine()
    const bytes = new Uint8Array(5_000)
    const futures = Array.from({ length: 20 }, () => engine.submit(step, bytes, 0))
    await engine.shutdown({ cancelFutures: true })
    expect(
      await futures
        .at(-1)
        ?.exception()
        .catch((error) => error),
    ).toBeInstanceOf(CancelledError)
    expect(readdirSync(dir)).toEqual([])
  })
})

describe.each(POOLS)('a transformer that gets stuck, or fails, on $kind', ({ Pool }) => {
  const makeEngine = () => new Engine({ executor: new Pool({ maxWorkers: 1, killAfter: 50 }), transformer: moody() })

  test.for(['store', 'fetch'] as const)('the time limit ends a worker that has to %s', async (what) => {
    const engine = makeEngine()
    const stuck = what === 'store' ? make.with({ timeout: 50 }) : same.with({ timeout: 50 })
    const future =
      what === 'store'
        ? engine.submit(stuck as typeof make, 'store', 'stuck')
        : engine.submit(stuck as typeof same, { fetch: 'stuck' })
    expect(await errorOf(future)).toBeInstanceOf(TimeoutError)
    expect(await engine.submit(small, 1)).toBe(2)
    await engine.shutdown()
  })

  test('a task whose result could not be stored is tried again, if it may be', async () => {
    const engine = makeEngine()
    const [first, second] = [join(dir, 'first'), join(dir, 'second')]
    const error = await errorOf(engine.submit(make, 'store', first))
    expect(error.message).toBe('The result of task make could not be transformed: not the first time')
    const future = engine.submit(make.with({ retries: 1 }), 'store', second)
    expect(await future).toEqual({ store: second })
    expect(future.info.attempts).toBe(2)
    await engine.shutdown()
  })
})
