import { afterAll, describe, expect, test } from 'vitest'
import { CancelledError, Engine } from '../../../src/index.ts'
import { ThreadPoolExecutor } from '../../../src/node/index.ts'
import { quiet } from '../../support/quiet.ts'
import { failureOf, POOLS } from './each-pool.ts'
import { hold, holdNow, place, run, untilAborted } from './fault-tasks.ts'
import { numbers, Scratch, twice } from './scratch.ts'

const scratch = new Scratch()
afterAll(() => scratch.remove())

/** A call that runs until its gate is open. */
async function held(submit: (trace: string, gate: string) => PromiseLike<unknown>) {
  const [trace, gate] = [scratch.path(), scratch.path()]
  const call = submit(trace, gate)
  await scratch.written(trace, 'held')
  return { trace, gate, call }
}

describe.each(POOLS)('a pool of $kind', ({ kind, Pool }) => {
  test('cancels a call that waits: true, at once, and it never runs', async () => {
    await using pool = new Pool({ maxWorkers: 1 })
    const { trace, gate, call } = await held((...paths) => pool.submit(hold, paths[0], 'held', paths[1]))
    const waiting = pool.submit(run, trace, 'waiting')
    expect(waiting.cancel?.('enough')).toBe(true)
    const error = await failureOf(waiting)
    expect(error).toBeInstanceOf(CancelledError)
    expect(error.cause).toBe('enough')
    expect(waiting.cancel?.()).toBe(true)
    scratch.open(gate)
    await call
    await pool.submit(run, trace, 'last')
    expect(scratch.lines(trace)).toEqual(['held', 'last'])
  })

  test('tells a call that runs to stop, with the reason; it ends as cancelled when its body stops for that', async () => {
    await using pool = new Pool({ maxWorkers: 1 })
    const trace = scratch.path()
    const call = pool.submit(untilAborted, trace)
    await scratch.written(trace, 'begun')
    expect(call.cancel?.(new RangeError('enough'))).toBe(false)
    const error = await failureOf(call)
    expect(error).toBeInstanceOf(CancelledError)
    expect(error.cause).toBeInstanceOf(RangeError)
    expect((error.cause as Error).message).toBe('enough')
    expect(call.cancel?.()).toBe(true)
  })

  test('keeps the result of a call that goes on although it was told to stop', async () => {
    await using pool = new Pool({ maxWorkers: 1 })
    const { gate, call } = await held((...paths) => pool.submit(hold, paths[0], 'held', paths[1]))
    expect((call as ReturnType<typeof pool.submit>).cancel?.()).toBe(false)
    scratch.open(gate)
    expect(await call).toBe('held')
    expect((call as ReturnType<typeof pool.submit>).cancel?.()).toBe(false)
  })

  test('cancels no more than the one call that is meant', async () => {
    await using pool = new Pool({ maxWorkers: 1, concurrency: 2 })
    const [one, other] = [scratch.path(), scratch.path()]
    const gate = scratch.path()
    const calls = [pool.submit(untilAborted, one), pool.submit(hold, other, 'held', gate)] as const
    await Promise.all([scratch.written(one, 'begun'), scratch.written(other, 'held')])
    calls[0].cancel?.()
    expect(await failureOf(calls[0])).toBeInstanceOf(CancelledError)
    scratch.open(gate)
    expect(await calls[1]).toBe('held')
  })

  test('never runs a call that was cancelled behind one that runs, if it said so', async () => {
    await using pool = new Pool({ maxWorkers: 1 })
    for (let i = 0; i < 50; i++) await pool.submit(holdNow, scratch.path(), i)
    const [trace, gate] = [scratch.path(), scratch.path()]
    const calls = numbers(20).map((i) => pool.submit(holdNow, trace, i, i === 0 ? gate : undefined))
    await scratch.written(trace, 0)
    const answers = calls.map((call, i) => i % 2 === 1 && call.cancel?.())
    scratch.open(gate)
    const outcomes = await Promise.allSettled(calls)
    const ran = scratch.lines(trace)
    expect(twice(ran)).toEqual([])
    // What was sent to a thread can be taken back; what was sent to a process is on its way.
    if (kind === 'threads') expect(answers).toEqual(numbers(20).map((i) => i % 2 === 1))
    for (const i of numbers(20)) {
      if (!ran.includes(`${i}`)) expect(outcomes[i]).toMatchObject({ reason: { code: 'CANCELLED' } })
      else expect([answers[i], outcomes[i]]).toEqual([false, { status: 'fulfilled', value: i }])
    }
  })

  test('ends a task of an engine as cancelled, in its record too, and frees its limits', async () => {
    await using engine = new Engine({ executor: new Pool({ maxWorkers: 1 }), limits: { gpu: 1 } })
    const trace = scratch.path()
    const task = engine.submit(untilAborted.with({ labels: 'gpu', retries: 3 }), trace)
    const next = engine.submit(place.with({ labels: 'gpu' }))
    await scratch.written(trace, 'begun')
    expect(task.running()).toBe(true)
    expect(task.cancel('enough')).toBe(false)
    expect(await failureOf(task)).toBeInstanceOf(CancelledError)
    expect(task.info).toMatchObject({ status: 'cancelled', attempts: 1 })
    expect(await next).toBeTypeOf('number')
  })

  test('gives back the limits of a call that was cancelled after an executor took it, and before it was sent', async () => {
    const pool = new Pool({ maxWorkers: 1 })
    await using engine = new Engine({ executor: pool, limits: { gpu: 1 } })
    // Of this one is known that it is short, of the next one nothing: that has to wait for a worker that is idle.
    for (let i = 0; i < 5; i++) await engine.submit(holdNow, scratch.path(), i)
    const { trace, gate, call } = await held((...paths) => engine.submit(holdNow, paths[0], 'held', paths[1]))
    const waiting = engine.submit(run.with({ labels: 'gpu' }), trace, 'waiting')
    // The executor takes calls in a microtask.
    await quiet()
    expect(waiting.cancel()).toBe(true)
    scratch.open(gate)
    await call
    expect(await engine.submit(place.with({ labels: 'gpu' }))).toBeTypeOf('number')
    expect(scratch.lines(trace)).toEqual(['held'])
  })

  test('passes the signal of a task on to its worker', async () => {
    await using engine = new Engine({ executor: new Pool({ maxWorkers: 1 }) })
    const controller = new AbortController()
    const trace = scratch.path()
    const task = engine.submit(untilAborted.with({ signal: controller.signal }), trace)
    await scratch.written(trace, 'begun')
    controller.abort(new RangeError('enough'))
    const error = await failureOf(task)
    expect(error).toBeInstanceOf(CancelledError)
    expect(error.cause).toBeInstanceOf(RangeError)
  })
})

describe('threads', () => {
  test('take back each of very many calls that wait in a chunk, and run none of those', async () => {
    const pool = new ThreadPoolExecutor({ maxWorkers: 1 })
    await using engine = new Engine({ executor: pool })
    const [trace, gate, count] = [scratch.path(), scratch.path(), 6000]
    const elements = engine.map(
      holdNow.with({ chunkSize: count }),
      Array<string>(count).fill(trace),
      numbers(count),
      numbers(count).map((i) => (i === 0 ? gate : undefined)),
    )
    await scratch.written(trace, 0)
    const answers = elements.map((element) => element.cancel())
    scratch.open(gate)
    await Promise.allSettled([...elements])
    const ran = scratch.lines(trace).map(Number)
    expect(ran.filter((i) => answers[i])).toEqual([])
    expect(answers.filter(Boolean).length).toBeGreaterThan(4000)
  })
})
