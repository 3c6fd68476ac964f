import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { CancelledError, Engine, SerializationError, TapsError, WorkerCrashedError } from '../../../src/index.ts'
import { CRASHED, FATAL, GIVEN_BACK, LINE, REFUSED, RESULTS, SKIPPED, TIMED_OUT } from '../../../src/worker/protocol.ts'
import { quiet } from '../../support/quiet.ts'
import { failureOf } from '../pool/each-pool.ts'
import { echo } from '../pool/fault-tasks.ts'
import { numbers } from '../pool/scratch.ts'
import { argsOf, FakePacks } from './fake-backend.ts'

/** An executor that knows the task to be short, and how many packs that took. */
async function known(slots = 1): Promise<readonly [executor: FakePacks, next: number]> {
  const executor = new FakePacks(slots)
  const call = executor.submit(echo, 'known')
  executor.backend.echo(await executor.backend.pack(1))
  await call
  return [executor, 2]
}

/** Ends an executor whose packs will not be answered. */
async function giveUp(executor: FakePacks): Promise<void> {
  executor.backend.tell.failed(new Error('The test is over'))
  await executor.shutdown()
}

describe('packs', () => {
  test('take what was submitted at once, if it is known to be short; unknown calls go alone', async () => {
    const executor = new FakePacks()
    const { backend } = executor
    const unknown = numbers(3).map((i) => executor.submit(echo, i))
    expect(argsOf(await backend.pack(1))).toEqual([[0]])
    backend.echo(await backend.pack(1))
    expect(argsOf(await backend.pack(2))).toEqual([[1], [2]])
    backend.echo(await backend.pack(2))
    expect(await Promise.all(unknown)).toEqual([0, 1, 2])
    await executor.shutdown()
    expect(backend.closes).toBe(1)
  })

  test('go alone where calls take longer than the way', async () => {
    const [executor, next] = await known()
    const { backend } = executor
    for (let i = 0; i < 8; i++) {
      const call = executor.submit(echo, i)
      const { id } = await backend.pack(next + i)
      backend.frame(id, RESULTS, 0, 0, Date.now() - 60, [0, 60_000, i])
      backend.answered(id)
      await call
    }
    const calls = numbers(3).map((i) => executor.submit(echo, i))
    for (const i of numbers(3)) {
      const pack = await backend.pack(next + 8 + i)
      expect(pack.calls).toBe(1)
      backend.echo(pack)
    }
    expect(await Promise.all(calls)).toEqual([0, 1, 2])
    await executor.shutdown()
  })

  test('are alone where no other call waits, or is on its way', async () => {
    const [executor, next] = await known(4)
    const { backend } = executor
    const first = executor.submit(echo, 1)
    expect((await backend.pack(next)).isAlone).toBe(true)
    const others = [executor.submit(echo, 2), executor.submit(echo, 3)]
    expect((await backend.pack(next + 1)).isAlone).toBe(false)
    expect((await backend.pack(next + 2)).isAlone).toBe(false)
    // What they returned was told early: that they have not ended yet is of no importance.
    for (const [i, value] of [1, 2, 3].entries()) backend.results(next + i, 0, [value])
    expect(await Promise.all([first, ...others])).toEqual([1, 2, 3])
    const last = executor.submit(echo, 4)
    expect((await backend.pack(next + 3)).isAlone).toBe(true)
    for (const i of [0, 1, 2]) backend.answered(next + i)
    backend.echo(await backend.pack(next + 3))
    expect(await last).toBe(4)
    await executor.shutdown()
  })

  test('share the backlog among the free slots', async () => {
    const [executor, next] = await known(4)
    const calls = numbers(40).map((i) => executor.submit(echo, i))
    await executor.backend.pack(next + 3)
    const packs = executor.backend.sent.slice(1)
    expect(packs.map((pack) => pack.calls)).toEqual([10, 10, 10, 10])
    for (const pack of packs) executor.backend.echo(pack)
    expect(await Promise.all(calls)).toEqual(numbers(40))
    await executor.shutdown()
  })

  test('are bounded: by calls, and by bytes; a large call goes alone', async () => {
    const [executor, next] = await known()
    const { backend } = executor
    const many = numbers(5000).map((i) => executor.submit(echo, i))
    for (let id = next, answered = 0; answered < many.length; id++) {
      const pack = await backend.pack(id)
      expect(pack.calls).toBeLessThanOrEqual(2000)
      answered += pack.calls
      backend.echo(pack)
    }
    expect(await Promise.all(many)).toEqual(numbers(5000))
    const before = backend.sent.length
    const [half, large] = ['h'.repeat(600_000), 'l'.repeat(3_000_000)]
    const calls = ['a', half, 'b', half, large, 'c'].map((text) => executor.submit(echo, text))
    for (let id = before + 1, answered = 0; answered < calls.length; id++) {
      const pack = await backend.pack(id)
      answered += pack.calls
      backend.results(id, 0, Array(pack.calls).fill('done'))
      backend.answered(id)
    }
    expect(await Promise.all(calls)).toEqual(Array(6).fill('done'))
    expect(backend.sent.slice(before).map((pack) => pack.calls)).toEqual([3, 1, 1, 1])
    await executor.shutdown()
  })

  test('are sent ahead where there is much to do: no more than twice the slots', async () => {
    const [executor] = await known(2)
    const { backend } = executor
    const calls = numbers(20_000).map((i) => executor.submit(echo, i))
    const settled = Promise.allSettled(calls)
    await backend.pack(5)
    await quiet()
    expect(backend.sent.length - 1).toBe(4)
    await giveUp(executor)
    await settled
  })

  test('wait until there are slots, whenever these come and go', async () => {
    const executor = new FakePacks(0)
    const { backend } = executor
    const first = executor.submit(echo, 1)
    await quiet()
    expect(backend.starts).toBe(1)
    expect(backend.sent).toEqual([])
    backend.tell.slots(1)
    const pack = await backend.pack(1)
    backend.tell.slots(0)
    const second = executor.submit(echo, 2)
    backend.echo(pack)
    expect(await first).toBe(1)
    await quiet()
    expect(backend.sent.length).toBe(1)
    backend.tell.slots(3)
    backend.echo(await backend.pack(2))
    expect(await second).toBe(2)
    await executor.shutdown()
  })
})

describe('what becomes of a pack', () => {
  /** An executor with a pack of calls on its way, whose arguments are numbers. */
  async function onItsWay(count: number) {
    const [executor, id] = await known()
    const calls = numbers(count).map((i) => executor.submit(echo, i))
    await executor.backend.pack(id)
    return { executor, backend: executor.backend, id, calls }
  }

  test('early results, twice and in any order, settle each call once', async () => {
    const { executor, backend, id, calls } = await onItsWay(4)
    backend.results(id, 2, ['c'])
    backend.results(id, 0, ['a'])
    backend.results(id, 0, ['not a', 'b', 'not c'])
    expect(await Promise.all(calls.slice(0, 3))).toEqual(['a', 'b', 'c'])
    backend.results(id, 0, ['x', 'x', 'x', undefined, 'of nobody'])
    backend.answered(id)
    expect(await calls[3]).toBe(undefined)
    // After its end.
    backend.results(id, 0, ['late'])
    backend.tell.ended(id, { kind: 'answered' })
    backend.frame(id, CRASHED, 'exited', [0, 0, []], '')
    await executor.shutdown()
  })

  test('results that are no JSON come beside the message', async () => {
    const { executor, backend, id, calls } = await onItsWay(1)
    const { encode } = await import('../../../src/worker/codec.ts')
    const { Packing } = await import('../../../src/worker/channel.ts')
    const packing = new Packing()
    packing.add(encode(new Map([[1, new Uint8Array(20_000).fill(7)]]), 'result', false) as never)
    const text = `[${RESULTS},0,0,${Date.now()},[3,10,0],${JSON.stringify(packing.counts)}]`
    backend.tell.frames(id, text, packing.beside)
    backend.answered(id)
    expect(await calls[0]).toEqual(new Map([[1, new Uint8Array(20_000).fill(7)]]))
    await executor.shutdown()
  })

  test('an answer that misses calls fails these', async () => {
    const { executor, backend, id, calls } = await onItsWay(3)
    backend.host(id)
    backend.results(id, 1, ['b'])
    backend.answered(id)
    const [a, b, c] = await Promise.allSettled(calls)
    expect(b).toMatchObject({ value: 'b' })
    for (const failed of [a, c]) {
      expect(failed).toMatchObject({ reason: expect.any(WorkerCrashedError) })
      expect((failed as PromiseRejectedResult).reason.message).toBe(
        'The worker that had echo did not answer it; whether the call had begun is not known (process 4711 on far-away)',
      )
    }
    await executor.shutdown()
  })

  const GARBAGE: readonly [what: string, text: string][] = [
    ['no JSON', '[11,0,'],
    ['null', 'null'],
    ['an object', '{"type":11}'],
    ['an unknown type', '[99]'],
    ['results that are none', '[11,0,0,1,5]'],
    ['a result of an unknown kind', '[11,0,0,1,[77,1,0]]'],
    ['a packet that is not there', '[11,0,0,1,[3,1,0]]'],
    ['a failure that is none', '[11,0,0,1,[2,1,5]]'],
    ['a moved value that is none', '[11,0,0,1,[6,1,null]]'],
    ['counts without packets', '[11,0,0,1,[3,1,0],[7]]'],
    ['a crash without a state', '[22,"exited",null,""]'],
    ['a crash with a state that is none', '[22,"exited",[1,0,5],7]'],
    ['a time that is up nowhere', '[23,0]'],
    ['calls given back that are none', '[25,0,0,{}]'],
  ]

  test.each(GARBAGE)('%s fails its calls, and nothing else', async (_, text) => {
    const { executor, backend, id, calls } = await onItsWay(2)
    backend.tell.frames(id, text, [])
    backend.answered(id)
    for (const outcome of await Promise.allSettled(calls)) expect(outcome.status).toBe('rejected')
    const after = executor.submit(echo, 'after')
    backend.echo(await backend.pack(id + 1))
    expect(await after).toBe('after')
    await executor.shutdown()
  })

  test('what makes no sense is shown', async () => {
    const { executor, backend, id, calls } = await onItsWay(1)
    backend.tell.frames(id, '[99,"what is this?"]', [])
    const error = await failureOf(calls[0] as PromiseLike<unknown>)
    expect(error).toBeInstanceOf(TapsError)
    expect(error.message).toBe('A worker said something that makes no sense: [99,"what is this?"]')
    backend.answered(id)
    await executor.shutdown()
  })

  test('a crash fails the call that ran, names it, the worker and what it wrote; the others run elsewhere', async () => {
    const { executor, backend, id, calls } = await onItsWay(5)
    backend.host(id)
    backend.results(id, 0, ['a'])
    backend.frame(id, CRASHED, 'exited with code 3', [3, 1, ['0,10,"b"']], 'its last words\n')
    backend.tell.ended(id, { kind: 'answered' })
    const error = await failureOf(calls[2] as PromiseLike<unknown>)
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect(error.message).toBe(
      'The worker that ran echo exited with code 3 (process 4711 on far-away)\nIt wrote last: its last words',
    )
    const again = await backend.pack(id + 1)
    expect(argsOf(again)).toEqual([[3], [4]])
    backend.echo(again)
    expect(await Promise.all(calls.filter((_, i) => i !== 2))).toEqual(['a', 'b', 3, 4])
    await executor.shutdown()
  })

  test('a crash takes what was thrown as its cause', async () => {
    const { executor, backend, id, calls } = await onItsWay(1)
    backend.frame(id, FATAL, [[['error', 'RangeError', 'RangeError', 'of nobody', '', ''], {}, {}]])
    backend.frame(id, CRASHED, 'exited with code 7', [1, 0, []], '')
    backend.tell.ended(id, { kind: 'answered' })
    const error = await failureOf(calls[0] as PromiseLike<unknown>)
    expect(error.message).toBe('The worker that ran echo exited with code 7: of nobody')
    expect(error.cause).toBeInstanceOf(RangeError)
    await executor.shutdown()
  })

  test('a result that the worker had not written down to its end is none', async () => {
    const { executor, backend, id, calls } = await onItsWay(3)
    backend.frame(id, CRASHED, 'was killed by SIGKILL', [2, 0, ['0,10,"a"', '0,20,"b']], '')
    backend.tell.ended(id, { kind: 'answered' })
    backend.echo(await backend.pack(id + 1))
    expect(await Promise.allSettled(calls)).toMatchObject([
      { value: 'a' },
      { reason: expect.any(WorkerCrashedError) },
      { value: 2 },
    ])
    await executor.shutdown()
  })

  test('a pack that was lost with its state keeps results; the rest runs elsewhere', async () => {
    const { executor, backend, id, calls } = await onItsWay(3)
    const state = { begun: 2, first: 0, results: ['0,10,"a"'] }
    const cause = new Error('the machine is gone')
    backend.tell.ended(id, { kind: 'lost', how: 'was lost', cause, host: 'node7', worker: 'process 5', state })
    const error = await failureOf(calls[1] as PromiseLike<unknown>)
    expect(error.message).toBe('The worker that ran echo was lost (process 5 on node7): the machine is gone')
    expect(error.cause).toBe(cause)
    backend.echo(await backend.pack(id + 1))
    expect([await calls[0], await calls[2]]).toEqual(['a', 2])
    await executor.shutdown()
  })

  test('a pack that was lost without it fails its calls, and says that nobody knows whether they had begun', async () => {
    const { executor, backend, id, calls } = await onItsWay(2)
    backend.results(id, 0, ['a'])
    backend.tell.ended(id, { kind: 'lost', how: 'has not been heard of' })
    expect(await calls[0]).toBe('a')
    const error = await failureOf(calls[1] as PromiseLike<unknown>)
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect(error.message).toBe(
      'The worker that had echo has not been heard of; whether the call had begun is not known',
    )
    await executor.shutdown()
  })

  test('a call that keeps losing its workers before it begins does not go on for ever', async () => {
    const { executor, backend, id, calls } = await onItsWay(1)
    const settled = Promise.allSettled(calls)
    let lost = 0
    void settled.then(() => {
      lost = -lost
    })
    for (let next = id; lost >= 0 && next < id + 100; next++, lost++) {
      await Promise.race([backend.pack(next), settled])
      if (lost < 0) break
      backend.tell.ended(next, { kind: 'lost', how: 'ended', state: { begun: 0, first: 0, results: [] } })
    }
    const [outcome] = await settled
    expect((outcome as PromiseRejectedResult).reason.message).toMatch(/^\d+ workers ended before they could run echo$/)
    expect(backend.sent.length).toBeLessThan(20)
    await executor.shutdown()
  })

  test('a pack that was not run goes again, without the calls that were cancelled', async () => {
    const { executor, backend, id, calls } = await onItsWay(3)
    expect(calls[1]?.cancel()).toBe(false)
    expect(backend.aborted).toEqual([[id, 1]])
    expect(backend.cancelled).toEqual([])
    backend.tell.ended(id, { kind: 'notRun' })
    expect(await failureOf(calls[1] as PromiseLike<unknown>)).toBeInstanceOf(CancelledError)
    expect(calls[1]?.cancelled()).toBe(true)
    const again = await backend.pack(id + 1)
    expect(argsOf(again)).toEqual([[0], [2]])
    backend.echo(again)
    expect([await calls[0], await calls[2]]).toEqual([0, 2])
    await executor.shutdown()
  })

  test('a pack is taken back once all of its calls are cancelled', async () => {
    const { executor, backend, id, calls } = await onItsWay(2)
    calls[0]?.cancel()
    expect(backend.cancelled).toEqual([])
    calls[1]?.cancel()
    expect(backend.cancelled).toEqual([id])
    backend.tell.ended(id, { kind: 'notRun' })
    for (const call of calls) expect(await failureOf(call)).toBeInstanceOf(CancelledError)
    await executor.shutdown()
  })

  test('a call that was given back runs once, though its host says later that it did not begin', async () => {
    const { executor, backend, id, calls } = await onItsWay(4)
    backend.frame(id, GIVEN_BACK, 2, 0, ['0,10,"a"'])
    backend.frame(id, GIVEN_BACK, 2, 0, ['0,10,"a"'])
    expect(await calls[0]).toBe('a')
    // It goes elsewhere as soon as there is room.
    backend.tell.slots(2)
    const again = await backend.pack(id + 1)
    expect(argsOf(again)).toEqual([[2], [3]])
    backend.frame(id, RESULTS, 0, 0, Date.now(), [0, 10, 'a', 0, 20, 'b', SKIPPED, 20, 0, SKIPPED, 20, 0])
    backend.answered(id)
    expect(await calls[1]).toBe('b')
    backend.echo(again)
    expect(await Promise.all(calls.slice(2))).toEqual([2, 3])
    await quiet()
    expect(backend.sent.length).toBe(again.id)
    await executor.shutdown()
  })

  test.each([
    ['gives back', GIVEN_BACK, [2, 0, ['0,10,"a"', `${SKIPPED},10,0`]]],
    ['says of a worker that ended', CRASHED, ['was killed by SIGKILL', [2, 0, ['0,10,"a"', `${SKIPPED},10,0`]], '']],
    ['says of a call whose time is up', TIMED_OUT, [0, [2, 0, ['0,10,"a"', `${SKIPPED},10,0`]]]],
  ])('a call that did not begin, as a ledger tells that its host %s, goes again', async (_, type, rest) => {
    const { executor, backend, id, calls } = await onItsWay(3)
    backend.frame(id, type, ...rest)
    expect(await calls[0]).toBe('a')
    backend.answered(id)
    const again = await backend.pack(id + 1)
    expect(argsOf(again)).toEqual([[1], [2]])
    backend.echo(again)
    expect([await calls[1], await calls[2]]).toEqual([1, 2])
    await executor.shutdown()
  })

  test('a call that its host says did not begin goes again; a cancelled one does not', async () => {
    const { executor, backend, id, calls } = await onItsWay(3)
    calls[1]?.cancel()
    backend.frame(id, RESULTS, 0, 0, Date.now(), [0, 10, 'a', SKIPPED, 10, 0, SKIPPED, 10, 0])
    backend.answered(id)
    expect(await failureOf(calls[1] as PromiseLike<unknown>)).toBeInstanceOf(CancelledError)
    backend.echo(await backend.pack(id + 1))
    expect([await calls[0], await calls[2]]).toEqual(['a', 2])
    await executor.shutdown()
  })

  test('a call whose time is up fails; those behind it go again, and nobody is told to stop who knows it', async () => {
    const [executor, id] = await known()
    const { backend } = executor
    const calls = numbers(3).map((i) => executor.submit(echo.with({ timeout: 50 }), i))
    await backend.pack(id)
    backend.host(id)
    backend.frame(id, TIMED_OUT, 1, [2, 0, ['0,10,"a"']])
    backend.tell.ended(id, { kind: 'answered' })
    const error = await failureOf(calls[1] as PromiseLike<unknown>)
    expect(error.name).toBe('TimeoutError')
    backend.echo(await backend.pack(id + 1))
    expect([await calls[0], await calls[2]]).toEqual(['a', 2])
    expect(backend.aborted).toEqual([])
    await executor.shutdown()
  })

  test('a pack that no worker could be started for, or that cannot be sent, fails its calls', async () => {
    const { executor, backend, id, calls } = await onItsWay(1)
    backend.frame(id, REFUSED, 'no such Node')
    backend.tell.ended(id, { kind: 'answered' })
    const error = await failureOf(calls[0] as PromiseLike<unknown>)
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect(error.message).toBe('No worker could be started: no such Node')
    const second = executor.submit(echo, 2)
    const refusal = new SerializationError('too large')
    backend.tell.ended((await backend.pack(id + 1)).id, { kind: 'refused', error: refusal })
    expect(await failureOf(second)).toBe(refusal)
    backend.refusal = new RangeError('cannot be sent')
    expect(await failureOf(executor.submit(echo, 3))).toBe(backend.refusal)
    backend.refusal = undefined
    const last = executor.submit(echo, 4)
    backend.echo(await backend.pack(id + 3))
    expect(await last).toBe(4)
    await executor.shutdown()
  })

  test('a line of an unknown stream is one of standard output, and a listener that throws hurts no call', async () => {
    const { executor, backend, id, calls } = await onItsWay(1)
    const lines: unknown[] = []
    executor.on('output', (line) => lines.push(line))
    backend.host(id)
    backend.frame(id, LINE, 'stdin', 'hello', 'echo', 'id')
    backend.frame(id, LINE, 'stderr', 5, null, 'id')
    backend.results(id, 0, ['a'])
    backend.answered(id)
    expect(await calls[0]).toBe('a')
    expect(lines).toMatchObject([
      { stream: 'stdout', line: 'hello', task: 'echo', taskId: 'id', worker: 4711, host: 'far-away' },
      { stream: 'stderr', line: '5' },
    ])
    await executor.shutdown()
  })
})

describe('a back end', () => {
  test('that fails takes along what is on its way and what waits; the next call starts it again', async () => {
    const [executor, id] = await known()
    const { backend } = executor
    const calls = numbers(3000).map((i) => executor.submit(echo, i))
    await backend.pack(id)
    const error = new TapsError('ILLEGAL_STATE', 'The queue is gone')
    backend.tell.failed(error)
    for (const outcome of await Promise.allSettled(calls)) expect(outcome).toMatchObject({ reason: error })
    expect(backend.starts).toBe(1)
    const [sent, next] = [backend.sent.length, executor.submit(echo, 'next')]
    const pack = await backend.pack(sent + 1)
    expect(backend.starts).toBe(2)
    // Of the old one.
    backend.results(id, 0, ['old'])
    backend.tell.ended(id, { kind: 'answered' })
    backend.echo(pack)
    expect(await next).toBe('next')
    await executor.shutdown()
  })

  test('that cannot be started fails each call, and the attempts of a task as often as it may be retried', async () => {
    const executor = new FakePacks(0)
    const { backend } = executor
    backend.start = (listener) => {
      backend.starts++
      queueMicrotask(() => listener.failed(new Error('There is no server')))
    }
    const engine = new Engine({ executor })
    const task = engine.submit(echo.with({ retries: 3 }), 1)
    expect((await failureOf(task)).message).toContain('There is no server')
    expect(task.info.attempts).toBe(4)
    expect(backend.starts).toBe(4)
    await engine.shutdown()
  })

  test('that lost a pack: its calls run again in an engine if they may', async () => {
    const executor = new FakePacks()
    const { backend } = executor
    const engine = new Engine({ executor })
    const [may, mayNot] = [engine.submit(echo.with({ retries: 1 }), 'may'), engine.submit(echo, 'may not')]
    backend.tell?.slots(2)
    for (const id of [1, 2]) {
      await backend.pack(id)
      backend.tell.ended(id, { kind: 'lost', how: 'is gone' })
    }
    expect(await failureOf(mayNot)).toBeInstanceOf(WorkerCrashedError)
    backend.echo(await backend.pack(3))
    expect(await may).toBe('may')
    expect(may.info).toMatchObject({ attempts: 2, host: 'far-away', worker: 'process 4711' })
    await engine.shutdown()
  })

  test.each([
    ['fast', 3_600_000],
    ['slow', -3_600_000],
  ])(
    'whose clock is %s: a body begins after its call was sent, and ends before its result is there',
    async (_, skew) => {
      const executor = new FakePacks()
      const { backend } = executor
      const engine = new Engine({ executor })
      const before = Date.now()
      const task = engine.submit(echo, 1)
      const { id } = await backend.pack(1)
      backend.results(id, 0, [1], Date.now() + skew)
      backend.answered(id)
      await task
      const { submitTime, receivedTime, execution, times } = task.info
      expect(submitTime).toBeGreaterThanOrEqual(before - 1)
      expect(execution?.taskStartTime).toBeGreaterThanOrEqual(submitTime)
      expect(execution?.taskEndTime).toBeGreaterThanOrEqual(execution?.taskStartTime as number)
      expect(receivedTime).toBeGreaterThanOrEqual(execution?.taskEndTime as number)
      for (const ms of Object.values(times)) expect(ms).toBeGreaterThanOrEqual(0)
      await engine.shutdown()
    },
  )

  test('is held while there is something to do, and let go afterwards', async () => {
    const executor = new FakePacks()
    const { backend } = executor
    expect(backend.isHeld).toBe(false)
    const call = executor.submit(echo, 1)
    expect(backend.isHeld).toBe(true)
    backend.echo(await backend.pack(1))
    await call
    while (backend.isHeld) await turn()
    const warm = executor.warmup(echo)
    expect(backend.isHeld).toBe(true)
    const warmup = backend.warmups[0]
    warmup?.resolve()
    await warm
    while (backend.isHeld) await turn()
    await executor.shutdown()
  })

  test('that is never warm does not hold up a shutdown', async () => {
    for (const options of [{}, { cancelFutures: true }]) {
      const executor = new FakePacks(0)
      const warm = failureOf(executor.warmup(echo))
      await executor.shutdown(options)
      expect(await warm).toMatchObject({ code: 'EXECUTOR_SHUTDOWN' })
      expect(executor.backend).toMatchObject({ closes: 1, isHeld: false })
    }
  })

  test('that cannot be warmed up says so, and takes calls all the same', async () => {
    const executor = new FakePacks()
    const warm = failureOf(executor.warmup(echo))
    const error = new Error('no such module')
    executor.backend.warmups[0]?.reject(error)
    expect(await warm).toBe(error)
    const call = executor.submit(echo, 1)
    executor.backend.echo(await executor.backend.pack(1))
    expect(await call).toBe(1)
    await executor.shutdown()
  })

  test('is neither started nor closed by a shutdown without calls', async () => {
    const executor = new FakePacks()
    await executor.shutdown()
    expect([executor.backend.starts, executor.backend.closes]).toEqual([0, 0])
  })
})

describe('shutdown', () => {
  test('waits for packs; with cancelFutures what waits is cancelled, and packs are taken back that have not begun', async () => {
    const [executor, id] = await known()
    const { backend } = executor
    const calls = numbers(10_000).map((i) => executor.submit(echo, i))
    const outcomes = Promise.allSettled(calls)
    await backend.pack(id + 1)
    const closing = executor.shutdown({ cancelFutures: true })
    expect(backend.cancelled).toEqual([id, id + 1])
    backend.echo(await backend.pack(id))
    backend.tell.ended(id + 1, { kind: 'notRun' })
    await closing
    const { calls: count } = await backend.pack(id)
    const all = await outcomes
    expect(all.slice(0, count).every(({ status }) => status === 'fulfilled')).toBe(true)
    for (const outcome of all.slice(count)) expect(outcome).toMatchObject({ reason: expect.any(CancelledError) })
    expect(calls.slice(count).every((call) => call.cancelled())).toBe(true)
    expect(backend.closes).toBe(1)
  })

  test('runs what did not begin where it was sent', async () => {
    const [executor, id] = await known()
    const { backend } = executor
    const calls = numbers(3).map((i) => executor.submit(echo, i))
    await backend.pack(id)
    const closing = executor.shutdown()
    backend.frame(id, CRASHED, 'exited', [0, 0, []], '')
    backend.tell.ended(id, { kind: 'answered' })
    backend.echo(await backend.pack(id + 1))
    expect(await Promise.all(calls)).toEqual([0, 1, 2])
    await closing
  })

  test('ends when the back end fails meanwhile', async () => {
    const [executor, id] = await known()
    const call = failureOf(executor.submit(echo, 1))
    await executor.backend.pack(id)
    const closing = executor.shutdown()
    executor.backend.tell.failed(new Error('gone'))
    expect((await call).message).toBe('gone')
    await closing
  })
})

test('a pack names its tasks, whoever runs it, and its client', async () => {
  const executor = new FakePacks(2)
  const { backend } = executor
  const calls = [executor.submit(echo, 1), executor.submit(echo.with({ timeout: 9 }), 2)]
  const packs = [await backend.pack(1), await backend.pack(2)]
  const [first, second] = packs.map(({ text }) => JSON.parse(text)) as [unknown[], unknown[]]
  expect(first[1]).toBe(second[1])
  expect(first[1]).toMatch(/^[\da-f-]{36}$/)
  expect((first[3] as unknown[][])[0]?.slice(2, 4)).toEqual(['echo', expect.any(Number)])
  expect((second[3] as unknown[][])[0]?.[6]).toBe(9)
  for (const pack of packs) backend.echo(pack)
  expect(await Promise.all(calls)).toEqual([1, 2])
  await executor.shutdown()
})
