import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { ConfigError, Engine } from '../../../src/index.ts'
import { type OutputLine, ProcessPoolExecutor } from '../../../src/node/index.ts'
import { run } from '../../examples/child.ts'
import { collect, failureOf, next, POOLS } from './each-pool.ts'
import {
  chatter,
  confirm,
  delegate,
  drone,
  pipe,
  remember,
  rest,
  say,
  sayAndExit,
  sayAndThrow,
  speak,
  spell,
  takeTurns,
} from './output-tasks.ts'

const temporary = mkdtempSync(join(tmpdir(), 'pool-output-'))
afterAll(() => rmSync(temporary, { recursive: true }))
afterEach(() => {
  vi.restoreAllMocks()
})

const linesOf = (lines: readonly OutputLine[], stream: OutputLine['stream']): string[] =>
  lines.filter((line) => line.stream === stream).map(({ line }) => line)

describe.each(POOLS)('a pool of $kind', ({ Pool }) => {
  // Most tests do with the same worker.
  const pool = new Pool({ maxWorkers: 1 })
  afterAll(() => pool.shutdown())

  /** What is told while calls run. */
  async function linesWhile(run: () => PromiseLike<unknown>): Promise<OutputLine[]> {
    const lines: OutputLine[] = []
    const listener = (line: OutputLine): unknown => lines.push(line)
    pool.on('output', listener)
    await run()
    pool.off('output', listener)
    return lines
  }

  test('tells each line that a task writes before it tells the result', async () => {
    const started = next(pool, 'workerStarted')
    const lines = await linesWhile(() => pool.submit(speak))
    expect(linesOf(lines, 'stdout')).toEqual(['one { two: 2 }', 'in pieces', 'and two', 'lines at a time'])
    expect(linesOf(lines, 'stderr')).toEqual(['to error', 'without an end'])
    const { id } = await started
    expect(lines[0]).toMatchObject({ stream: 'stdout', line: 'one { two: 2 }', task: 'speak', taskId: '', worker: id })
  })

  test('says which task of an engine wrote a line', async () => {
    const pool = new Pool({ maxWorkers: 2 })
    const lines = collect(pool, 'output')
    await using engine = new Engine({ executor: pool })
    const futures = engine.map(say.with({ chunkSize: 2 }), ['a', 'b', 'c', 'd'])
    await futures
    const told = lines
      .map(({ line, task, taskId }) => ({ line, task, taskId }))
      .sort((a, b) => (a.line < b.line ? -1 : 1))
    const ids = futures.map(({ info }) => info.taskId)
    expect(new Set(ids).size).toBe(4)
    expect(told).toEqual(['a', 'b', 'c', 'd'].map((line, i) => ({ line, task: 'say', taskId: ids[i] })))
  })

  test('tells the lines of calls that run at the same time in one worker apart', async () => {
    const pool = new Pool({ maxWorkers: 1, concurrency: 3 })
    const lines = collect(pool, 'output')
    await using engine = new Engine({ executor: pool })
    const futures = ['a', 'b', 'c'].map((name) => engine.submit(takeTurns, name, 20))
    await Promise.all(futures)
    const expected = ['a', 'b', 'c'].map((name, i) => ({
      line: `${Array.from({ length: 20 }, (_, word) => `${name}${word} `).join('')}`,
      taskId: futures[i]?.info.taskId,
    }))
    expect(lines.map(({ line, taskId }) => ({ line, taskId })).sort((a, b) => (a.line < b.line ? -1 : 1))).toEqual(
      expected,
    )
  })

  test('puts letters together whose bytes come one by one', async () => {
    const lines = await linesWhile(() => pool.submit(spell, 'Grüße 🌍'))
    expect(linesOf(lines, 'stdout')).toEqual(['Grüße 🌍Grüße 🌍'])
  })

  test('lets a task know when its text was taken', async () => {
    const lines = await linesWhile(async () => expect(await pool.submit(confirm)).toBe(2))
    expect(linesOf(lines, 'stdout')).toEqual(['ab'])
  })

  test('tells what a task pipes into its standard output', async () => {
    const lines = await linesWhile(() => pool.submit(pipe, 'one\n', 'and ', 'two\n'))
    expect(lines.map(({ line, task }) => [line, task])).toEqual([
      ['one', 'pipe'],
      ['and two', 'pipe'],
    ])
  })

  test('knows the task of what is written after the call has ended', async () => {
    const lines = await linesWhile(async () => {
      await pool.submit(remember, 'by the way')
      await pool.submit(rest)
    })
    expect(lines).toMatchObject([{ line: 'by the way', task: 'remember' }])
  })

  test('tells what a task wrote right before its worker ended', async () => {
    await using pool = new Pool({ maxWorkers: 1 })
    const lines = collect(pool, 'output')
    await failureOf(pool.submit(sayAndExit))
    expect(lines).toMatchObject([
      { stream: 'stdout', line: 'last words', task: 'sayAndExit' },
      { stream: 'stderr', line: 'and more', task: 'sayAndExit' },
    ])
  })

  test('tells what a task wrote that fails, and nothing of the error', async () => {
    const lines = await linesWhile(async () =>
      expect((await failureOf(pool.submit(sayAndThrow))).message).toBe('on purpose'),
    )
    expect(lines).toMatchObject([{ stream: 'stdout', line: 'before the error', task: 'sayAndThrow' }])
    expect(lines).toHaveLength(1)
  })

  test('tells a very long line in parts, all of it', async () => {
    const lines = await linesWhile(() => pool.submit(drone, 200_000, 5))
    expect(lines.map(({ line }) => line).join('')).toBe('x'.repeat(1_000_000))
    expect(Math.max(...lines.map(({ line }) => line.length))).toBe(65_536)
  })

  test('tells many lines in order', async () => {
    const lines = await linesWhile(() => pool.submit(chatter, 10_000))
    expect(linesOf(lines, 'stdout')).toEqual(Array.from({ length: 10_000 }, (_, i) => `line ${i}`))
  })

  test('writes to the streams of the program what nobody listens to', async () => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    const writeError = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    await pool.submit(speak)
    expect(write.mock.calls.map(([text]) => text).join('')).toBe(
      'one { two: 2 }\nin pieces\nand two\nlines at a time\n',
    )
    expect(writeError.mock.calls.map(([text]) => text).join('')).toBe('to error\nwithout an end\n')
  })

  test('writes nothing there while somebody listens', async () => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    const lines = await linesWhile(() => pool.submit(say, 'to the listener'))
    expect(write).not.toHaveBeenCalled()
    await pool.submit(say, 'to the program')
    expect(write.mock.calls).toEqual([['to the program\n']])
    expect(lines.map(({ line }) => line)).toEqual(['to the listener'])
  })

  test('goes on where a listener throws', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue()
    await using pool = new Pool({ maxWorkers: 1 })
    for (const event of ['output', 'workerStarted'] as const)
      pool.on(event, () => {
        throw new Error('a bad listener')
      })
    const lines = collect(pool, 'output')
    await pool.submit(say, 'still told')
    expect(lines.map(({ line }) => line)).toEqual(['still told'])
    expect(warn).toHaveBeenCalledTimes(2)
  })

  test('writes lines to a file, with what is known of them', async () => {
    const outputFile = join(temporary, Pool.name, 'new/folder/output.log')
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    const pool = new Pool({ maxWorkers: 1, outputFile })
    expect(existsSync(outputFile)).toBe(true)
    const engine = new Engine({ executor: pool })
    const future = engine.submit(say, 'of an engine')
    await future
    await pool.submit(speak)
    await engine.shutdown()
    const text = readFileSync(outputFile, 'utf8')
    const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /gm
    expect(text.match(time)).toHaveLength(7)
    expect(text.replace(time, '').split('\n').sort()).toEqual(
      [
        `stdout say ${future.info.taskId}: of an engine`,
        ...['one { two: 2 }', 'in pieces', 'and two', 'lines at a time'].map((line) => `stdout speak: ${line}`),
        ...['to error', 'without an end'].map((line) => `stderr speak: ${line}`),
        '',
      ].sort(),
    )
    expect(write).not.toHaveBeenCalled()
  })

  test('adds to a file that is there, and tells its listeners too', async () => {
    const outputFile = join(temporary, `${Pool.name}.log`)
    for (const line of ['first', 'second']) {
      await using pool = new Pool({ maxWorkers: 1, outputFile })
      const lines = collect(pool, 'output')
      await pool.submit(say, line)
      expect(lines.map((it) => it.line)).toEqual([line])
    }
    expect(readFileSync(outputFile, 'utf8')).toMatch(/ say: first\n.* say: second\n$/)
  })

  test('refuses a file that cannot be written', () => {
    const outputFile = join(temporary, `${Pool.name} folder`)
    mkdirSync(outputFile)
    expect(() => new Pool({ outputFile })).toThrow(ConfigError)
    expect(() => new Pool({ outputFile })).toThrow(`outputFile ${outputFile} cannot be written`)
  })

  test('goes on where the file can be written no more', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue()
    const folder = join(temporary, `${Pool.name} gone`)
    await using pool = new Pool({ maxWorkers: 1, outputFile: join(folder, 'output.log') })
    rmSync(folder, { recursive: true })
    await pool.submit(say, 'lost')
    await pool.submit(say, 'lost too')
    expect(warn).toHaveBeenCalledTimes(1)
  })
})

test('what a child process of a task on a thread writes goes where the program writes', {
  timeout: 30_000,
}, async () => {
  const { code, stdout, stderr } = await run(fileURLToPath(new URL('./delegate-on-threads.ts', import.meta.url)), [])
  expect(stdout).toBe('from a child\nits last wordspast the stream\n')
  expect(stderr).toBe('its error\nsay said: hello\n')
  expect(code).toBe(0)
})

describe('processes', () => {
  /** Once the streams of the worker have ended: what others write to them comes when it comes. */
  async function outputOf(options: object): Promise<OutputLine[]> {
    const pool = new ProcessPoolExecutor({ maxWorkers: 1, ...options })
    const lines = collect(pool, 'output')
    await pool.submit(delegate)
    await pool.submit(say, 'after that')
    await pool.shutdown()
    return lines
  }

  test('tell what a child process of a task writes, without the task', async () => {
    const lines = await outputOf({})
    expect(linesOf(lines, 'stdout').sort()).toEqual(
      ['after that', 'from a child', 'its last wordspast the stream'].sort(),
    )
    expect(linesOf(lines, 'stderr')).toEqual(['its error'])
    expect(lines.find(({ line }) => line === 'from a child')).toMatchObject({ task: '', taskId: '' })
  })

  test('tell it as standard error behind a prefix: standard output belongs to the worker', async () => {
    const lines = await outputOf({ prefix: ['env'] })
    expect(linesOf(lines, 'stdout')).toEqual(['after that'])
    expect(linesOf(lines, 'stderr')).toEqual(['from a child', 'its error', 'its last wordspast the stream'])
  })
})
