import { hostname } from 'node:os'
import { afterAll, describe, expect, test } from 'vitest'
import { Engine, SerializationError, WorkerCrashedError } from '../../../src/index.ts'
import { ProcessPoolExecutor, ThreadPoolExecutor, transfer, type WorkerPool } from '../../../src/node/index.ts'
import { collect, failureOf, next, POOLS, withoutPlace } from './each-pool.ts'
import { type Fault, hold, holdNow, place, run, runNow, runWith, socket, start } from './fault-tasks.ts'
import { numbers, Scratch, twice } from './scratch.ts'

const scratch = new Scratch()
afterAll(() => scratch.remove())

const FAULTS: readonly [fault: Fault, how: RegExp][] = [
  ['exit', /exited with code 3/],
  ['timer', /exited with code \d+: in a timer/],
  ['rejection', /exited with code \d+: of nobody/],
]

/** After these, short calls of the task share messages. */
async function getToKnow(pool: WorkerPool): Promise<void> {
  const trace = scratch.path()
  for (let round = 0; round < 3; round++) await Promise.all(numbers(300).map((i) => pool.submit(runNow, trace, i)))
}

describe.each(POOLS)('a pool of $kind', ({ kind, Pool }) => {
  test('fails only the call that ended its worker, says how it ended, and goes on', async () => {
    await using pool = new Pool({ maxWorkers: 1 })
    for (const [fault, how] of FAULTS) {
      const trace = scratch.path()
      const calls = ['before', fault, 'after'].map((name) => pool.submit(run, trace, name, name as Fault))
      const [before, crash, after] = await Promise.allSettled(calls)
      expect([before, after]).toMatchObject([{ value: 'before' }, { value: 'after' }])
      const { reason } = crash as PromiseRejectedResult
      expect(reason).toBeInstanceOf(WorkerCrashedError)
      expect(reason.message).toMatch(/^The worker that ran run /)
      expect(withoutPlace(reason.message)).toMatch(how)
      expect(scratch.lines(trace)).toEqual(['before', fault, 'after'])
    }
  })

  test('keeps the error that ended a worker as the cause', async () => {
    await using pool = new Pool({ maxWorkers: 1 })
    const { cause } = await failureOf(pool.submit(run, scratch.path(), 'it', 'timer'))
    expect(cause).toBeInstanceOf(RangeError)
  })

  test('fails one call of a pack of many; those before it keep their results, those behind it run once', async () => {
    await using pool = new Pool({ maxWorkers: 1 })
    await getToKnow(pool)
    const trace = scratch.path()
    const calls = numbers(1000).map((i) => pool.submit(runNow, trace, i, i === 500 ? 'exit' : 'none'))
    const outcomes = await Promise.allSettled(calls)
    expect(outcomes.flatMap(({ status }, i) => (status === 'rejected' ? [i] : []))).toEqual([500])
    expect(outcomes.map((outcome) => (outcome as { value?: unknown }).value ?? 500)).toEqual(numbers(1000))
    expect(scratch.lines(trace)).toEqual(numbers(1000).map(String))
  })

  test('runs each element of a chunk once when one of them ends the worker', async () => {
    const pool = new Pool({ maxWorkers: 1 })
    await using engine = new Engine({ executor: pool })
    await getToKnow(pool)
    const trace = scratch.path()
    const elements = engine.map(
      runNow.with({ chunkSize: 10 }),
      Array<string>(30).fill(trace),
      numbers(30),
      numbers(30).map((i): Fault => (i === 3 ? 'exit' : 'none')),
    )
    const outcomes = await Promise.allSettled([...elements])
    expect(outcomes.flatMap(({ status }, i) => (status === 'rejected' ? [i] : []))).toEqual([3])
    expect(twice(scratch.lines(trace))).toEqual([])
  })

  test('sends arguments that are no JSON again when a worker ends before it has begun with them', async () => {
    await using pool = new Pool({ maxWorkers: 1 })
    const trace = scratch.path()
    for (let round = 0; round < 3; round++)
      await Promise.all(numbers(100).map((i) => pool.submit(runWith, scratch.path(), new Uint8Array([i]))))
    const calls = numbers(20).map((i) => pool.submit(runWith, trace, new Uint8Array([i]), i === 5 ? 'exit' : 'none'))
    const outcomes = await Promise.allSettled(calls)
    expect(outcomes.map((outcome) => (outcome as { value?: number }).value ?? 5)).toEqual(numbers(20))
    expect(twice(scratch.lines(trace))).toEqual([])
  })

  test('runs a call that ended its worker again, as often as its retries say', async () => {
    await using engine = new Engine({ executor: new Pool({ maxWorkers: 1 }) })
    const trace = scratch.path()
    const bytes = new Uint8Array([7])
    expect(await failureOf(engine.submit(runWith.with({ retries: 1 }), trace, bytes, 'exit'))).toBeInstanceOf(
      WorkerCrashedError,
    )
    expect(scratch.lines(trace)).toEqual(['7', '7'])
    expect(await engine.submit(place)).toBeTypeOf('number')
  })

  test('ends a call that keeps ending its workers, with the history of its attempts', async () => {
    await using engine = new Engine({ executor: new Pool({ maxWorkers: 1 }) })
    const call = engine.submit(run.with({ retries: 2 }), scratch.path(), 'it', 'exit')
    const { message, history } = await failureOf(call)
    const how = 'The worker that ran run exited with code 3'
    expect(withoutPlace(message)).toBe(`${how} (attempt 3)`)
    expect((history as string[]).map(withoutPlace)).toEqual(
      [1, 2].map((attempt) => `attempt ${attempt}: WorkerCrashedError: ${how}`),
    )
    expect(call.info).toMatchObject({ status: 'failed', attempts: 3, exception: { message } })
  })

  test('names the worker and the machine of a call that ended its worker, in the error and in the record', async () => {
    await using engine = new Engine({ executor: new Pool({ maxWorkers: 1 }) })
    const here = engine.submit(place)
    const worker = `${kind === 'threads' ? 'thread' : 'process'} ${await here}`
    expect(here.info).toMatchObject({ host: hostname(), worker, execution: { hostname: hostname() } })
    const crash = engine.submit(run, scratch.path(), 'it', 'exit')
    expect((await failureOf(crash)).message).toBe(
      `The worker that ran run exited with code 3 (${worker} on ${hostname()})`,
    )
    expect(crash.info).toMatchObject({ status: 'failed', host: hostname(), worker, execution: null })
  })

  test('gives limits back after a crash', async () => {
    const limits = { gpu: 1 }
    await using engine = new Engine({ executor: new Pool({ maxWorkers: 2 }), limits })
    const [crash, other] = [
      engine.submit(run.with({ labels: 'gpu' }), scratch.path(), 'it', 'exit'),
      engine.submit(place.with({ labels: 'gpu' })),
    ]
    expect(await failureOf(crash)).toBeInstanceOf(WorkerCrashedError)
    expect(await other).toBeTypeOf('number')
  })

  test('fails the calls of all lanes of a worker that ends, each by its name; those that had not begun run elsewhere', async () => {
    await using pool = new Pool({ maxWorkers: 1, concurrency: 2 })
    const [trace, gate] = [scratch.path(), scratch.path()]
    const held = pool.submit(hold, trace, 'held', gate)
    await scratch.written(trace, 'held')
    const crash = pool.submit(run, trace, 'crash', 'exit')
    const waiting = pool.submit(run, trace, 'waiting')
    const failures = await Promise.all([held, crash].map(failureOf))
    expect(failures.map(({ message }) => withoutPlace(message))).toEqual([
      'The worker that ran hold exited with code 3',
      'The worker that ran run exited with code 3',
    ])
    expect(await waiting).toBe('waiting')
    expect(scratch.lines(trace)).toEqual(['held', 'crash', 'waiting'])
  })

  test('fails calls whose module ends the worker when it is imported', async () => {
    await using pool = new Pool({ maxWorkers: 1, env: { TAPS_TEST_EXIT_AT_IMPORT: '1' } })
    const { fatal } = await import('./fatal-import-tasks.ts')
    const error = await failureOf(pool.submit(fatal))
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect(withoutPlace(error.message)).toBe('The worker that ran fatal exited with code 5')
    expect(await pool.submit(place)).toBeTypeOf('number')
  })

  test('fails all calls that wait when no worker can start, because the initializer ends it; and tries again for the next', async () => {
    const broken = scratch.path()
    scratch.open(broken)
    await using pool = new Pool({ maxWorkers: 1, initializer: start, initializerArgs: [broken] })
    const failures = await Promise.all([pool.submit(place), pool.submit(place)].map(failureOf))
    for (const error of failures) {
      expect(error).toBeInstanceOf(WorkerCrashedError)
      expect(error.message).toMatch(/^No worker could be started: the last one exited with code 4/)
    }
    scratch.close(broken)
    expect(await pool.submit(place)).toBeTypeOf('number')
  })

  test('keeps the worker of a call whose result cannot travel, and says where in it the trouble is', async () => {
    await using pool = new Pool({ maxWorkers: 1 })
    const exits = collect(pool, 'workerExited')
    const before = await pool.submit(place)
    const error = await failureOf(pool.submit(socket))
    expect(error).toBeInstanceOf(SerializationError)
    expect(error.message).toContain('result.config.socket')
    expect(await pool.submit(place)).toBe(before)
    expect(exits).toEqual([])
  })

  test(`fails calls when ${kind} cannot be started as they are to be`, async () => {
    // Threads take no options of V8, and processes none that Node does not know.
    const execArgv = [kind === 'threads' ? '--max-old-space-size=50' : '--no-such-option']
    await using pool = new Pool({ maxWorkers: 2, execArgv })
    const error = await failureOf(pool.submit(place))
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect(error.message).toMatch(/^No worker could be started/)
    expect(await failureOf(pool.warmup(place))).toBeInstanceOf(Error)
  })

  test('kills a worker that was told to end, and does not', async () => {
    await using pool = new Pool({ maxWorkers: 1, maxTasksPerWorker: 1, killAfter: 10 })
    const exits = collect(pool, 'workerExited')
    const trace = scratch.path()
    expect(await pool.submit(run, trace, 'first', 'clingy')).toBe('first')
    expect(await pool.submit(run, trace, 'second')).toBe('second')
    expect(exits[0]?.how).toBe('did not end')
  })
})

describe('threads', () => {
  test('fail a call that needs more memory than it may have, and no other', async () => {
    await using pool = new ThreadPoolExecutor({ maxWorkers: 1, resourceLimits: { maxOldGenerationSizeMb: 16 } })
    const trace = scratch.path()
    const [crash, after] = [pool.submit(run, trace, 'it', 'memory'), pool.submit(run, trace, 'after')]
    const error = await failureOf(crash)
    expect(error.message).toMatch(/^The worker that ran run ran out of memory/)
    expect(error.cause).toMatchObject({ code: 'ERR_WORKER_OUT_OF_MEMORY' })
    expect(await after).toBe('after')
  })

  test('blame nobody for the faults of others, however many workers a call loses before it begins', async () => {
    await using pool = new ThreadPoolExecutor({ maxWorkers: 1 })
    await getToKnow(pool)
    const trace = scratch.path()
    const faults = numbers(30).map((i): Fault => (i % 2 === 0 && i < 22 ? 'exit' : 'none'))
    const outcomes = await Promise.allSettled(faults.map((fault, i) => pool.submit(runNow, trace, i, fault)))
    expect(outcomes.map(({ status }) => status === 'rejected')).toEqual(faults.map((fault) => fault === 'exit'))
    expect(scratch.lines(trace)).toEqual(numbers(30).map(String))
  })

  test('fail a second attempt whose arguments were moved to the first one and cannot be copied', async () => {
    await using engine = new Engine({ executor: new ThreadPoolExecutor({ maxWorkers: 1 }) })
    const { port1, port2 } = new MessageChannel()
    const { message, history } = await failureOf(
      engine.submit(runWith.with({ retries: 1 }), scratch.path(), transfer(port2) as never, 'exit'),
    )
    port1.close()
    expect(message).toContain('The arguments were moved to a worker that has ended')
    expect((history as string[]).map(withoutPlace)).toEqual([
      'attempt 1: WorkerCrashedError: The worker that ran runWith exited with code 3',
    ])
  })

  test('run a call elsewhere that waits behind one that takes longer than thought, with what it was given', async () => {
    await using pool = new ThreadPoolExecutor({ maxWorkers: 2 })
    const started = collect(pool, 'workerStarted')
    const [trace, gate] = [scratch.path(), scratch.path()]
    for (let i = 0; i < 50; i++) await pool.submit(holdNow, scratch.path(), new Map([[1, i]]))
    expect(started.length).toBe(1)
    const [long, other] = [pool.submit(holdNow, trace, 'long', gate), pool.submit(holdNow, trace, new Map([[1, 2]]))]
    expect(await other).toEqual(new Map([[1, 2]]))
    scratch.open(gate)
    expect(await long).toBe('long')
    expect(scratch.lines(trace).length).toBe(2)
    // Given back to the same worker again and again, it would get away when that holds too many: after 10 s.
  }, 9000)
})

describe('processes', () => {
  const FATAL: readonly [fault: Fault, how: RegExp][] = [
    ['kill', /was killed by SIGKILL/],
    ['closeOutput', /was killed by SIGKILL|EBADF/],
    ['garbage', /said something that makes no sense/],
  ]

  test.each(FATAL)('fail only the call that meets its end: %s', async (fault, how) => {
    await using pool = new ProcessPoolExecutor({ maxWorkers: 1 })
    const trace = scratch.path()
    await pool.submit(run, trace, 'before')
    const crash = pool.submit(runNow, trace, fault, fault)
    const after = pool.submit(run, trace, 'after')
    const error = await failureOf(crash)
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect(error.message).toMatch(/^The worker that ran runNow /)
    expect(error.message).toMatch(how)
    expect(await after).toBe('after')
    expect(scratch.lines(trace)).toEqual(['before', fault, 'after'])
  })

  test('that are killed from outside fail the call that runs', async () => {
    await using pool = new ProcessPoolExecutor({ maxWorkers: 1 })
    const worker = await pool.submit(place)
    const [trace, gate] = [scratch.path(), scratch.path()]
    const call = pool.submit(holdNow, trace, 'it', gate)
    await scratch.written(trace, 'it')
    process.kill(worker, 'SIGKILL')
    expect((await failureOf(call)).message).toBe(
      `The worker that ran holdNow was killed by SIGKILL (process ${worker} on ${hostname()})`,
    )
    expect(await pool.submit(place)).not.toBe(worker)
  })

  test('that are killed while they have nothing to do are replaced, and no call fails', async () => {
    await using pool = new ProcessPoolExecutor({ maxWorkers: 1 })
    const worker = await pool.submit(place)
    const exit = next(pool, 'workerExited')
    process.kill(worker, 'SIGKILL')
    expect(await exit).toMatchObject({ id: worker, how: 'was killed by SIGKILL' })
    expect(await pool.submit(place)).not.toBe(worker)
  })

  test('are replaced when a call has closed the pipe that calls come from', async () => {
    await using pool = new ProcessPoolExecutor({ maxWorkers: 1 })
    const exit = next(pool, 'workerExited')
    const trace = scratch.path()
    expect(await pool.submit(runNow, trace, 'it', 'closeInput')).toBe('it')
    await exit
    expect(await pool.submit(runNow, trace, 'after')).toBe('after')
  })

  test('fail a call that needs more memory than it may have, and no other', async () => {
    await using pool = new ProcessPoolExecutor({ maxWorkers: 1, execArgv: ['--max-old-space-size=16'] })
    const lines = collect(pool, 'output')
    const trace = scratch.path()
    const [crash, after] = [pool.submit(run, trace, 'it', 'memory'), pool.submit(run, trace, 'after')]
    expect(withoutPlace((await failureOf(crash)).message)).toBe('The worker that ran run was killed by SIGABRT')
    expect(await after).toBe('after')
    expect(lines.some(({ line }) => line.includes('heap out of memory'))).toBe(true)
  })

  const PREFIXES: readonly [what: string, prefix: string[], how: RegExp][] = [
    ['does not exist', ['/no/such/command'], /could not be started.*ENOENT/],
    ['exits at once', ['sh', '-c', 'exit 9'], /exited with code 9/],
    ['prints something', ['sh', '-c', 'echo Welcome to this machine, stranger; exec cat'], /makes no sense|SIGKILL/],
    ['says our own words', ['sh', '-c', 'exec cat'], /makes no sense/],
  ]

  test.each(PREFIXES)('fail their calls behind a command that %s', async (_, prefix, how) => {
    await using pool = new ProcessPoolExecutor({ maxWorkers: 1, prefix })
    const errors = await Promise.all([pool.submit(place), pool.submit(place)].map(failureOf))
    for (const error of errors) {
      expect(error).toBeInstanceOf(WorkerCrashedError)
      expect(error.message).toMatch(/^No worker could be started/)
      expect(error.message).toMatch(how)
    }
  })

  test('behind a command fail only the call that ended its worker', async () => {
    await using pool = new ProcessPoolExecutor({ maxWorkers: 1, prefix: ['nice', '-n', '1'] })
    const trace = scratch.path()
    const calls = ['a', 'exit', 'b', 'kill', 'c'].map((name) => pool.submit(run, trace, name, name as Fault))
    const outcomes = await Promise.allSettled(calls)
    const told = outcomes.map((it) => (it.status === 'rejected' ? withoutPlace(it.reason.message) : it.value))
    expect(told).toEqual([
      'a',
      'The worker that ran run exited with code 3',
      'b',
      'The worker that ran run was killed by SIGKILL',
      'c',
    ])
    expect(scratch.lines(trace)).toEqual(['a', 'exit', 'b', 'kill', 'c'])
  })
})
