import { expect, test, vi } from 'vitest'
import {
  CancelledError,
  ConfigError,
  Engine,
  InProcessExecutor,
  type StreamOptions,
  type TaskFuture,
  task,
  taskContext,
} from '../../src/index.ts'
import { type Gate, gate } from '../support/gate.ts'
import { quiet } from '../support/quiet.ts'

const identity = <T>(value: T): T => value

/** An endless source that says how far it was read, and when it was closed. */
function endless() {
  const state = { read: 0, closed: 0 }
  function* numbers(): Generator<number> {
    try {
      for (;;) yield state.read++
    } finally {
      state.closed++
    }
  }
  return Object.assign(state, { numbers: numbers(), asyncNumbers: asAsync(numbers()) })
}

async function* asAsync<T>(source: Iterable<T>): AsyncGenerator<T> {
  yield* source
}

async function collect<T>(results: AsyncIterable<T>): Promise<T[]> {
  const values: T[] = []
  for await (const value of results) values.push(value)
  return values
}

/** A task whose calls wait until the test lets each of them go. */
class Doors {
  readonly gates: Gate<string>[] = []
  readonly signals: AbortSignal[] = []
  readonly run = task({ name: 'door' }, (i: number) => {
    const door = gate<string>()
    this.gates[i] = door
    this.signals[i] = taskContext().signal
    return door.promise
  })

  open(i: number): void {
    this.gates[i]?.open(`value ${i}`)
  }

  get started(): number {
    return this.gates.length
  }
}

/** What has become of a promise by now. */
async function stateOf(promise: PromiseLike<unknown>): Promise<unknown> {
  let state: unknown = 'pending'
  promise.then(
    (value) => {
      state = value
    },
    (error) => {
      state = error
    },
  )
  await quiet()
  return state
}

// --- Sources and order

test.each<[string, () => Iterable<number> | AsyncIterable<number>]>([
  ['an array', () => [1, 2, 3]],
  ['a Set', () => new Set([1, 2, 3])],
  ['a generator', () => [1, 2, 3].values()],
  ['an async generator', () => asAsync([1, 2, 3])],
  ['an iterable of promises', () => [1, 2, 3].map((x) => Promise.resolve(x)) as unknown as number[]],
])('the results over %s come in order', async (_, source) => {
  await using engine = new Engine()
  const values = await collect(engine.stream((x: number) => x * 10, source()))
  expect(values).toEqual([10, 20, 30])
})

test('an empty source has no results', async () => {
  await using engine = new Engine()
  expect(await collect(engine.stream(identity, []))).toEqual([])
  expect(await collect(engine.stream(identity, asAsync([])))).toEqual([])
})

test('futures in the source are parents', async () => {
  await using engine = new Engine()
  const parents = engine.map(identity<number>, [1, 2, 3])
  expect(await collect(engine.stream((x: number) => x + 1, [...parents]))).toEqual([2, 3, 4])
  expect(engine.graph().nodes[3]?.parents).toEqual([parents[0]?.info.taskId])
})

test('undefined, null, 0 and false are results like others', async () => {
  await using engine = new Engine()
  const values = [undefined, null, 0, false, '']
  expect(await collect(engine.stream(identity<unknown>, values))).toEqual(values)
  expect(await collect(engine.stream(identity<unknown>, values, { ordered: false }))).toEqual(values)
})

test('ordered is the default: a result that is done early waits for those before it', async () => {
  await using engine = new Engine()
  const doors = new Doors()
  const results = engine.stream(doors.run, [0, 1, 2])
  const first = results.next()
  await quiet()
  doors.open(2)
  doors.open(1)
  expect(await stateOf(first)).toBe('pending')
  doors.open(0)
  expect(await first).toEqual({ done: false, value: 'value 0' })
  expect(await collect(results)).toEqual(['value 1', 'value 2'])
})

test('unordered results come as they are done', async () => {
  await using engine = new Engine()
  const doors = new Doors()
  const results = engine.stream(doors.run, [0, 1, 2], { ordered: false })
  const values: unknown[] = []
  for (const i of [2, 0, 1]) {
    const next = results.next()
    await quiet()
    doors.open(i)
    values.push((await next).value)
  }
  expect(values).toEqual(['value 2', 'value 0', 'value 1'])
  expect(await results.next()).toEqual({ done: true, value: undefined })
})

test('nothing is read or submitted before the first result is asked for', async () => {
  await using engine = new Engine()
  const source = endless()
  const results = engine.stream(identity<number>, source.numbers)
  await quiet()
  expect(source.read).toBe(0)
  expect(engine.tasksExecuted).toBe(0)
  await results.return?.()
})

// --- The window

test.each<[string, StreamOptions]>([
  ['ordered', { window: 3 }],
  ['unordered', { window: 3, ordered: false }],
])('no more of an endless source is read than the window allows: %s', async (_, options) => {
  await using engine = new Engine()
  for (const kind of ['numbers', 'asyncNumbers'] as const) {
    const source = endless()
    const results = engine.stream(identity<number>, source[kind], options)
    for (let taken = 1; taken <= 5; taken++) {
      await results.next()
      await quiet()
      // Those that were taken, and a window that waits to be.
      expect(source.read).toBe(taken + 3)
    }
    await results.return?.()
  }
})

test.each([true, false])('never are more in flight than the window: ordered %s', async (ordered) => {
  await using engine = new Engine()
  let inFlight = 0
  let most = 0
  const work = async (x: number): Promise<number> => {
    most = Math.max(most, ++inFlight)
    await new Promise((resolve) => setImmediate(resolve))
    inFlight--
    return x
  }
  const source = Array.from({ length: 50 }, (_, i) => i)
  const values = await collect(engine.stream(work, source, { window: 4, ordered }))
  expect(values.toSorted((a, b) => a - b)).toEqual(source)
  expect(most).toBe(4)
})

test('a window of 1 is one after the other', async () => {
  await using engine = new Engine()
  const doors = new Doors()
  const results = engine.stream(doors.run, [0, 1], { window: 1 })
  const first = results.next()
  await quiet()
  expect(doors.started).toBe(1)
  doors.open(0)
  await first
  await quiet()
  expect(doors.started).toBe(2)
  doors.open(1)
  expect((await results.next()).value).toBe('value 1')
})

test("the default window is twice the executor's slots", async () => {
  await using engine = new Engine({ executor: new InProcessExecutor({ concurrency: 3 }) })
  const source = endless()
  const results = engine.stream(identity<number>, source.numbers)
  await results.next()
  await quiet()
  expect(source.read).toBe(1 + 6)
  await results.return?.()
})

test("the default window goes by the task's own executor, and is 64 where there are slots for all", async () => {
  await using engine = new Engine({ executors: { two: new InProcessExecutor({ concurrency: 2 }) } })
  const [limited, unlimited] = [endless(), endless()]
  const onTwo = engine.stream(task({ executor: 'two' }, identity<number>), limited.numbers)
  const onDefault = engine.stream(identity<number>, unlimited.numbers)
  await Promise.all([onTwo.next(), onDefault.next()])
  await quiet()
  expect([limited.read, unlimited.read]).toEqual([1 + 4, 1 + 64])
  await Promise.all([onTwo.return?.(), onDefault.return?.()])
})

test('a slow source does not hold up the results of what it has given', async () => {
  await using engine = new Engine()
  const more = gate()
  async function* slow(): AsyncGenerator<number> {
    yield 1
    yield 2
    await more.promise
    yield 3
  }
  const results = engine.stream(identity<number>, slow())
  expect((await results.next()).value).toBe(1)
  expect((await results.next()).value).toBe(2)
  const third = results.next()
  expect(await stateOf(third)).toBe('pending')
  more.open()
  expect((await third).value).toBe(3)
  expect((await results.next()).done).toBe(true)
})

// --- Failures

test.each([true, false])(
  'the first failure throws and cancels the rest, and closes the source: ordered %s',
  async (ordered) => {
    await using engine = new Engine()
    const doors = new Doors()
    const source = endless()
    const results = engine.stream(doors.run, source.numbers, { window: 3, ordered })
    const first = results.next()
    await quiet()
    doors.gates[0]?.fail(new Error('broken'))
    await expect(first).rejects.toThrow('broken')
    await quiet()
    expect(source.closed).toBe(1)
    expect(doors.signals.map(({ aborted }) => aborted)).toEqual([false, true, true])
    expect(await results.next()).toEqual({ done: true, value: undefined })
    for (const i of [1, 2]) doors.open(i)
  },
)

test('results before the first failure are given, in order', async () => {
  await using engine = new Engine()
  const values: number[] = []
  const run = async (): Promise<void> => {
    const work = (x: number): number => {
      if (x === 3) throw new Error('three')
      return x
    }
    for await (const value of engine.stream(work, endless().numbers, { window: 10 })) values.push(value)
  }
  await expect(run()).rejects.toThrow('three')
  expect(values).toEqual([0, 1, 2])
})

test('what waits for a slot when it ends never runs', async () => {
  await using engine = new Engine({ executor: new InProcessExecutor({ concurrency: 2 }) })
  const doors = new Doors()
  const results = engine.stream(doors.run, endless().numbers, { window: 5 })
  const first = results.next()
  await quiet()
  expect(doors.started).toBe(2)
  expect(await results.return?.()).toEqual({ done: true, value: undefined })
  expect(engine.graph().nodes.map(({ status }) => status)).toEqual([
    'running',
    'running',
    'cancelled',
    'cancelled',
    'cancelled',
  ])
  await first
  for (const i of [0, 1]) doors.open(i)
})

test('failures after the first one are nobody’s, and do not crash the process', async () => {
  const engine = new Engine()
  const unobserved = vi.fn()
  engine.on('unobserved', unobserved)
  const failing = async (x: number): Promise<void> => {
    throw new Error(`number ${x}`)
  }
  await expect(collect(engine.stream(failing, endless().numbers, { window: 10 }))).rejects.toThrow('number 0')
  await engine.shutdown()
  expect(unobserved).not.toHaveBeenCalled()
})

test('the failure of a parent throws as DependencyError', async () => {
  await using engine = new Engine()
  const failed = engine.submit((): number => {
    throw new Error('root')
  })
  await expect(engine.stream(identity<number>, [failed]).next()).rejects.toMatchObject({
    code: 'DEPENDENCY_FAILED',
    cause: { message: 'root' },
  })
})

test.each<[string, (error: Error) => Iterable<number> | AsyncIterable<number>]>([
  [
    'a generator',
    function* (error) {
      yield 1
      yield 2
      throw error
    },
  ],
  [
    'an async generator',
    async function* (error) {
      yield 1
      yield 2
      throw error
    },
  ],
])('%s that throws does so after the results of what came before', async (_, source) => {
  await using engine = new Engine()
  const error = new Error('the source is broken')
  const results = engine.stream(identity<number>, source(error))
  expect((await results.next()).value).toBe(1)
  expect((await results.next()).value).toBe(2)
  await expect(results.next()).rejects.toBe(error)
  expect(await results.next()).toEqual({ done: true, value: undefined })
})

test('an iterable that cannot be iterated throws at the first result', async () => {
  await using engine = new Engine()
  const broken: Iterable<number> = {
    [Symbol.iterator]: () => {
      throw new Error('no iterator')
    },
  }
  const results = engine.stream(identity<number>, broken)
  await expect(results.next()).rejects.toThrow('no iterator')
  expect((await results.next()).done).toBe(true)
})

test('what submit refuses throws, and closes the source', async () => {
  await using engine = new Engine({ limits: { gpu: 1 } })
  const source = endless()
  expect(() => engine.stream(task({ labels: { gpu: 2 } }, identity<number>), source.numbers)).toThrow(ConfigError)
  expect(source.read).toBe(0)
})

test('after shutdown it throws, and closes the source', async () => {
  const engine = new Engine()
  await engine.shutdown()
  const source = endless()
  await expect(engine.stream(identity<number>, source.numbers).next()).rejects.toMatchObject({
    code: 'EXECUTOR_SHUTDOWN',
  })
  await quiet()
  expect(source.closed).toBe(1)
})

// --- Leaving

test.each<['numbers' | 'asyncNumbers', boolean]>([
  ['numbers', true],
  ['numbers', false],
  ['asyncNumbers', true],
  ['asyncNumbers', false],
])('break closes the source and cancels what is in flight: %s, ordered %s', async (kind, ordered) => {
  await using engine = new Engine()
  const source = endless()
  const doors = new Doors()
  const results = engine.stream(doors.run, source[kind], { window: 3, ordered })
  queueMicrotask(async () => {
    await quiet()
    doors.open(0)
  })
  for await (const value of results) {
    expect(value).toBe('value 0')
    await quiet()
    break
  }
  await quiet()
  expect(source.closed).toBe(1)
  expect(doors.signals.map(({ aborted }) => aborted)).toEqual([false, true, true, true])
  for (const i of [1, 2, 3]) doors.open(i)
})

test('an error in the loop closes the source too', async () => {
  await using engine = new Engine()
  const source = endless()
  const loop = async (): Promise<void> => {
    for await (const value of engine.stream(identity<number>, source.numbers)) throw new Error(`at ${value}`)
  }
  await expect(loop()).rejects.toThrow('at 0')
  await quiet()
  expect(source.closed).toBe(1)
})

test('a source that cannot be closed changes nothing', async () => {
  await using engine = new Engine()
  const source: Iterable<number> = {
    [Symbol.iterator]: () => ({
      next: () => ({ done: false, value: 1 }),
      return: () => {
        throw new Error('cannot be closed')
      },
    }),
  }
  for await (const value of engine.stream(identity<number>, source)) {
    expect(value).toBe(1)
    break
  }
})

test('to leave does not wait for a source that hangs', async () => {
  await using engine = new Engine()
  async function* hanging(): AsyncGenerator<number> {
    yield 1
    await new Promise(() => {})
  }
  for await (const value of engine.stream(identity<number>, hanging())) {
    expect(value).toBe(1)
    break
  }
})

test('return ends a next that waits', async () => {
  await using engine = new Engine()
  const doors = new Doors()
  const results = engine.stream(doors.run, [0, 1])
  const waiting = results.next()
  await quiet()
  expect(await results.return?.()).toEqual({ done: true, value: undefined })
  expect(await waiting).toEqual({ done: true, value: undefined })
  for (const i of [0, 1]) doors.open(i)
})

test('a source that has ended is not closed', async () => {
  await using engine = new Engine()
  let returned = 0
  const iterator = [1, 2].values() as IterableIterator<number>
  const source: Iterable<number> = {
    [Symbol.iterator]: () => ({
      next: () => iterator.next(),
      return: () => {
        returned++
        return { done: true, value: undefined }
      },
    }),
  }
  expect(await collect(engine.stream(identity<number>, source))).toEqual([1, 2])
  expect(returned).toBe(0)
})

// --- Several at once

test.each([true, false])('several calls of next at once get one result each, in turn: ordered %s', async (ordered) => {
  await using engine = new Engine()
  const results = engine.stream(identity<number>, [1, 2, 3], { ordered })
  const steps = await Promise.all([1, 2, 3, 4, 5].map(() => results.next()))
  expect(steps).toEqual([
    { done: false, value: 1 },
    { done: false, value: 2 },
    { done: false, value: 3 },
    { done: true, value: undefined },
    { done: true, value: undefined },
  ])
})

test('of several calls of next at once the first one that fails throws, the later ones are at the end', async () => {
  await using engine = new Engine()
  const results = engine.stream((x: number) => {
    if (x === 1) throw new Error('one')
    return x
  }, endless().numbers)
  const steps = await Promise.allSettled([1, 2, 3, 4].map(() => results.next()))
  expect(steps.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
  expect(steps[2]).toEqual({ status: 'fulfilled', value: { done: true, value: undefined } })
})

test('one stream is one iterator; two streams are two', async () => {
  await using engine = new Engine()
  const results = engine.stream(identity<number>, [1, 2, 3])
  expect(results[Symbol.asyncIterator]()).toBe(results)
  const other = engine.stream(identity<number>, [1, 2, 3])
  expect((await results.next()).value).toBe(1)
  expect((await other.next()).value).toBe(1)
  await Promise.all([results.return?.(), other.return?.()])
})

test('results of one stream are the source of another', async () => {
  await using engine = new Engine({ executor: new InProcessExecutor({ concurrency: 2 }) })
  const doubled = engine.stream((x: number) => 2 * x, endless().numbers, { window: 2 })
  const values: number[] = []
  for await (const value of engine.stream((x: number) => x + 1, doubled, { window: 2 })) {
    values.push(value)
    if (values.length === 5) break
  }
  expect(values).toEqual([1, 3, 5, 7, 9])
})

// --- Signals

test('a signal ends the iteration with its reason, cancels what is in flight and closes the source', async () => {
  await using engine = new Engine()
  const controller = new AbortController()
  const source = endless()
  const doors = new Doors()
  const results = engine.stream(doors.run, source.numbers, { window: 2, signal: controller.signal })
  const waiting = results.next()
  await quiet()
  const reason = new Error('enough')
  controller.abort(reason)
  await expect(waiting).rejects.toBe(reason)
  await quiet()
  expect(source.closed).toBe(1)
  expect(doors.signals.map((signal) => signal.reason)).toEqual([reason, reason])
  expect((await results.next()).done).toBe(true)
  for (const i of [0, 1]) doors.open(i)
})

test('a signal that is aborted between two results does the same', async () => {
  await using engine = new Engine()
  const controller = new AbortController()
  const source = endless()
  const loop = async (): Promise<void> => {
    for await (const value of engine.stream(identity<number>, source.numbers, { signal: controller.signal })) {
      expect(value).toBe(0)
      controller.abort('enough')
    }
  }
  expect(await loop().catch((error) => error)).toBe('enough')
  await quiet()
  expect(source.closed).toBe(1)
})

test('a signal that was aborted before reads nothing', async () => {
  await using engine = new Engine()
  const source = endless()
  const results = engine.stream(identity<number>, source.numbers, { signal: AbortSignal.abort('before') })
  expect(await results.next().catch((error) => error)).toBe('before')
  expect(source.read).toBe(0)
  expect((await results.next()).done).toBe(true)
})

test('a signal wakes an iteration that waits for a slow source', async () => {
  await using engine = new Engine()
  const controller = new AbortController()
  async function* never(): AsyncGenerator<number> {
    await new Promise(() => {})
  }
  const results = engine.stream(identity<number>, never(), { signal: controller.signal })
  const waiting = results.next()
  await quiet()
  controller.abort('enough')
  expect(await waiting.catch((error) => error)).toBe('enough')
})

test('a finished stream does not listen to its signal any more', async () => {
  await using engine = new Engine()
  const { signal } = new AbortController()
  const add = vi.spyOn(signal, 'addEventListener')
  const remove = vi.spyOn(signal, 'removeEventListener')
  await collect(engine.stream(identity<number>, [1, 2], { signal }))
  expect(add).toHaveBeenCalledTimes(1)
  expect(remove).toHaveBeenCalledTimes(1)
})

test('a task that somebody else cancels ends the stream with CancelledError', async () => {
  await using engine = new Engine()
  const parents: TaskFuture<number>[] = [engine.submit(identity<number>, new Promise<number>(() => {}))]
  const results = engine.stream(identity<number>, parents)
  const first = results.next()
  await quiet()
  parents[0]?.cancel()
  await expect(first).rejects.toBeInstanceOf(CancelledError)
})

// --- What is refused

test.each([0, -1, 1.5, Number.NaN, Infinity, '3', null])('a window of %s is refused at once', async (window) => {
  await using engine = new Engine()
  const source = endless()
  const create = () => engine.stream(identity<number>, source.numbers, { window: window as number })
  expect(create).toThrow(ConfigError)
  expect(create).toThrow(/window takes a whole number of at least 1/)
  expect(source.read).toBe(0)
})

test.each<[string, unknown, RegExp]>([
  ['ordered: 1', { ordered: 1 }, /ordered takes true or false/],
  ['a signal that is none', { signal: {} }, /signal takes an AbortSignal/],
  ['an unknown option', { windows: 3 }, /has no option "windows"; there are window, ordered, signal/],
  ['options that are no object', 3, /takes an object with options/],
])('%s is refused at once', async (_, options, message) => {
  await using engine = new Engine()
  expect(() => engine.stream(identity<number>, [1], options as StreamOptions)).toThrow(ConfigError)
  expect(() => engine.stream(identity<number>, [1], options as StreamOptions)).toThrow(message)
})

test.each([undefined, null, 3, {}, () => {}])('a source that is %s is refused at once', async (source) => {
  await using engine = new Engine()
  expect(() => engine.stream(identity<number>, source as never)).toThrow(TypeError)
})

test.each([undefined, null, {}, 'work'])('a task that is %s is refused at once', async (work) => {
  await using engine = new Engine()
  expect(() => engine.stream(work as never, [1])).toThrow(TypeError)
})
