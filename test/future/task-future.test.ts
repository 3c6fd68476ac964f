import { inspect } from 'node:util'
import { describe, expect, test, vi } from 'vitest'
import {
  asCompleted,
  CancelledError,
  ConfigError,
  constant,
  DependencyError,
  Engine,
  futureDict,
  futureList,
  isFuture,
  MemoryRecordLogger,
  type TaskFuture,
  TimeoutError,
  task,
  wait,
} from '../../src/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { quiet } from '../support/quiet.ts'
import { deferred, reasonOf } from './support.ts'

const identity = task(function identity<T>(value: T) {
  return value
})
const fail = task(function fail(error: unknown): number {
  throw error
})

describe('a future as a promise', () => {
  test('await gives the value, any number of times, before and after it is there', async () => {
    await using engine = new Engine()
    const value = {}
    const future = engine.submit(() => value)
    expect(await future).toBe(value)
    expect(await future).toBe(value)
    expect(await Promise.all([future, future])).toEqual([value, value])
  })

  test('then, catch and finally do what those of a promise do', async () => {
    await using engine = new Engine()
    const error = new Error('no')
    const good = engine.submit(identity, 2)
    const bad = engine.submit(fail, error)
    expect(await good.then((n) => (n as number) * 2)).toBe(4)
    expect(await good.then()).toBe(2)
    expect(await good.then(null, () => 'unused')).toBe(2)
    expect(await bad.then(undefined, (reason) => [reason])).toEqual([error])
    expect(await reasonOf(bad.then((n) => n))).toBe(error)
    expect(await bad.catch((reason) => [reason])).toEqual([error])
    expect(await good.catch(() => 'unused')).toBe(2)
    const log: string[] = []
    expect(await good.finally(() => log.push('good'))).toBe(2)
    expect(await reasonOf(bad.finally(() => log.push('bad')))).toBe(error)
    expect(log).toEqual(['good', 'bad'])
  })

  test('they answer with promises, which chain', async () => {
    await using engine = new Engine()
    const future = engine.submit(identity, 1)
    for (const promise of [future.then(), future.catch(), future.finally(), future.result(), future.exception()])
      expect(promise).toBeInstanceOf(Promise)
    expect(
      await future
        .then((n) => engine.submit(identity, n))
        .then((n) => [n])
        .finally(() => {}),
    ).toEqual([1])
  })

  test('handlers never run inside of then', async () => {
    await using engine = new Engine()
    const future = engine.submit(identity, 1)
    await future
    let called = false
    const promise = future.then(() => {
      called = true
    })
    expect(called).toBe(false)
    await promise
    expect(called).toBe(true)
  })
})

describe('result and exception', () => {
  test('exception gives what the task failed with, and undefined for one that succeeded', async () => {
    await using engine = new Engine()
    const error = new Error('no')
    expect(await engine.submit(fail, error).exception()).toBe(error)
    expect(await engine.submit(identity, 1).exception()).toBe(undefined)
    expect(await engine.submit(identity, engine.submit(fail, error)).exception()).toBeInstanceOf(DependencyError)
  })

  test('exception of a cancelled task throws CancelledError, as result does', async () => {
    await using engine = new Engine()
    const future = engine.submit(identity, new Promise(() => {}))
    const early = [future.exception(), future.result()].map(reasonOf)
    future.cancel('enough')
    for (const reason of [...early, reasonOf(future.exception()), reasonOf(future.result())])
      expect(await reason).toBeInstanceOf(CancelledError)
    expect(((await reasonOf(future)) as CancelledError).cause).toBe('enough')
  })

  test('the timeout is a deadline from the call; the task goes on', async () => {
    const clock = new ManualClock()
    await using engine = new Engine({ clock })
    const gate = deferred<number>()
    const future = engine.submit(task({ name: 'slow' }, () => gate.promise))
    const reasons = [future.result({ timeout: 50 }), future.exception({ timeout: 50 })].map(reasonOf)
    const patient = future.result({ timeout: 51 })
    await clock.advance(50)
    for (const reason of await Promise.all(reasons)) {
      expect(reason).toBeInstanceOf(TimeoutError)
      expect((reason as TimeoutError).message).toBe('slow is not done after 50 ms')
      expect((reason as TimeoutError).code).toBe('TIMEOUT')
    }
    expect(future.running()).toBe(true)
    gate.resolve(1)
    expect(await patient).toBe(1)
    expect(await future).toBe(1)
    expect(clock.pending).toBe(0)
  })

  test('a result that is there in time needs no timer any more; one that is there already never does', async () => {
    const clock = new ManualClock()
    await using engine = new Engine({ clock })
    const future = engine.submit(identity, 1)
    expect(await future.result({ timeout: 10 })).toBe(1)
    expect(clock.pending).toBe(0)
    clock.delays.length = 0
    expect(await future.result({ timeout: 0 })).toBe(1)
    expect(clock.delays).toEqual([])
  })

  test('a timeout of 0 gives up on what is not done', async () => {
    const clock = new ManualClock()
    await using engine = new Engine({ clock })
    const gate = deferred<number>()
    const future = engine.submit(() => gate.promise)
    const reason = reasonOf(future.result({ timeout: 0 }))
    await clock.advance(0)
    expect(await reason).toBeInstanceOf(TimeoutError)
    gate.resolve(1)
  })

  test('no timeout, undefined and Infinity mean no limit', async () => {
    const clock = new ManualClock()
    await using engine = new Engine({ clock })
    const gate = deferred<number>()
    const future = engine.submit(() => gate.promise)
    const results = [future.result(), future.result({}), future.result({ timeout: undefined })]
    results.push(future.result({ timeout: Infinity }))
    expect(clock.delays).toEqual([])
    gate.resolve(1)
    expect(await Promise.all(results)).toEqual([1, 1, 1, 1])
  })

  test('an unknown option, or a number in the place of the options, is refused at once', () => {
    const result = constant(1).result as (options: unknown) => unknown
    expect(() => result.call(constant(1), { timeOut: 5 })).toThrow(/result has no option "timeOut"; there are timeout/)
    expect(() => result.call(constant(1), 5)).toThrow(/result takes an object with options, not 5/)
  })

  test.each([-1, Number.NaN, '10', null, 2 ** 31])('a timeout of %s is refused at once', async (timeout) => {
    await using engine = new Engine()
    const future = engine.submit(identity, 1)
    for (const method of ['result', 'exception'] as const) {
      expect(() => future[method]({ timeout: timeout as number })).toThrow(ConfigError)
      expect(() => future[method]({ timeout: timeout as number })).toThrow(/timeout takes milliseconds/)
    }
  })
})

describe('what can be asked of a future', () => {
  test('done, running and cancelled, from submit to the end', async () => {
    await using engine = new Engine()
    const asked = (future: TaskFuture<unknown>) => [future.done(), future.running(), future.cancelled()]
    const [parent, started, gate] = [deferred<number>(), deferred(), deferred<number>()]
    const future = engine.submit(async (n: number) => {
      started.resolve()
      return n + (await gate.promise)
    }, parent.promise)
    expect(asked(future)).toEqual([false, false, false])
    expect(future.info.status).toBe('waiting')
    parent.resolve(1)
    await started.promise
    expect(asked(future)).toEqual([false, true, false])
    expect(future.info.status).toBe('running')
    gate.resolve(2)
    await future
    expect(asked(future)).toEqual([true, false, false])
    expect(future.info.status).toBe('succeeded')
    const failed = engine.submit(fail, new Error('no'))
    await failed.exception()
    expect(asked(failed)).toEqual([true, false, false])
    const cancelled = engine.submit(identity, new Promise(() => {}))
    cancelled.cancel()
    expect(asked(cancelled)).toEqual([true, false, true])
  })

  test('info is the record so far, and complete when await returns', async () => {
    const recordLogger = new MemoryRecordLogger()
    await using engine = new Engine({ recordLogger })
    const future = engine.submit(identity, 1)
    expect(future.info).toMatchObject({
      name: 'identity',
      status: 'ready',
      success: null,
      receivedTime: null,
      execution: null,
    })
    await future
    expect(future.info).toMatchObject({ status: 'succeeded', success: true, attempts: 1 })
    expect(recordLogger.records).toEqual([future.info])
  })
})

describe('addDoneCallback', () => {
  test('callbacks run in the order of registration, once, with the future', async () => {
    await using engine = new Engine()
    const log: unknown[] = []
    const future = engine.submit(identity, 1)
    for (const name of ['first', 'second', 'third']) future.addDoneCallback((done) => log.push([name, done === future]))
    await future
    await future
    expect(log).toEqual([
      ['first', true],
      ['second', true],
      ['third', true],
    ])
  })

  test('one callback added twice runs twice', async () => {
    await using engine = new Engine()
    const callback = vi.fn()
    const future = engine.submit(identity, 1)
    future.addDoneCallback(callback)
    future.addDoneCallback(callback)
    await future
    expect(callback).toHaveBeenCalledTimes(2)
  })

  test('on a finished future it runs at once', async () => {
    await using engine = new Engine()
    const future = engine.submit(identity, 1)
    await future
    const callback = vi.fn()
    future.addDoneCallback(callback)
    expect(callback).toHaveBeenCalledExactlyOnceWith(future)
    const onConstant = vi.fn()
    constant(1).addDoneCallback(onConstant)
    expect(onConstant).toHaveBeenCalledOnce()
  })

  test('they run for failed and cancelled futures too', async () => {
    await using engine = new Engine()
    const states: string[] = []
    const note = (future: TaskFuture<unknown>) => states.push(future.info.status)
    const failed = engine.submit(fail, new Error('no'))
    const blocked = engine.submit(identity, failed)
    const cancelled = engine.submit(identity, new Promise(() => {}))
    for (const future of [failed, blocked, cancelled]) future.addDoneCallback(note)
    cancelled.cancel()
    await Promise.all([failed, blocked, cancelled].map(reasonOf))
    expect(states.sort()).toEqual(['blocked', 'cancelled', 'failed'])
  })

  test('they run before those who awaited later go on', async () => {
    await using engine = new Engine()
    const log: string[] = []
    const future = engine.submit(identity, 1)
    future.addDoneCallback(() => log.push('callback'))
    await future
    log.push('await')
    expect(log).toEqual(['callback', 'await'])
  })

  test('what one throws is reported, and neither stops the others nor changes the outcome', async () => {
    await using engine = new Engine()
    const problem = new Error('a callback that throws')
    const warnings: unknown[][] = []
    engine.on('warning', (...warning) => warnings.push(warning))
    const future = engine.submit(task({ name: 'fine' }, () => 1))
    const after = vi.fn()
    future.addDoneCallback(() => {
      throw problem
    })
    future.addDoneCallback(after)
    const child = engine.submit(identity, future)
    expect(await future).toBe(1)
    expect(await child).toBe(1)
    expect(after).toHaveBeenCalledOnce()
    expect(warnings).toEqual([['A done callback of fine threw', problem]])
    expect(() =>
      future.addDoneCallback(() => {
        throw problem
      }),
    ).not.toThrow()
    expect(warnings).toHaveLength(2)
  })

  test('what an async one rejects with is reported too', async () => {
    await using engine = new Engine()
    const problem = new Error('a callback that rejects')
    const told = deferred<unknown>()
    engine.on('warning', (_, error) => told.resolve(error))
    const future = engine.submit(identity, 1)
    future.addDoneCallback(async () => {
      throw problem
    })
    expect(await future).toBe(1)
    expect(await told.promise).toBe(problem)
  })

  test('on a constant, which has no engine, it is reported on the console', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const problem = new Error('no')
    constant(1).addDoneCallback(() => {
      throw problem
    })
    expect(warn).toHaveBeenCalledExactlyOnceWith('A done callback threw:', problem)
    warn.mockRestore()
  })

  test('a callback may submit, cancel and add callbacks', async () => {
    await using engine = new Engine()
    const log: string[] = []
    const future = engine.submit(identity, 1)
    const other = engine.submit(identity, new Promise(() => {}))
    const submitted = deferred<TaskFuture<unknown>>()
    future.addDoneCallback((done) => {
      submitted.resolve(engine.submit(identity, done) as TaskFuture<unknown>)
      other.cancel()
      done.addDoneCallback(() => log.push('added inside'))
    })
    future.addDoneCallback(() => log.push('added before'))
    await future
    await reasonOf(other)
    expect(await submitted.promise).toBe(1)
    expect(log).toEqual(['added inside', 'added before'])
  })

  test('only a function is taken', async () => {
    await using engine = new Engine()
    const future = engine.submit(identity, 1)
    for (const wrong of [undefined, null, 'callback', {}])
      expect(() => future.addDoneCallback(wrong as never)).toThrow(/addDoneCallback takes a function/)
    expect(() => future.addDoneCallback(undefined as never)).toThrow(TypeError)
  })
})

describe('a future where its value was meant', () => {
  test('explains itself in strings, templates and sums', () => {
    const future = new Engine().submit(identity, 1)
    const explained = '[a future of identity, not its value: await it, or pass it as it is to submit()]'
    expect(String(future)).toBe(explained)
    expect(`${future}`).toBe(explained)
    expect('a '.concat(future as unknown as string)).toBe(`a ${explained}`)
    expect([future, future].join()).toBe(`${explained},${explained}`)
    expect(Number.isNaN(Number(future))).toBe(true)
  })

  test('explains itself in JSON, at any depth', () => {
    const future = new Engine().submit(identity, 1)
    expect(JSON.parse(JSON.stringify({ list: [future] }))).toEqual({ list: [String(future)] })
  })

  test('has no properties that a value would have, and its prototype says what it is', () => {
    const future = new Engine().submit(identity, 1)
    expect(Object.prototype.toString.call(future)).toBe('[object TaskFuture]')
  })

  test('is inspected in one short line, whatever hangs on it', async () => {
    const engine = new Engine()
    const parent = engine.submit(identity, 1)
    const child = engine.submit((...all: unknown[]) => all.length, parent, { large: new Array(1000).fill(parent) })
    expect(inspect(parent)).toBe(`TaskFuture { identity ${parent.info.taskId} ready }`)
    expect(inspect(child)).toBe(`TaskFuture { anonymous ${child.info.taskId} waiting }`)
    expect(inspect({ nested: { list: [child] } })).toContain(inspect(child))
    await child
    expect(inspect(child)).toMatch(/^TaskFuture \{ anonymous \S+ succeeded \}$/)
    expect(inspect(child.pick('toFixed'))).toMatch(/^TaskFuture \{ anonymous \S+ succeeded \}$/)
    expect(inspect(constant(1))).toBe('TaskFuture { value succeeded }')
  })
})

describe('the brand of a future', () => {
  const FUTURE = Symbol.for('taps-sdk.TaskFuture')

  test('is a registered symbol, which all kinds of futures carry', async () => {
    await using engine = new Engine()
    const future = engine.submit(() => ({ a: [1] }))
    const kinds = [future, future.pick('a'), future.map((n) => n), constant(1)]
    for (const kind of kinds) {
      expect((kind as unknown as Record<symbol, unknown>)[FUTURE]).toBe(true)
      expect(isFuture(kind)).toBe(true)
    }
  })

  test('isFuture knows what is none', () => {
    const proxy = new Proxy(
      {},
      {
        get() {
          throw new Error('not to be asked')
        },
      },
    )
    for (const value of [undefined, null, 1, 'text', {}, [], Promise.resolve(), () => 1, { [FUTURE]: 'yes' }, proxy])
      expect(isFuture(value)).toBe(false)
  })

  /** The library as a second package of the same program would load it. */
  async function secondCopy(): Promise<typeof import('../../src/index.ts')> {
    vi.resetModules()
    const copy = await import('../../src/index.ts')
    expect(copy.Engine).not.toBe(Engine)
    return copy
  }

  test('futures of another copy of the library are futures here: as arguments, in lists, for wait and asCompleted', async () => {
    const other = await secondCopy()
    await using theirs = new other.Engine()
    await using ours = new Engine()
    const foreign = theirs.submit((n: number) => n + 1, 1)
    expect(isFuture(foreign)).toBe(true)
    expect(await ours.submit(identity, [foreign])).toEqual([2])
    expect(await ours.submit(() => foreign)).toBe(2)
    expect(await ours.submit(() => [foreign, 5])).toEqual([2, 5])
    expect(await ours.map((n: number) => n * 10, [foreign])).toEqual([20])
    expect(await futureList([foreign, foreign])).toEqual([2, 2])
    expect(await futureDict({ foreign })).toEqual({ foreign: 2 })
    expect(await wait([foreign])).toEqual({ done: new Set([foreign]), notDone: new Set() })
    const seen: unknown[] = []
    for await (const completed of asCompleted([foreign, foreign])) seen.push(completed)
    expect(seen).toEqual([{ future: foreign, index: 0 }])
    expect(seen[0]).toHaveProperty('future', foreign)
  })

  test('lists of another copy are containers first, and its tasks are tasks here', async () => {
    const other = await secondCopy()
    await using theirs = new other.Engine()
    await using ours = new Engine()
    const list = theirs.map((n: number) => n, [1, 2])
    const dict = other.futureDict({ a: theirs.submit(() => 'a') })
    expect(await ours.submit(identity, { list, dict })).toEqual({ list: [1, 2], dict: { a: 'a' } })
    const foreignTask = other.task({ name: 'foreign', priority: 3 }, (n: number) => n)
    const future = ours.submit(foreignTask, 1)
    expect(await future).toBe(1)
    expect(future.info.name).toBe('foreign')
  })

  test('the failure and the cancellation of one are those of a parent', async () => {
    const other = await secondCopy()
    await using theirs = new other.Engine()
    await using ours = new Engine()
    const error = new Error('no')
    const blocked = ours.submit(
      identity,
      theirs.submit(() => {
        throw error
      }),
    )
    expect(((await reasonOf(blocked)) as DependencyError).cause).toBe(error)
    const waiting = theirs.submit(identity, new Promise(() => {}))
    const child = ours.submit(identity, waiting)
    waiting.cancel()
    expect(await reasonOf(child)).toBeInstanceOf(CancelledError)
    expect(child.cancelled()).toBe(true)
  })

  test('nothing of the above goes by the class: an object with the brand and the methods will do', async () => {
    await using engine = new Engine()
    const lookalike = { [FUTURE]: true, ...Object.fromEntries(['cancel', 'done'].map((name) => [name, () => false])) }
    const promise = Promise.resolve(4)
    // biome-ignore lint/suspicious/noThenProperty: a future of somebody else
    const future = Object.assign(lookalike, { then: promise.then.bind(promise) }) as unknown as TaskFuture<number>
    expect(isFuture(future)).toBe(true)
    expect(await engine.submit(identity, [future])).toEqual([4])
    expect(await engine.submit(() => [future] as const)).toEqual([4])
    await quiet()
  })
})
