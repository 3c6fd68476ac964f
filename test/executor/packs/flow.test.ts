import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, describe, expect, test } from 'vitest'
import { CancelledError, Engine, ExecutorShutdownError, MemoryRecordLogger, objectSize } from '../../../src/index.ts'
import { fileTransformer } from '../../../src/node/index.ts'
import { failureOf } from '../pool/each-pool.ts'
import { echo, hold, holdNow, place, run, runNow, size } from '../pool/fault-tasks.ts'
import { remember, rest, say, speak } from '../pool/output-tasks.ts'
import { numbers, Scratch, twice } from '../pool/scratch.ts'
import { take, takeQuietly } from './flow-tasks.ts'
import { LocalPacks } from './local-backend.ts'

const scratch = new Scratch()
afterAll(() => scratch.remove())

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const program = fileURLToPath(new URL('exit-child.ts', import.meta.url))

/** Starts the workers; after that, short calls share packs. */
async function getToKnow(executor: LocalPacks): Promise<void> {
  await executor.warmup(echo, take)
  for (let i = 0; i < 5; i++) await Promise.all([executor.submit(echo, i), executor.submit(take, 0)])
  executor.backend.sent.length = 0
}

describe('packs on workers', () => {
  test('a call alone leaves alone; many share packs, one after the other', async () => {
    await using executor = new LocalPacks(2)
    await getToKnow(executor)
    for (const i of numbers(3)) expect(await executor.submit(echo, i)).toBe(i)
    expect(executor.backend.sent.splice(0).map((pack) => pack.calls)).toEqual([1, 1, 1])
    for (let round = 0; round < 3; round++)
      expect(await Promise.all(numbers(5000).map((i) => executor.submit(echo, i)))).toEqual(numbers(5000))
    expect(executor.backend.sent.length).toBeLessThan(1500)
    expect(Math.max(...executor.backend.sent.map((pack) => pack.calls))).toBeGreaterThan(20)
  })

  test.each([
    ['keeps its worker busy', take as unknown as typeof takeQuietly],
    ['awaits', takeQuietly],
  ])('calls behind a long one that %s run elsewhere before it ends', async (_, task) => {
    await using executor = new LocalPacks(2)
    await executor.warmup(task)
    for (let i = 0; i < 5; i++) await executor.submit(task, 0)
    executor.backend.sent.length = 0
    const begin = Date.now()
    const calls = numbers(40).map((i) => executor.submit(task, i === 0 ? 1000 : 0))
    const [long, ...others] = await Promise.all(calls)
    expect(Math.max(...executor.backend.sent.map((pack) => pack.calls))).toBeGreaterThan(1)
    expect(long as number).toBeGreaterThanOrEqual(begin + 990)
    // Even if all but one of them had been behind it.
    for (const ended of others) expect(ended).toBeLessThan(long as number)
  })

  test('a short call waits for no two long ones', async () => {
    await using executor = new LocalPacks(2)
    await getToKnow(executor)
    const isLong = (i: number): boolean => i % 20 === 5
    const ends = await Promise.all(numbers(60).map((i) => executor.submit(take, isLong(i) ? 300 : 0)))
    const last = (isIt: (i: number) => boolean): number => Math.max(...ends.filter((_, i) => isIt(i)))
    // Three long ones on two workers: when the third one ends, all others have.
    expect(last((i) => !isLong(i))).toBeLessThan(last(isLong))
  })

  test('arguments and results may be large, and no JSON', async () => {
    await using executor = new LocalPacks(2)
    const bytes = new Uint8Array(3_000_000).map((_, i) => i)
    const values = [
      bytes,
      'x'.repeat(1_000_000),
      new Map([[1, new Float64Array([NaN, -0])]]),
      undefined,
      null,
      [undefined],
    ]
    expect(await Promise.all(values.map((value) => executor.submit(echo, value)))).toEqual(values)
    expect(await executor.submit(size, bytes)).toBe(3_000_000)
    expect(bytes.length).toBe(3_000_000)
  })

  test('100,000 calls wait in little memory', async () => {
    await using executor = new LocalPacks(1)
    const [trace, gate, count] = [scratch.path(), scratch.path(), 100_000]
    await executor.submit(echo, 0)
    const held = executor.submit(hold, trace, 'held', gate)
    await scratch.written(trace, 'held')
    const used = (): number => {
      collectGarbage()
      return process.memoryUsage().heapUsed
    }
    const before = used()
    const calls = numbers(count).map((i) => executor.submit(echo, i))
    await turn()
    const bytes = (used() - before) / count
    scratch.open(gate)
    expect(await held).toBe('held')
    const results = await Promise.all(calls)
    expect(results.every((value, i) => value === i)).toBe(true)
    expect(bytes).toBeLessThan(300)
  })

  test('run the calls of several engines, none of which starves', async () => {
    const executor = new LocalPacks(1)
    await executor.warmup(run)
    const trace = scratch.path()
    const gate = scratch.path()
    const engines = numbers(3).map(() => new Engine({ executor }))
    const held = (engines[0] as Engine).submit(hold, trace, 'held', gate)
    await scratch.written(trace, 'held')
    const tasks = engines.flatMap((engine, e) => numbers(20).map((i) => engine.submit(run, trace, `${e} ${i}`)))
    scratch.open(gate)
    await Promise.all([held, ...tasks])
    const firsts = scratch.lines(trace).slice(1, 10)
    expect(new Set(firsts.map((line) => line[0])).size).toBe(3)
    expect(new Set(tasks.map(({ info }) => info.taskId)).size).toBe(60)
    for (const engine of engines) await engine.shutdown()
  })

  test('go by the priority of tasks that have not been sent', async () => {
    await using engine = new Engine({ executor: new LocalPacks(1) })
    const [trace, gate] = [scratch.path(), scratch.path()]
    const held = engine.submit(hold, trace, 'held', gate)
    await scratch.written(trace, 'held')
    const tasks = numbers(30).map((i) => engine.submit(run.with({ priority: i % 3 }), trace, i))
    scratch.open(gate)
    await Promise.all([held, ...tasks])
    const byPriority = [2, 1, 0].flatMap((priority) => numbers(30).filter((i) => i % 3 === priority))
    expect(scratch.lines(trace).slice(1)).toEqual(byPriority.map(String))
  })

  test('take the elements of a chunk together, and each of them once', async () => {
    const executor = new LocalPacks(2)
    await using engine = new Engine({ executor })
    await executor.warmup(place)
    const places = await engine.map(place.with({ chunkSize: 25 }), numbers(100))
    for (const start of [0, 25, 50, 75]) expect(new Set(places.slice(start, start + 25)).size).toBe(1)
    const trace = scratch.path()
    const elements = engine.map(
      runNow.with({ chunkSize: 10 }),
      Array<string>(30).fill(trace),
      numbers(30),
      numbers(30).map((i) => (i === 3 ? 'exit' : 'none')),
    )
    const outcomes = await Promise.allSettled([...elements])
    expect(outcomes.flatMap(({ status }, i) => (status === 'rejected' ? [i] : []))).toEqual([3])
    expect(twice(scratch.lines(trace))).toEqual([])
  })

  test('leave a record with the machine, the worker and the times of each task', async () => {
    const recordLogger = new MemoryRecordLogger()
    await using engine = new Engine({ executor: new LocalPacks(1), recordLogger })
    const worker = await engine.submit(place)
    const good = numbers(50).map((i) => engine.submit(holdNow, scratch.path(), i))
    const bad = engine.submit(run, scratch.path(), 'bad', 'exit')
    await Promise.allSettled([...good, bad])
    for (const { info } of good) {
      expect(info).toMatchObject({ host: hostname(), worker: `process ${worker}`, execution: { hostname: hostname() } })
      const [start, end] = [info.execution?.taskStartTime as number, info.execution?.taskEndTime as number]
      expect(start).toBeGreaterThanOrEqual(info.submitTime)
      expect(end).toBeGreaterThanOrEqual(start)
      expect(info.receivedTime).toBeGreaterThanOrEqual(end)
      for (const ms of Object.values(info.times)) expect(ms).toBeGreaterThanOrEqual(0)
    }
    expect(bad.info).toMatchObject({ status: 'failed', host: hostname(), execution: null })
    expect(recordLogger.records.length).toBe(52)
  })
})

describe('what tasks write', () => {
  test('is told with the task, its id, the worker and the machine, and stands in the file', async () => {
    const outputFile = join(scratch.folder, 'output', 'of tasks')
    const executor = new LocalPacks(1, { outputFile })
    const lines: unknown[] = []
    executor.on('output', (line) => lines.push(line))
    const engine = new Engine({ executor })
    const task = engine.submit(speak)
    await task
    const worker = await engine.submit(place)
    await engine.shutdown()
    const from = { task: 'speak', taskId: task.info.taskId, worker, host: hostname() }
    expect(lines).toEqual([
      { stream: 'stdout', line: 'one { two: 2 }', ...from },
      { stream: 'stderr', line: 'to error', ...from },
      { stream: 'stdout', line: 'in pieces', ...from },
      { stream: 'stdout', line: 'and two', ...from },
      { stream: 'stdout', line: 'lines at a time', ...from },
      { stream: 'stderr', line: 'without an end', ...from },
    ])
    expect(readFileSync(outputFile, 'utf8')).toContain(`stdout speak ${task.info.taskId}: in pieces\n`)
  })

  test('is told although its call has ended', async () => {
    const executor = new LocalPacks(1)
    const told = new Promise<string>((resolve) => {
      executor.on('output', ({ line }) => resolve(line))
    })
    await executor.submit(remember, 'later')
    await executor.submit(rest)
    expect(await told).toBe('later')
    await executor.shutdown()
  })

  test('is told before its result is there', async () => {
    await using executor = new LocalPacks(1)
    const lines: string[] = []
    executor.on('output', ({ line }) => lines.push(line))
    await executor.submit(say, 'first')
    expect(lines).toEqual(['first'])
  })
})

describe('a data plane', () => {
  test('leaves results where they are, and brings them to the next task', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'packs-plane-'))
    const engine = new Engine({
      executor: new LocalPacks(2),
      transformer: fileTransformer({ dir }),
      filter: objectSize({ minBytes: 1000 }),
    })
    const bytes = new Uint8Array(10_000).fill(3)
    const copy = engine.submit(echo, engine.submit(echo, bytes))
    expect(await engine.submit(size, copy as never)).toBe(10_000)
    expect(readdirSync(dir).length).toBeGreaterThan(0)
    expect(await copy).toEqual(bytes)
    expect(copy.info.bytes).toBeDefined()
    await engine.shutdown()
    rmSync(dir, { recursive: true })
  })
})

describe('shutdown', () => {
  test('waits for what was submitted, refuses more, and ends the workers', async () => {
    const executor = new LocalPacks(2)
    const exits: string[] = []
    executor.on('workerExited', ({ how }) => exits.push(how))
    const trace = scratch.path()
    const calls = numbers(20).map((i) => executor.submit(run, trace, i))
    const closing = executor.shutdown()
    expect(await failureOf(executor.submit(run, trace, 'late'))).toBeInstanceOf(ExecutorShutdownError)
    expect(await failureOf(executor.warmup(run))).toBeInstanceOf(ExecutorShutdownError)
    await closing
    expect(await Promise.all(calls)).toEqual(numbers(20))
    expect(new Set(exits)).toEqual(new Set(['exited with code 0']))
    await executor.shutdown()
  })

  test('cancels what waits if it is told so, and waits for what runs', async () => {
    const executor = new LocalPacks(1)
    const [trace, gate] = [scratch.path(), scratch.path()]
    const held = executor.submit(hold, trace, 'held', gate)
    await scratch.written(trace, 'held')
    const waiting = numbers(5).map((i) => executor.submit(run, trace, i))
    const closing = executor.shutdown({ cancelFutures: true })
    for (const call of waiting) expect(await failureOf(call)).toBeInstanceOf(CancelledError)
    scratch.open(gate)
    expect(await held).toBe('held')
    await closing
    expect(scratch.lines(trace)).toEqual(['held'])
  })

  test('answers at once if it is not to wait; what was submitted still runs', async () => {
    const executor = new LocalPacks(1)
    const [trace, gate] = [scratch.path(), scratch.path()]
    const calls = [executor.submit(hold, trace, 'held', gate), executor.submit(run, trace, 'last')]
    await executor.shutdown({ wait: false })
    scratch.open(gate)
    expect(await Promise.all(calls)).toEqual(['held', 'last'])
    await executor.shutdown()
  })

  test('ends workers that are just being started', async () => {
    const executor = new LocalPacks(2)
    const warm = executor.warmup(echo).catch(() => {})
    await executor.shutdown()
    await warm
  })

  test.each(['end', 'warmup', 'shutdown'])('keeps no program alive that has its results (%s)', async (what) => {
    const { stdout } = await promisify(execFile)(process.execPath, [program, what, scratch.path()])
    expect(stdout).toBe(`[ 'a', 'b' ]\n${what === 'shutdown' ? 'down\n' : ''}`)
  })

  test('workers end with their program, even when it is killed and they are in an endless loop', async () => {
    const client = spawn(process.execPath, [program, 'spin', scratch.path()], { stdio: ['ignore', 'pipe', 'inherit'] })
    const { value } = await createInterface(client.stdout)[Symbol.asyncIterator]().next()
    const workers = JSON.parse(value as string) as number[]
    expect(workers.map(isThere)).toEqual([true, true])
    client.kill('SIGKILL')
    // It ends in the test's time limit, or this does not.
    while (workers.some(isThere)) await sleep(5)
  })
})

/** Whether a process runs: one that nobody has buried does not. */
function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return process.platform !== 'linux' || !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
