import { describe, expect, test } from 'vitest'
import {
  type CancelledError,
  ConfigError,
  DependencyError,
  Engine,
  type ExecutorFuture,
  FutureList,
  InProcessExecutor,
  MemoryRecordLogger,
  opaque,
  type TaskFuture,
  task,
} from '../../src/index.ts'
import { deferred, foreignExecutor, reasonOf } from '../future/support.ts'

const double = task(function double(n: number) {
  return n * 2
})
const add = task(function add(a: number, b: number) {
  return a + b
})

function* naturals(onReturn: () => void = () => {}): Generator<number> {
  try {
    for (let n = 0; ; n++) yield n
  } finally {
    onReturn()
  }
}

describe('Engine.map', () => {
  test('submits all at once and keeps the order of the input', async () => {
    await using engine = new Engine({ executor: new InProcessExecutor({ concurrency: 1 }) })
    const list = engine.map(double, [3, 1, 2])
    expect(engine.tasksExecuted).toBe(3)
    expect(list).toBeInstanceOf(FutureList)
    const ids = list.map((future) => future.info.taskId)
    expect([...ids].sort()).toEqual(ids)
    expect(await list).toEqual([6, 2, 4])
  })

  test('runs no body before it returns', async () => {
    await using engine = new Engine()
    let runs = 0
    const list = engine.map((_: number) => runs++, [1, 2])
    expect(runs).toBe(0)
    await list
    expect(runs).toBe(2)
  })

  test('zips to the shortest, and returns from the others', async () => {
    await using engine = new Engine()
    let returned = 0
    expect(await engine.map(add, [10, 20, 30], [1, 2])).toEqual([11, 22])
    expect(
      await engine.map(
        add,
        [10, 20],
        naturals(() => returned++),
      ),
    ).toEqual([10, 21])
    expect(returned).toBe(1)
    expect(await engine.map(add, [], naturals())).toEqual([])
    expect(engine.tasksExecuted).toBe(4)
  })

  test('takes any iterable: strings, sets, maps, generators', async () => {
    await using engine = new Engine()
    expect(await engine.map((char: string) => char.toUpperCase(), 'abc')).toEqual(['A', 'B', 'C'])
    expect(await engine.map(double, new Set([1, 2]))).toEqual([2, 4])
    expect(await engine.map(([k, v]: [string, number]) => k + v, new Map([['a', 1]]))).toEqual(['a1'])
  })

  test('takes futures and promises as elements, also nested ones', async () => {
    await using engine = new Engine()
    const first = engine.submit(double, 1)
    const list = engine.map(add, [first, 1, Promise.resolve(5)], [first.map((n) => n * 10), first, 1])
    expect(await list).toEqual([22, 3, 6])
    expect(list[0]?.info.parentTaskIds).toEqual([first.info.taskId])
    expect(await engine.map((xs: number[]) => xs.length, [[first, 2], [3]])).toEqual([2, 1])
  })

  test('takes a FutureList as its iterable: one step after the other, without a barrier', async () => {
    await using engine = new Engine()
    const gate = deferred<number>()
    const firsts = engine.map((n: number) => (n === 0 ? gate.promise : n), [0, 1])
    const seconds = engine.map(double, firsts)
    expect(await seconds[1]).toBe(2)
    expect(seconds[0]?.done()).toBe(false)
    gate.resolve(5)
    expect(await seconds).toEqual([10, 2])
  })

  test('hands an element over as it is: an array stays one argument', async () => {
    await using engine = new Engine()
    expect(await engine.map((pair: number[]) => pair.length, [[1, 2], [3]])).toEqual([2, 1])
  })

  test('a failing element fails by itself; awaiting the list rejects and cancels nothing', async () => {
    await using engine = new Engine()
    const gate = deferred<number>()
    const list = engine.map(
      (n: number) => {
        if (n === 1) throw new Error('one')
        return n === 2 ? gate.promise : n
      },
      [0, 1, 2],
    )
    expect(await reasonOf(list)).toHaveProperty('message', 'one')
    gate.resolve(7)
    expect(await list[2]).toBe(7)
    expect(await list[0]).toBe(0)
  })

  test('the first failure while iterating cancels what has not started', async () => {
    const recordLogger = new MemoryRecordLogger()
    await using engine = new Engine({ executor: new InProcessExecutor({ concurrency: 1 }), recordLogger })
    const never = new Promise<number>(() => {})
    const ran: unknown[] = []
    const list = engine.map(
      (n: number) => {
        ran.push(n)
        throw new Error(`no ${n}`)
      },
      [0, never, never],
    )
    const error = await reasonOf(
      (async () => {
        for await (const _ of list);
      })(),
    )
    expect(error).toHaveProperty('message', 'no 0')
    expect(ran).toEqual([0])
    expect(recordLogger.records.map(({ status }) => status)).toEqual(['failed', 'cancelled', 'cancelled'])
  })
})

describe('what map refuses at once, leaving nothing submitted', () => {
  const problem = new Error('an iterable that throws')
  const failing: Record<string, Iterable<number>> = {
    'when it is asked for its iterator': {
      [Symbol.iterator]() {
        throw problem
      },
    },
    'at its first element': {
      [Symbol.iterator]: () => ({
        next() {
          throw problem
        },
      }),
    },
    'in the middle': {
      *[Symbol.iterator]() {
        yield 1
        yield 2
        throw problem
      },
    },
  }

  test.each(Object.keys(failing))('an iterable that throws %s', async (when) => {
    await using engine = new Engine()
    let returned = 0
    const iterable = failing[when] as Iterable<number>
    expect(() => engine.map(double, iterable)).toThrow(problem)
    expect(() =>
      engine.map(
        add,
        naturals(() => returned++),
        iterable,
      ),
    ).toThrow(problem)
    expect(engine.tasksExecuted).toBe(0)
    expect(engine.graph().nodes).toEqual([])
    if (when === 'in the middle') expect(returned).toBe(1)
    expect(await engine.map(double, [1])).toEqual([2])
  })

  test.each([
    ['a number', 5],
    ['an object', {}],
    ['undefined', undefined],
    ['null', null],
    ['an async iterable', (async function* () {})()],
  ])('%s in the place of an iterable', async (_, value) => {
    await using engine = new Engine()
    expect(() => engine.map(add, [1], value as never)).toThrow(TypeError)
    expect(() => engine.map(add, [1], value as never)).toThrow(/map takes iterables; argument 2 is /)
    expect(engine.tasksExecuted).toBe(0)
  })

  test('no iterable, and no function', async () => {
    await using engine = new Engine()
    expect(() => engine.map((() => 1) as never)).toThrow(/map takes at least one iterable after the task/)
    expect(() => engine.map(undefined as never, [1])).toThrow(/takes a task or a function/)
    expect(engine.tasksExecuted).toBe(0)
  })

  test('what is no function is refused without reading the iterables, which may be endless', async () => {
    await using engine = new Engine()
    let read = 0
    const iterable = {
      *[Symbol.iterator]() {
        read++
        yield 1
      },
    }
    expect(() => engine.map('double' as never, iterable)).toThrow(TypeError)
    expect(() => engine.map(double.with({ executor: 'absent' }), iterable)).toThrow(ConfigError)
    expect(read).toBe(0)
  })

  test('a chunkSize of 0, and others that are no whole number above 0', () => {
    for (const chunkSize of [0, -1, 1.5, Number.NaN, Infinity, '2', null]) {
      expect(() => double.with({ chunkSize: chunkSize as number })).toThrow(ConfigError)
      expect(() => task({ chunkSize: chunkSize as number }, () => 1)).toThrow(
        /chunkSize takes a whole number of at least 1, not /,
      )
    }
  })
})

describe('chunkSize, in process', () => {
  test('changes no result, no order, no number of records', async () => {
    const recordLogger = new MemoryRecordLogger()
    await using engine = new Engine({ recordLogger })
    for (const chunkSize of [1, 2, 3, 100]) {
      recordLogger.records.length = 0
      const list = engine.map(double.with({ chunkSize }), [1, 2, 3, 4, 5])
      expect(await list).toEqual([2, 4, 6, 8, 10])
      expect(recordLogger.records.map(({ taskId }) => taskId)).toEqual(list.map(({ info }) => info.taskId))
      expect(recordLogger.records.every(({ success, attempts }) => success === true && attempts === 1)).toBe(true)
    }
  })

  test('elements of a chunk never run at the same time, and run in order; chunks do run at the same time', async () => {
    await using engine = new Engine()
    const gates = Array.from({ length: 6 }, () => deferred<number>())
    const started: number[] = []
    const secondChunkStarted = deferred()
    const running = new Set<number>()
    let most = 0
    const list = engine.map(
      task({ chunkSize: 3 }, async (n: number) => {
        started.push(n)
        if (n === 3) secondChunkStarted.resolve()
        running.add(n)
        most = Math.max(most, running.size)
        expect([...running].filter((other) => Math.floor(other / 3) === Math.floor(n / 3))).toEqual([n])
        const value = await gates[n]?.promise
        running.delete(n)
        return value
      }),
      [0, 1, 2, 3, 4, 5],
    )
    await secondChunkStarted.promise
    expect(started).toEqual([0, 3])
    expect(most).toBe(2)
    for (const n of [0, 1, 2, 3, 4, 5]) {
      gates[n]?.resolve(n)
      await list[n]
    }
    expect(await list).toEqual([0, 1, 2, 3, 4, 5])
    expect(started).toEqual([0, 3, 1, 2, 4, 5])
  })

  test('a chunk needs one slot', async () => {
    await using engine = new Engine({ executor: new InProcessExecutor({ concurrency: 2 }) })
    let running = 0
    let most = 0
    await engine.map(
      task({ chunkSize: 2 }, async (n: number) => {
        most = Math.max(most, ++running)
        await Promise.resolve()
        running--
        return n
      }),
      [1, 2, 3, 4, 5, 6, 7],
    )
    expect(most).toBe(2)
  })

  test('a failing element fails by itself', async () => {
    await using engine = new Engine()
    const picky = task({ chunkSize: 2 }, (n: number) => {
      if (n % 2 === 0) throw new Error(`no ${n}`)
      return n
    })
    const list = engine.map(picky, [1, 2, 3, 4, 5])
    const outcomes = await Promise.allSettled([...list])
    expect(outcomes.map((o) => (o.status === 'fulfilled' ? o.value : (o.reason as Error).message))).toEqual([
      1,
      'no 2',
      3,
      'no 4',
      5,
    ])
  })

  test('an element with a failed parent is blocked, a cancelled one is left out, and the rest goes on', async () => {
    await using engine = new Engine()
    const ran: number[] = []
    const note = task({ chunkSize: 4 }, (n: number) => ran.push(n))
    const failed = engine.submit((): number => {
      throw new Error('no')
    })
    const gate = deferred<number>()
    const list = engine.map(note, [1, failed, 3, gate.promise])
    expect(await reasonOf(list[1] as TaskFuture<number>)).toBeInstanceOf(DependencyError)
    expect(list[2]?.cancel()).toBe(true)
    gate.resolve(4)
    await Promise.allSettled([...list])
    expect(ran).toEqual([1, 4])
    expect(list.map(({ info }) => info.status)).toEqual(['succeeded', 'blocked', 'cancelled', 'succeeded'])
  })

  test('a chunk of which nothing is left to run holds nobody up', async () => {
    await using engine = new Engine({ executor: new InProcessExecutor({ concurrency: 1 }) })
    const list = engine.map(double.with({ chunkSize: 2 }), [1, 2, 3, 4])
    list[0]?.cancel()
    list[1]?.cancel()
    expect(await list[2]).toBe(6)
    expect(await list[3]).toBe(8)
  })

  test('a chunk waits for the parents of all of its elements, and for no others', async () => {
    await using engine = new Engine()
    const gate = deferred<number>()
    const list = engine.map(double.with({ chunkSize: 2 }), [gate.promise, 2, 3, 4])
    expect(await Promise.all([list[2], list[3]])).toEqual([6, 8])
    expect(list[1]?.info.status).toBe('ready')
    gate.resolve(1)
    expect(await list).toEqual([2, 4, 6, 8])
  })

  test('an element that is tried again does not run with its chunk any more, and holds nobody up', async () => {
    await using engine = new Engine({ executor: new InProcessExecutor({ concurrency: 1 }) })
    const log: string[] = []
    const flaky = task({ chunkSize: 3, retries: 1 }, (n: number) => {
      log.push(`${n}`)
      if (n === 1 && log.filter((entry) => entry === '1').length === 1) throw new Error('once')
      return n
    })
    const list = engine.map(flaky, [1, 2, 3])
    expect(await list).toEqual([1, 2, 3])
    expect(list[0]?.info.attempts).toBe(2)
    expect([...log].sort()).toEqual(['1', '1', '2', '3'])
  })

  test('under a limit each element takes its share for itself', async () => {
    await using engine = new Engine({ limits: { api: 1 } })
    let running = 0
    let most = 0
    const call = task({ chunkSize: 2, labels: 'api' }, async (n: number) => {
      most = Math.max(most, ++running)
      await Promise.resolve()
      running--
      return n
    })
    expect(await engine.map(call, [1, 2, 3, 4, 5])).toEqual([1, 2, 3, 4, 5])
    expect(most).toBe(1)
  })
})

describe('chunkSize, behind a foreign executor', () => {
  test('is one inner submit per chunk, and one record per element', async () => {
    const executor = foreignExecutor()
    const recordLogger = new MemoryRecordLogger()
    await using engine = new Engine({ executor, recordLogger })
    expect(await engine.map(double.with({ chunkSize: 2 }), [1, 2, 3, 4, 5])).toEqual([2, 4, 6, 8, 10])
    expect(executor.calls).toHaveLength(3)
    expect(recordLogger.records).toHaveLength(5)
    expect(recordLogger.records.every(({ success }) => success === true)).toBe(true)
  })

  test('elements of a chunk run one after the other', async () => {
    await using engine = new Engine({ executor: foreignExecutor() })
    let running = 0
    const list = engine.map(
      task({ chunkSize: 3 }, async (n: number) => {
        expect(++running).toBe(1)
        await Promise.resolve()
        running--
        return n
      }),
      [1, 2, 3],
    )
    expect(await list).toEqual([1, 2, 3])
  })

  test('a task declared inside of a function goes in chunks too', async () => {
    const executor = foreignExecutor()
    await using engine = new Engine({ executor })
    const local = task({ chunkSize: 2 }, (tag: string) => `${tag}!`)
    expect(await engine.map(local, ['a', 'b', 'c'])).toEqual(['a!', 'b!', 'c!'])
    expect(executor.calls).toHaveLength(2)
  })

  test('a failing element fails by itself, with its own error, whatever was thrown', async () => {
    await using engine = new Engine({ executor: foreignExecutor() })
    const problems = [new Error('no'), undefined, null]
    const list = engine.map(
      task({ chunkSize: 4 }, (n: number) => {
        if (n < 3) throw problems[n]
        return n
      }),
      [0, 1, 2, 3],
    )
    expect(await Promise.allSettled([...list])).toEqual([
      ...problems.map((reason) => ({ status: 'rejected', reason })),
      { status: 'fulfilled', value: 3 },
    ])
  })

  test('when the call itself fails, all of its elements do', async () => {
    const problem = new Error('the pool is gone')
    let calls = 0
    await using engine = new Engine({
      executor: {
        submit: () => {
          calls++
          return Promise.reject(problem)
        },
      },
    })
    const list = engine.map(double.with({ chunkSize: 2 }), [1, 2, 3, 4])
    expect(await Promise.all(list.map((future) => future.exception()))).toEqual([problem, problem, problem, problem])
    expect(calls).toBe(2)
  })

  test('a call that answers with something else than the results fails its elements, and says so', async () => {
    await using engine = new Engine({
      executor: { submit: () => Promise.resolve([{ value: 1 }]) as never as ExecutorFuture<never> },
    })
    const list = engine.map(double.with({ chunkSize: 2 }), [1, 2])
    expect(await list[0]).toBe(1)
    expect(await reasonOf(list[1] as TaskFuture<number>)).toBeInstanceOf(TypeError)
  })

  test('blocked and cancelled elements do not travel', async () => {
    const executor = foreignExecutor()
    await using engine = new Engine({ executor })
    const gate = deferred<number>()
    const list = engine.map(double.with({ chunkSize: 3 }), [gate.promise, 2, opaque(3)])
    list[1]?.cancel('enough')
    gate.resolve(1)
    expect(await list[0]).toBe(2)
    expect(await list[2]).toBe(6)
    expect(((await reasonOf(list[1] as TaskFuture<number>)) as CancelledError).cause).toBe('enough')
    expect(executor.calls).toHaveLength(1)
    expect(executor.calls[0]?.args[1]).toEqual([[1], [3]])
  })
})
