import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Engine, task, workerResource } from '../../src/index.ts'
import type { OutputLine, WorkerPool, WorkerPoolOptions } from '../../src/node/index.ts'
import * as tasks from './fixtures/resources.ts'
import { pools } from './pools.ts'

let folder: string
let log: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'taps-sdk-resources-'))
  log = join(folder, 'log')
  writeFileSync(log, '')
})
afterEach(() => rmSync(folder, { recursive: true }))

/** What happened to resources; the first workers are called a, b, … */
function events(): string[] {
  const lines = readFileSync(log, 'utf8').split('\n').slice(0, -1)
  const workers = [...new Set(lines.map((line) => line.split(' ').at(-1)))]
  return lines.map((line) => {
    const words = line.split(' ')
    return [...words.slice(0, -1), 'abcd'[workers.indexOf(words.at(-1))]].join(' ')
  })
}

/** Resolves when as many workers have ended. */
function exits(pool: WorkerPool, count: number): Promise<void> {
  return new Promise((resolve) => {
    pool.on('workerExited', () => --count === 0 && resolve())
  })
}

describe.each(pools)('workerResource on %s', (_, Pool) => {
  const make = (options: WorkerPoolOptions = {}): WorkerPool =>
    new Pool({ maxWorkers: 1, env: { RESOURCE_LOG: log }, ...options })

  test('is made once, when a task asks for it, and disposed of at shutdown, the last one first', async () => {
    const pool = make()
    await pool.submit(tasks.useNothing)
    expect(events()).toEqual([])
    const calls = [tasks.usePlain, tasks.usePromised, tasks.usePlain, tasks.usePromised]
    expect(await Promise.all(calls.map((each) => pool.submit<[], unknown>(each)))).toEqual([1, 2, 1, 2])
    expect(events()).toEqual(['make plain a', 'make promised a'])
    await pool.shutdown()
    expect(events().slice(2)).toEqual(['dispose promised 2 a', 'dispose plain a'])
  })

  test('is made once for calls that run at the same time', async () => {
    await using pool = make({ concurrency: 4 })
    const calls = [1, 2, 3, 4].map(() => pool.submit(tasks.usePromised))
    expect(await Promise.all(calls)).toEqual([1, 1, 1, 1])
    expect(events()).toEqual(['make promised a'])
  })

  test('is disposed of when a worker has been idle, and made anew in the next one', async () => {
    await using pool = make({ idleTimeout: 1 })
    const exited = exits(pool, 1)
    await pool.submit(tasks.usePromised)
    await exited
    expect(events()).toEqual(['make promised a', 'dispose promised 1 a'])
    await pool.submit(tasks.usePlain)
    expect(events()[2]).toBe('make plain b')
  })

  test('is disposed of with a worker that has run as many calls as it may', async () => {
    await using pool = make({ maxTasksPerWorker: 2 })
    const exited = exits(pool, 2)
    expect(await Promise.all([1, 2, 3, 4].map(() => pool.submit(tasks.usePlain)))).toEqual([1, 1, 1, 1])
    await exited
    for (const worker of ['a', 'b']) {
      const own = events().filter((event) => event.endsWith(worker))
      expect(own).toEqual([`make plain ${worker}`, `dispose plain ${worker}`])
    }
  })

  test.each([
    ['throws', tasks.useUnlucky],
    ['rejects', tasks.useUnluckyLater],
  ])('fails the call when making it %s, and is tried again by the next', async (_, unlucky) => {
    await using pool = make()
    for (const no of [1, 2])
      await expect(pool.submit<[], unknown>(unlucky)).rejects.toThrow(new RangeError(`no luck ${no}`))
    expect(await pool.submit<[], unknown>(unlucky)).toBe('luck')
    expect(await pool.submit<[], unknown>(unlucky)).toBe('luck')
  })

  test('that fails to be disposed of says so, and holds up no other', async () => {
    const pool = make()
    const lines: OutputLine[] = []
    pool.on('output', (line) => lines.push(line))
    await pool.submit(tasks.usePlain)
    await pool.submit(tasks.useStubborn)
    await pool.shutdown()
    expect(events()).toEqual(['make plain a', 'dispose stubborn a', 'dispose plain a'])
    expect(lines.filter(({ stream }) => stream === 'stderr').map(({ line }) => line)).toEqual(
      expect.arrayContaining([expect.stringContaining('it does not want to go')]),
    )
  })

  test('that is never done with its disposal does not hold up the shutdown', async () => {
    const pool = make({ killAfter: 50 })
    await pool.submit(tasks.useEndless)
    await pool.shutdown()
    expect(events()).toEqual(['dispose endless a'])
  })
})

describe('workerResource in the process of the program', () => {
  test('is made once, until it is disposed of', async () => {
    const disposed: number[] = []
    let made = 0
    const resource = workerResource(
      async () => ++made,
      (no) => disposed.push(no),
    )
    const read = task(async (_: number) => await resource())
    await resource.dispose()
    await using engine = new Engine()
    expect(await engine.map(read, [1, 2])).toEqual([1, 1])
    await resource.dispose()
    expect(disposed).toEqual([1])
    expect(await engine.submit(read, 3)).toBe(2)
    await Promise.all([resource.dispose(), resource.dispose()])
    expect(disposed).toEqual([1, 2])
  })

  test('takes a function', () => {
    expect(() => workerResource('model' as never)).toThrow(new TypeError('workerResource takes a function, not string'))
  })
})
