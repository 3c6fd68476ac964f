import { hostname } from 'node:os'
import { afterAll, describe, expect, test } from 'vitest'
import { CancelledError, Engine, SerializationError, TimeoutError, WorkerCrashedError } from '../../../src/index.ts'
import { failureOf, withoutPlace } from '../pool/each-pool.ts'
import {
  type Fault,
  hold,
  holdNow,
  place,
  run,
  runNow,
  runWith,
  size,
  socket,
  spin,
  stopsLate,
  untilAborted,
} from '../pool/fault-tasks.ts'
import { numbers, Scratch, twice } from '../pool/scratch.ts'
import { LocalPacks } from './local-backend.ts'

const scratch = new Scratch()
afterAll(() => scratch.remove())

/** After these, short calls of the tasks share packs. */
async function getToKnow(executor: LocalPacks): Promise<void> {
  await executor.warmup(runNow)
  for (let i = 0; i < 5; i++) {
    await executor.submit(runNow, scratch.path(), i)
    await executor.submit(holdNow, scratch.path(), i)
    await executor.submit(runWith, scratch.path(), new Uint8Array([i]))
  }
  executor.backend.sent.length = 0
}

const byNumber = (a: number, b: number): number => a - b

/** The next exit of a worker. */
function exitOf(executor: LocalPacks): Promise<string> {
  return new Promise((resolve) => {
    executor.on('workerExited', ({ how }) => resolve(how))
  })
}

describe('a worker that ends', () => {
  test.each<[Fault, string]>([
    ['exit', 'exited with code 3'],
    ['kill', 'was killed by SIGKILL'],
  ])('in the middle of a pack (%s) fails one call; each of the others runs once', async (fault, how) => {
    await using executor = new LocalPacks(1)
    await getToKnow(executor)
    const trace = scratch.path()
    const calls = numbers(500).map((i) => executor.submit(runNow, trace, i, i === 250 ? fault : 'none'))
    const outcomes = await Promise.allSettled(calls)
    expect(executor.backend.sent.length).toBeLessThan(250)
    expect(outcomes.flatMap(({ status }, i) => (status === 'rejected' ? [i] : []))).toEqual([250])
    expect(outcomes.map((outcome) => (outcome as { value?: unknown }).value ?? 250)).toEqual(numbers(500))
    expect(scratch.lines(trace).map(Number).sort(byNumber)).toEqual(numbers(500))
    const error = await failureOf(calls[250] as PromiseLike<unknown>)
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect(withoutPlace(error.message)).toBe(`The worker that ran runNow ${how}`)
  })

  test('names itself, its machine, and what was thrown', async () => {
    await using executor = new LocalPacks(1)
    executor.on('output', () => {})
    const worker = await executor.submit(place)
    const error = await failureOf(executor.submit(run, scratch.path(), 'it', 'timer'))
    expect(error.message).toContain(
      `The worker that ran run exited with code 1 (process ${worker} on ${hostname()}): in a timer`,
    )
    expect(error.cause).toBeInstanceOf(RangeError)
  })

  test('because it ran out of memory fails one call, with what it wrote last', async () => {
    await using executor = new LocalPacks(1, { execArgv: ['--max-old-space-size=16'] })
    executor.on('output', () => {})
    const trace = scratch.path()
    const [crash, after] = [executor.submit(run, trace, 'it', 'memory'), executor.submit(run, trace, 'after')]
    const error = await failureOf(crash)
    expect(error.message).toMatch(/^The worker that ran run was killed by SIGABRT/)
    expect(error.message).toMatch(/It wrote last: .*heap out of memory/s)
    expect(error.message.length).toBeLessThan(3000)
    expect(await after).toBe('after')
  })

  test('is replaced, and said to have ended', async () => {
    await using executor = new LocalPacks(1)
    const exit = exitOf(executor)
    const started: number[] = []
    executor.on('workerStarted', ({ id }) => started.push(id))
    const worker = await executor.submit(place)
    process.kill(worker, 'SIGKILL')
    expect(await exit).toBe('was killed by SIGKILL')
    const other = await executor.submit(place)
    expect(started).toEqual([worker, other])
  })

  test('takes no argument along that is no JSON', async () => {
    await using executor = new LocalPacks(1)
    await getToKnow(executor)
    const trace = scratch.path()
    const calls = numbers(20).map((i) =>
      executor.submit(runWith, trace, new Uint8Array([i]), i === 5 ? 'exit' : 'none'),
    )
    const outcomes = await Promise.allSettled(calls)
    expect(outcomes.map((outcome) => (outcome as { value?: number }).value ?? 5)).toEqual(numbers(20))
    expect(twice(scratch.lines(trace))).toEqual([])
  })

  test('whatever ends it, ends it as often as the call may be retried, and no other call with it', async () => {
    await using engine = new Engine({ executor: new LocalPacks(2) })
    const trace = scratch.path()
    const bad = engine.submit(runNow.with({ retries: 3 }), trace, 'bad', 'exit')
    const good = numbers(20).map((i) => engine.submit(runNow, trace, i))
    expect(await failureOf(bad)).toBeInstanceOf(WorkerCrashedError)
    expect(bad.info.attempts).toBe(4)
    expect(await Promise.all(good)).toEqual(numbers(20))
    expect(scratch.lines(trace).filter((line) => line === 'bad').length).toBe(4)
  })

  test('when each call of a pack ends its worker, each of them fails, once', async () => {
    await using executor = new LocalPacks(1)
    await getToKnow(executor)
    const trace = scratch.path()
    const outcomes = await Promise.allSettled(numbers(13).map((i) => executor.submit(runNow, trace, i, 'exit')))
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true)
    expect(scratch.lines(trace).map(Number).sort(byNumber)).toEqual(numbers(13))
  })

  test('that says something else than it should is ended, and replaced', async () => {
    await using executor = new LocalPacks(1)
    const trace = scratch.path()
    const error = await failureOf(executor.submit(run, trace, 'it', 'garbage'))
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect(error.message).toMatch(/said something that makes no sense/)
    expect(await executor.submit(run, trace, 'after')).toBe('after')
  })

  test('cannot be started: calls fail with what it said, and so does the warm-up', async () => {
    await using executor = new LocalPacks(2, { execArgv: ['--no-such-option'] })
    executor.on('output', () => {})
    const error = await failureOf(executor.submit(place))
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect(error.message).toMatch(/^No worker could be started: .*--no-such-option/s)
    expect(await failureOf(executor.warmup(place))).toBeInstanceOf(Error)
  })
})

describe('a time limit', () => {
  test('fails a call promptly that awaits for ever, tells its body, and keeps the worker', async () => {
    await using executor = new LocalPacks(1, { killAfter: 20_000 })
    const worker = await executor.submit(place)
    const trace = scratch.path()
    const error = await failureOf(executor.submit(stopsLate.with({ timeout: 20 }), trace))
    expect(error).toBeInstanceOf(TimeoutError)
    expect(error.message).toBe('Task stopsLate ran longer than 20 ms')
    await scratch.written(trace, 'TimeoutError')
    expect(await executor.submit(place)).toBe(worker)
  })

  test('fails a call in an endless loop before its worker is replaced', async () => {
    await using executor = new LocalPacks(1, { killAfter: 300 })
    const worker = await executor.submit(place)
    const exit = exitOf(executor)
    let hasExited = false
    void exit.then(() => {
      hasExited = true
    })
    const trace = scratch.path()
    expect(await failureOf(executor.submit(spin.with({ timeout: 20 }), trace, 'endless'))).toBeInstanceOf(TimeoutError)
    expect(hasExited).toBe(false)
    expect(await exit).toBe('was killed by SIGKILL')
    expect(await executor.submit(place)).not.toBe(worker)
  })

  test('neither loses nor repeats the short calls in a pack with one that never ends', async () => {
    await using executor = new LocalPacks(1, { killAfter: 0 })
    const trace = scratch.path()
    const limited = holdNow.with({ timeout: 300 })
    await executor.warmup(limited)
    for (let i = 0; i < 5; i++) await executor.submit(limited, scratch.path(), i)
    executor.backend.sent.length = 0
    const calls = numbers(100).map((i) => executor.submit(limited, trace, i, i === 50 ? scratch.path() : undefined))
    const outcomes = await Promise.allSettled(calls)
    expect(executor.backend.sent.length).toBeLessThan(50)
    expect(outcomes.flatMap(({ status }, i) => (status === 'rejected' ? [i] : []))).toEqual([50])
    expect(await failureOf(calls[50] as PromiseLike<unknown>)).toBeInstanceOf(TimeoutError)
    expect(scratch.lines(trace).map(Number).sort(byNumber)).toEqual(numbers(100))
  })

  test('counts again for each attempt', async () => {
    await using engine = new Engine({ executor: new LocalPacks(1, { killAfter: 0 }) })
    const trace = scratch.path()
    const task = engine.submit(spin.with({ timeout: 10, retries: 1 }), trace, 'endless')
    expect(await failureOf(task)).toBeInstanceOf(TimeoutError)
    expect(scratch.lines(trace)).toEqual(['endless', 'endless'])
    expect(task.info).toMatchObject({ status: 'failed', attempts: 2, host: hostname() })
  })
})

describe('cancelling', () => {
  test('a call that waits takes it back', async () => {
    await using executor = new LocalPacks(1)
    const [trace, gate] = [scratch.path(), scratch.path()]
    const held = executor.submit(hold, trace, 'held', gate)
    await scratch.written(trace, 'held')
    const waiting = executor.submit(run, trace, 'waiting')
    expect(waiting.cancel()).toBe(true)
    expect(await failureOf(waiting)).toBeInstanceOf(CancelledError)
    scratch.open(gate)
    expect(await held).toBe('held')
    expect(scratch.lines(trace)).toEqual(['held'])
  })

  test('a call in a pack keeps it from beginning', async () => {
    await using executor = new LocalPacks(1)
    await getToKnow(executor)
    const [trace, gate] = [scratch.path(), scratch.path()]
    const calls = numbers(3).map((i) => executor.submit(holdNow, trace, i, i === 0 ? gate : undefined))
    await scratch.written(trace, 0)
    expect(executor.backend.sent.map((pack) => pack.calls)).toEqual([3])
    calls[1]?.cancel()
    expect(await failureOf(calls[1] as PromiseLike<unknown>)).toBeInstanceOf(CancelledError)
    scratch.open(gate)
    expect([await calls[0], await calls[2]]).toEqual([0, 2])
    expect(scratch.lines(trace)).toEqual(['0', '2'])
  })

  test('a call that runs reaches its body', async () => {
    await using executor = new LocalPacks(1)
    const trace = scratch.path()
    const call = executor.submit(untilAborted, trace)
    await scratch.written(trace, 'begun')
    expect(call.cancel('enough')).toBe(false)
    expect(await failureOf(call)).toBeInstanceOf(CancelledError)
    expect(call.cancelled()).toBe(true)
    expect(await executor.submit(place)).toBeTypeOf('number')
  })
})

describe('what cannot travel', () => {
  test('hurts no neighbour: not an argument, not a result', async () => {
    await using executor = new LocalPacks(1)
    await getToKnow(executor)
    for (let i = 0; i < 5; i++) await failureOf(executor.submit(socket))
    const trace = scratch.path()
    const calls = numbers(10).map((i) =>
      i === 3
        ? executor.submit(socket)
        : i === 6
          ? executor.submit(size, [() => {}])
          : executor.submit(runNow, trace, i),
    )
    const outcomes = await Promise.allSettled(calls)
    expect(outcomes.flatMap(({ status }, i) => (status === 'rejected' ? [i] : []))).toEqual([3, 6])
    const [result, argument] = await Promise.all([3, 6].map((i) => failureOf(calls[i] as PromiseLike<unknown>)))
    expect(result).toBeInstanceOf(SerializationError)
    expect(result?.message).toContain('result.config.socket')
    expect(argument).toBeInstanceOf(SerializationError)
    expect(argument?.message).toContain('args[0][0]')
  })
})
