import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ConfigError, Engine, InProcessExecutor, MemoryRecordLogger, task } from '../../src/index.ts'
import { JsonLinesRecordLogger, ThreadPoolExecutor } from '../../src/node/index.ts'
import { place } from '../executor/pool/fault-tasks.ts'
import { gate } from '../support/gate.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'json-lines-'))
})

afterEach(() => {
  rmSync(folder, { recursive: true })
})

const identity = task({ name: 'identity' }, (value: unknown) => value)

/** The records in a file; fails if a line is not whole. */
function read(path: string): { task_id: string; name: string; success: boolean; status: string }[] {
  const text = readFileSync(path, 'utf8')
  expect(text === '' || text.endsWith('\n')).toBe(true)
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

test('each task is a line', async () => {
  const path = join(folder, 'tasks.jsonl')
  const engine = new Engine({ recordLogger: new JsonLinesRecordLogger({ path }) })
  const failed = engine.submit(
    task({ name: 'failing' }, () => {
      throw new Error('broken')
    }),
  )
  const blocked = engine.submit(identity, failed)
  await Promise.allSettled([engine.submit(identity, 1), failed, blocked])
  await engine.shutdown()
  expect(read(path).map(({ name, success, status }) => [name, success, status])).toEqual([
    ['failing', false, 'failed'],
    ['identity', false, 'blocked'],
    ['identity', true, 'succeeded'],
  ])
})

test('a line names the machine and the worker', async () => {
  const path = join(folder, 'tasks.jsonl')
  const executors = { here: new InProcessExecutor(), there: new ThreadPoolExecutor({ maxWorkers: 1 }) }
  const engine = new Engine({ executors, executor: executors.here, recordLogger: new JsonLinesRecordLogger({ path }) })
  await engine.submit(place)
  const thread = await engine.submit(place.with({ executor: 'there' }))
  await engine.shutdown()
  expect(read(path)).toMatchObject([
    { executor: 'here', host: hostname(), worker: null },
    { executor: 'there', host: hostname(), worker: `thread ${thread}`, execution: { hostname: hostname() } },
  ])
})

test('a record can be read as soon as its task has been awaited, while the run goes on', async () => {
  const path = join(folder, 'tasks.jsonl')
  await using engine = new Engine({ recordLogger: new JsonLinesRecordLogger({ path }) })
  const release = gate()
  const running = engine.submit(() => release.promise)
  const future = engine.submit(identity, 1)
  await future
  expect(read(path).map(({ task_id }) => task_id)).toEqual([future.info.taskId])
  release.open()
  await running
  expect(read(path)).toHaveLength(2)
})

test('missing folders are made', async () => {
  const path = join(folder, 'a', 'b', 'tasks.jsonl')
  const engine = new Engine({ recordLogger: new JsonLinesRecordLogger({ path }) })
  await engine.submit(identity, 1)
  await engine.shutdown()
  expect(read(path)).toHaveLength(1)
})

test('a file that is there is appended to', async () => {
  const path = join(folder, 'tasks.jsonl')
  writeFileSync(path, '{"task_id":"before"}\n')
  for (let i = 0; i < 2; i++) {
    const engine = new Engine({ recordLogger: new JsonLinesRecordLogger({ path }) })
    await engine.submit(identity, i)
    await engine.shutdown()
  }
  const records = read(path)
  expect(records).toHaveLength(3)
  expect(records[0]?.task_id).toBe('before')
})

test('two loggers can write to one file: lines stay whole', async () => {
  const path = join(folder, 'tasks.jsonl')
  const engines = [1, 2].map(() => new Engine({ recordLogger: new JsonLinesRecordLogger({ path }) }))
  await Promise.all(
    engines.map((engine) =>
      engine.map(
        identity,
        Array.from({ length: 500 }, (_, i) => i),
      ),
    ),
  )
  await Promise.all(engines.map((engine) => engine.shutdown()))
  expect(new Set(read(path).map(({ task_id }) => task_id)).size).toBe(1000)
})

test('many records of one moment are all written', async () => {
  const path = join(folder, 'tasks.jsonl')
  const engine = new Engine({ recordLogger: new JsonLinesRecordLogger({ path }) })
  await engine.map(
    identity,
    Array.from({ length: 5000 }, (_, i) => i),
  )
  expect(read(path)).toHaveLength(5000)
  await engine.shutdown()
})

test('the file is open before the first task, so that a wrong path is told at once', () => {
  expect(existsSync(join(folder, 'tasks.jsonl'))).toBe(false)
  const logger = new JsonLinesRecordLogger({ path: join(folder, 'tasks.jsonl') })
  expect(existsSync(join(folder, 'tasks.jsonl'))).toBe(true)
  logger.close()
  expect(() => new JsonLinesRecordLogger({ path: folder })).toThrow(/EISDIR/)
  writeFileSync(join(folder, 'file'), '')
  expect(() => new JsonLinesRecordLogger({ path: join(folder, 'file', 'tasks.jsonl') })).toThrow(/ENOTDIR|EEXIST/)
})

test('close writes the rest, and may be called twice', async () => {
  const path = join(folder, 'tasks.jsonl')
  const memory = new MemoryRecordLogger()
  await using engine = new Engine({ recordLogger: memory })
  await engine.submit(identity, 1)
  const logger = new JsonLinesRecordLogger({ path })
  for (const record of memory.records) logger.log(record)
  logger.close()
  expect(read(path)).toHaveLength(1)
  logger.close()
})

test('any number of loggers add one listener to the process', () => {
  const before = process.listenerCount('exit')
  const loggers = Array.from({ length: 20 }, (_, i) => new JsonLinesRecordLogger({ path: join(folder, `${i}.jsonl`) }))
  expect(process.listenerCount('exit')).toBeLessThanOrEqual(before + 1)
  for (const logger of loggers) logger.close()
})

// Where there is such a file.
test.runIf(existsSync('/dev/full'))(
  'a full disk is a warning: every task keeps its outcome, and shutdown says that the log is not complete',
  async () => {
    const engine = new Engine({ recordLogger: new JsonLinesRecordLogger({ path: '/dev/full' }) })
    const warnings: [string, string][] = []
    engine.on('warning', (message, error) => warnings.push([message, (error as NodeJS.ErrnoException).code ?? '']))
    for (let i = 0; i < 3; i++) expect(await engine.submit(identity, i)).toBe(i)
    expect(warnings.length).toBeGreaterThan(0)
    expect(new Set(warnings.map(String))).toEqual(new Set(['The record logger failed,ENOSPC']))
    await expect(engine.shutdown()).rejects.toMatchObject({ code: 'ENOSPC' })
  },
)

test('a record that comes after close, of another engine, is a warning', async () => {
  const recordLogger = new JsonLinesRecordLogger({ path: join(folder, 'tasks.jsonl') })
  const engine = new Engine({ recordLogger })
  const warnings: string[] = []
  engine.on('warning', (_, error) => warnings.push((error as Error).message))
  await new Engine({ recordLogger }).shutdown()
  const future = engine.submit(identity, 1)
  expect(await future).toBe(1)
  expect(warnings).toEqual([`The log is closed: the record of identity (${future.info.taskId}) is lost`])
  await engine.shutdown()
})

test('a program that ends without shutdown leaves the records of what has ended', () => {
  const path = join(folder, 'tasks.jsonl')
  const source = (file: string): string => JSON.stringify(new URL(`../../src/${file}`, import.meta.url).href)
  const program = `
    import { Engine } from ${source('index.ts')}
    import { JsonLinesRecordLogger } from ${source('node/index.ts')}
    const engine = new Engine({ recordLogger: new JsonLinesRecordLogger({ path: ${JSON.stringify(path)} }) })
    engine.submit((x) => x, 1).addDoneCallback(() => process.exit(0))
  `
  execFileSync(process.execPath, ['--input-type=module', '--eval', program], { stdio: 'pipe' })
  expect(read(path)).toHaveLength(1)
})

test.each<[string, unknown]>([
  ['no path', {}],
  ['an empty path', { path: '' }],
  ['a number', { path: 3 }],
  ['an unknown option', { path: 'x', mode: 'a' }],
  ['no options', undefined],
])('%s is refused', (_, options) => {
  expect(() => new JsonLinesRecordLogger(options as { path: string })).toThrow(ConfigError)
})
