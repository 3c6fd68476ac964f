import { describe, expect, test } from 'vitest'
import {
  asCompleted,
  DependencyError,
  Engine,
  futureDict,
  InProcessExecutor,
  type TaskFuture,
  type TimeoutError,
  task,
  taskContext,
  wait,
} from '../../src/index.ts'
import { gate } from '../support/gate.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { quiet } from '../support/quiet.ts'

/** Counts the bodies that do something at the same time: all but those that await. */
class Load {
  now = 0
  most = 0

  enter(): void {
    this.most = Math.max(this.most, ++this.now)
  }

  leave(): void {
    this.now--
  }

  /** Awaits, and does not count meanwhile. */
  async idle<T>(waitable: PromiseLike<T>): Promise<T> {
    this.leave()
    try {
      return await waitable
    } finally {
      this.enter()
    }
  }
}

const identity = <T>(value: T): T => value
const limited = (concurrency: number): Engine => new Engine({ executor: new InProcessExecutor({ concurrency }) })

describe.each([1, 2])('with %d slots', (concurrency) => {
  test('a body awaits a task that it submits', async () => {
    await using engine = limited(concurrency)
    const outer = async (): Promise<number> => (await engine.submit(identity, 20)) + 1
    expect(await Promise.all([1, 2, 3, 4].map(() => engine.submit(outer)))).toEqual([21, 21, 21, 21])
  })

  test('a body awaits a task that waits for other tasks', async () => {
    await using engine = limited(concurrency)
    const outer = async (): Promise<number> => {
      const first = engine.submit(identity, 1)
      const second = engine.submit((x: number) => x + 1, first)
      return (await engine.submit((x: number) => x + 1, second)) + 1
    }
    expect(await Promise.all([1, 2, 3].map(() => engine.submit(outer)))).toEqual([4, 4, 4])
  })

  test('recursion of any depth ends, and never more bodies do something at once than there are slots', async () => {
    await using engine = limited(concurrency)
    const load = new Load()
    const fib = task({ name: 'fib' }, async (n: number): Promise<number> => {
      load.enter()
      try {
        if (n < 2) return n
        const a = engine.submit(fib, n - 1)
        const b = engine.submit(fib, n - 2)
        return (await load.idle(a)) + (await load.idle(b))
      } finally {
        load.leave()
      }
    })
    expect(await engine.submit(fib, 10)).toBe(55)
    expect(load.most).toBe(concurrency)
  })

  test('a deep recursion ends: each level awaits the next', async () => {
    await using engine = limited(concurrency)
    const down = task(async (n: number): Promise<number> => (n === 0 ? 0 : 1 + (await engine.submit(down, n - 1))))
    expect(await engine.submit(down, 1000)).toBe(1000)
  })

  test.each<[string, (engine: Engine, futures: TaskFuture<number>[]) => PromiseLike<unknown>, unknown]>([
    ['Promise.all', (_, futures) => Promise.all(futures), [1, 2, 3]],
    ['Promise.race', (_, futures) => Promise.race(futures), 1],
    ['Promise.any', (_, futures) => Promise.any(futures), 1],
    [
      'Promise.allSettled',
      (_, futures) => Promise.allSettled(futures),
      [1, 2, 3].map((value) => ({ status: 'fulfilled', value })),
    ],
    [
      'wait()',
      async (_, futures) => [...(await wait(futures)).done].map(({ info }) => info.status),
      ['succeeded', 'succeeded', 'succeeded'],
    ],
    [
      'wait() for the first one',
      async (_, futures) => (await wait(futures, { returnWhen: 'FIRST_COMPLETED' })).done.size > 0,
      true,
    ],
    [
      'asCompleted()',
      async (_, futures) => {
        const values: number[] = []
        for await (const { future } of asCompleted(futures)) values.push(await future)
        return values.sort()
      },
      [1, 2, 3],
    ],
    ['a list', (engine) => engine.map(identity, [1, 2, 3]), [1, 2, 3]],
    [
      'a list, iterated',
      async (engine) => {
        const values: number[] = []
        for await (const value of engine.map<[number], number>(identity, [1, 2, 3])) values.push(value)
        return values
      },
      [1, 2, 3],
    ],
    ['a dictionary', (_, [a, b]) => futureDict({ a, b } as never), { a: 1, b: 2 }],
    [
      'a stream',
      async (engine) => {
        const values: number[] = []
        for await (const value of engine.stream<number, number>(identity, [1, 2, 3])) values.push(value)
        return values
      },
      [1, 2, 3],
    ],
    [
      'an unordered stream with a window of 1',
      async (engine) => {
        const values: number[] = []
        const results = engine.stream<number, number>(identity, [1, 2, 3], { window: 1, ordered: false })
        for await (const value of results) values.push(value)
        return values
      },
      [1, 2, 3],
    ],
    ['a view', (_, futures) => (futures[0] as TaskFuture<number>).map((x) => x + 1), 2],
    ['result()', (_, futures) => (futures[0] as TaskFuture<number>).result(), 1],
    ['exception()', (_, futures) => (futures[0] as TaskFuture<number>).exception(), undefined],
    ['the same future twice', (_, futures) => Promise.all([futures[0], futures[0]]), [1, 1]],
    [
      'a future that has a handler for failures as well',
      (_, futures) => {
        const first = futures[0] as TaskFuture<number>
        first.catch(() => {})
        return first
      },
      1,
    ],
  ])('inside of a body there is %s', async (_, use, expected) => {
    await using engine = limited(concurrency)
    const outer = async (): Promise<unknown> => use(engine, [...engine.map<[number], number>(identity, [1, 2, 3])])
    const results = [1, 2, 3].map(() => engine.submit(outer))
    expect(await Promise.all(results)).toEqual([expected, expected, expected])
  })

  test('a slot that is lent is given back: after the wait no more bodies run than before', async () => {
    await using engine = limited(concurrency)
    const load = new Load()
    const inner = async (): Promise<void> => {
      load.enter()
      await null
      load.leave()
    }
    const outer = async (): Promise<void> => {
      load.enter()
      await load.idle(engine.submit(inner))
      await null
      await load.idle(Promise.all([engine.submit(inner), engine.submit(inner)]))
      await null
      load.leave()
    }
    await Promise.all([1, 2, 3, 4, 5].map(() => engine.submit(outer)))
    expect(load.most).toBe(concurrency)
    expect(load.now).toBe(0)
  })

  test('the failure of an awaited task can be caught', async () => {
    await using engine = limited(concurrency)
    const failing = task({ name: 'failing' }, () => {
      throw new Error('broken')
    })
    const outer = async (): Promise<string> => {
      try {
        return await engine.submit(failing)
      } catch (error) {
        return `caught: ${(error as Error).message}`
      }
    }
    expect(await Promise.all([1, 2, 3].map(() => engine.submit(outer)))).toEqual(Array(3).fill('caught: broken'))
  })

  test('a body that does not catch it fails with the very error', async () => {
    await using engine = limited(concurrency)
    const error = new Error('broken')
    const outer = engine.submit(async () => {
      await engine.submit(() => {
        throw error
      })
    })
    expect(await outer.exception()).toBe(error)
  })

  test('a body that awaits a task which is then cancelled goes on', async () => {
    await using engine = limited(concurrency)
    const outer = engine.submit(async () => {
      const inner = engine.submit(identity, new Promise<number>(() => {}))
      queueMicrotask(() => inner.cancel('inner'))
      return await inner.catch((error) => (error as Error).cause)
    })
    expect(await outer).toBe('inner')
  })

  test('a body waits with a time limit, and goes on with a slot', async () => {
    const clock = new ManualClock()
    await using engine = new Engine({ clock, executor: new InProcessExecutor({ concurrency }) })
    const release = gate()
    const outer = engine.submit(async () => {
      const inner = engine.submit(identity, release.promise)
      return await inner.result({ timeout: 100 }).catch((error) => (error as TimeoutError).code)
    })
    await clock.advance(100)
    expect(await outer).toBe('TIMEOUT')
    release.open()
  })

  test('a body that gives up one of two waits for a future goes on waiting without a slot', async () => {
    const clock = new ManualClock()
    await using engine = new Engine({ clock, executor: new InProcessExecutor({ concurrency }) })
    const parent = gate<string>()
    const outer = async (): Promise<string> => {
      const inner = engine.submit<[string], string>(identity, parent.promise)
      const impatient = inner.result({ timeout: 10 }).catch((error) => (error as TimeoutError).code)
      const value = await inner
      return `${await impatient}, ${value}`
    }
    const futures = [1, 2, 3].map(() => engine.submit(outer))
    await clock.advance(10)
    parent.open('and then the value')
    expect(await Promise.all(futures)).toEqual(Array(3).fill('TIMEOUT, and then the value'))
  })

  test('a task that waits in the queue of a busy executor is awaited by all that run there', async () => {
    await using engine = limited(concurrency)
    const last = { future: undefined as TaskFuture<string> | undefined }
    const outers = [1, 2, 3].map(() => engine.submit(async () => await (last.future as TaskFuture<string>)))
    last.future = engine.submit(() => 'the last of the queue')
    expect(await Promise.all(outers)).toEqual(Array(3).fill('the last of the queue'))
  })
})

test('an engine with unlimited concurrency needs no lending', async () => {
  await using engine = new Engine()
  const outer = async (): Promise<number> => await engine.submit(async () => await engine.submit(identity, 1))
  expect(await engine.submit(outer)).toBe(1)
})

test('who goes on after a wait comes before new bodies', async () => {
  await using engine = limited(1)
  const order: string[] = []
  const outer = engine.submit(async () => {
    await engine.submit(() => order.push('inner'))
    order.push('outer again')
  })
  const next = engine.submit(() => order.push('next'))
  const last = engine.submit(() => order.push('last'))
  await Promise.all([outer, next, last])
  expect(order).toEqual(['next', 'last', 'inner', 'outer again'])
})

test('a body that runs on while another promise of its own is pending has its slot again', async () => {
  await using engine = limited(1)
  const load = new Load()
  const release = gate()
  const outer = engine.submit(async () => {
    await engine.submit(identity, 1)
    load.enter()
    await release.promise
    load.leave()
  })
  const other = engine.submit(async () => {
    load.enter()
    load.leave()
  })
  await other
  const late = engine.submit(() => {
    load.enter()
    load.leave()
  })
  await quiet()
  expect(late.info.status).toBe('ready')
  release.open()
  await Promise.all([outer, late])
  expect(load.most).toBe(1)
})

test('a foreign promise is awaited with the slot held', async () => {
  await using engine = limited(1)
  const release = gate()
  const outer = engine.submit(() => release.promise)
  const other = engine.submit(identity, 1)
  await quiet()
  expect(other.info.status).toBe('ready')
  release.open()
  await Promise.all([outer, other])
})

test('a future of another engine is awaited without the slot too', async () => {
  await using engine = limited(1)
  await using elsewhere = new Engine()
  const release = gate()
  const outer = engine.submit(async () => await elsewhere.submit(() => release.promise))
  expect(await engine.submit(identity, 1)).toBe(1)
  release.open()
  await outer
})

test.each<[string, () => [Engine, Engine]]>([
  [
    'that shares the executor',
    () => {
      const executor = new InProcessExecutor({ concurrency: 1 })
      return [new Engine({ executor }), new Engine({ executor })]
    },
  ],
  [
    'that stands on the one whose slot it has',
    () => {
      const inner = limited(1)
      const outer = new Engine({ executor: inner })
      return [outer, outer]
    },
  ],
  [
    'that has its tasks done by the one whose slot it has',
    () => {
      const inner = limited(1)
      return [inner, new Engine({ executor: inner })]
    },
  ],
])('a body lends its slot to a task of an engine %s', async (_, create) => {
  const [mine, other] = create()
  const outer = async (): Promise<number> => (await other.submit(identity, 20)) + 1
  const futures = [1, 2, 3].map(() => mine.submit(outer))
  await quiet()
  expect(futures.map((future) => future.done())).toEqual([true, true, true])
  expect(await Promise.all(futures)).toEqual([21, 21, 21])
  await other.shutdown()
  await mine.shutdown()
})

test('a body that submits to an engine on top of its own, and awaits something else, keeps its slot', async () => {
  const outer = new Engine({ executor: limited(1) })
  const load = new Load()
  const release = gate()
  const body = outer.submit(async () => {
    load.enter()
    const child = outer.submit(() => {
      load.enter()
      load.leave()
    })
    await release.promise
    load.leave()
    await child
  })
  await quiet()
  release.open()
  await body
  expect(load.most).toBe(1)
  await outer.shutdown()
})

test('a finished future is awaited without a change of slots', async () => {
  await using engine = limited(1)
  const done = engine.submit(identity, 1)
  await done
  const order: string[] = []
  const outer = engine.submit(async () => {
    order.push('before')
    await done
    order.push('after')
  })
  const other = engine.submit(() => order.push('other'))
  await Promise.all([outer, other])
  expect(order).toEqual(['before', 'after', 'other'])
})

test('a body that ends while it still awaits gives its slot back once', async () => {
  await using engine = limited(1)
  const load = new Load()
  const release = gate()
  const slow = engine.submit(identity, release.promise)
  await engine.submit(async () => {
    // Nobody waits for this one.
    slow.then(() => {})
    await engine.submit(identity, 1)
  })
  release.open()
  await slow
  const count = async (): Promise<void> => {
    load.enter()
    await null
    load.leave()
  }
  await Promise.all([1, 2, 3, 4].map(() => engine.submit(count)))
  expect(load.most).toBe(1)
})

test('to wait inside of a body costs no more for each future where there are many', async () => {
  await using engine = limited(2)
  const count = 50_000
  const read = async (results: AsyncIterable<unknown>): Promise<number> => {
    let read = 0
    for await (const _ of results) read++
    return read
  }
  const items = Array.from({ length: count }, (_, i) => i)
  // With a look at all of them each time, each of these would take a minute.
  expect(await engine.submit(async () => await read(asCompleted(engine.map(identity<number>, items))))).toBe(count)
  expect(await engine.submit(async () => await read(engine.map(identity<number>, items)))).toBe(count)
  const options = { window: count, ordered: false }
  expect(await engine.submit(async () => await read(engine.stream(identity<number>, items, options)))).toBe(count)
})

test('a ring that is left when all others are done is found while a body goes through futures as they are done', async () => {
  await using engine = limited(2)
  const own: { me?: TaskFuture<unknown> } = {}
  const release = gate()
  own.me = engine.submit(async () => {
    const waits = engine.submit(async () => await own.me)
    const ends = engine.submit(identity, release.promise)
    const seen: unknown[] = []
    try {
      for await (const { index } of asCompleted([ends, waits])) seen.push(index)
    } catch (error) {
      seen.push((error as TimeoutError).code)
    }
    return seen
  })
  await quiet()
  release.open()
  expect(await own.me).toEqual([0, 'JOIN_CYCLE'])
})

// --- Labels

test('a body that awaits lends the slots of its labels too', async () => {
  await using engine = new Engine({ limits: { gpu: 1 } })
  const inner = task({ labels: 'gpu' }, (x: number) => x + 1)
  const outer = task({ labels: 'gpu' }, async (x: number) => (await engine.submit(inner, x)) + 1)
  expect(await engine.map(outer, [1, 2, 3])).toEqual([3, 4, 5])
})

test('labels and slots are lent together', async () => {
  await using engine = new Engine({ limits: { gpu: 2 }, executor: new InProcessExecutor({ concurrency: 2 }) })
  const load = new Load()
  const inner = task({ labels: { gpu: 2 } }, async (x: number) => {
    load.enter()
    await null
    load.leave()
    return x + 1
  })
  const outer = task({ labels: 'gpu' }, async (x: number) => {
    const [a, b] = await Promise.all([engine.submit(inner, x), engine.submit(inner, x)])
    return a + b
  })
  expect(await engine.map(outer, [1, 2, 3, 4])).toEqual([4, 6, 8, 10])
  expect(load.most).toBe(1)
})

test('the rate of a label is paid once, not again after a wait', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock, limits: { api: { perSecond: 1 } } })
  const outer = engine.submit(task({ labels: 'api' }, async () => await engine.submit(identity, 1)))
  await quiet()
  expect(await outer).toBe(1)
  expect(clock.delays).toEqual([])
})

test('behind an executor of others a body that awaits lends the slots of its labels', async () => {
  await using engine = new Engine({
    limits: { gpu: 1 },
    executor: { submit: (fn, ...args) => Promise.resolve().then(() => fn(...args)) as never },
  })
  const inner = task({ labels: 'gpu' }, () => 'inner')
  const outer = task({ labels: 'gpu' }, async () => await engine.submit(inner))
  expect(await engine.submit(outer)).toBe('inner')
})

test('a body that waits to have its label again holds up no tasks with other labels', async () => {
  await using engine = new Engine({ limits: { gpu: 1, net: 1 } })
  const release = gate()
  const handed = gate()
  const inner = gate()
  const lender = engine.submit(task({ labels: 'gpu' }, async () => await engine.submit(identity, inner.promise)))
  await quiet()
  const holder = engine.submit(
    task({ labels: 'gpu' }, () => {
      handed.open()
      return release.promise
    }),
  )
  await handed.promise
  inner.open()
  await quiet()
  expect(lender.done()).toBe(false)
  const other = engine.submit(task({ labels: 'net' }, () => 'another label'))
  await quiet()
  const wasDone = other.done()
  release.open()
  expect(await other).toBe('another label')
  await Promise.all([lender, holder])
  expect(wasDone).toBe(true)
})

test('a lent label is never used by more than its slots', async () => {
  await using engine = new Engine({ limits: { gpu: 1 }, executor: new InProcessExecutor({ concurrency: 3 }) })
  const load = new Load()
  const fib = task({ labels: 'gpu' }, async (n: number): Promise<number> => {
    load.enter()
    try {
      if (n < 2) return n
      const [a, b] = await load.idle(Promise.all([engine.submit(fib, n - 1), engine.submit(fib, n - 2)]))
      return a + b
    } finally {
      load.leave()
    }
  })
  expect(await engine.submit(fib, 7)).toBe(13)
  expect(load.most).toBe(1)
})

// --- Ends

test('children of bodies that await are blocked when those fail', async () => {
  await using engine = limited(1)
  const outer = engine.submit(
    task({ name: 'outer' }, async () => {
      await engine.submit(
        task({ name: 'inner' }, () => {
          throw new Error('broken')
        }),
      )
    }),
  )
  const child = engine.submit(identity, outer)
  const error = (await child.exception()) as DependencyError
  expect(error).toBeInstanceOf(DependencyError)
  expect(error.path.map(({ name }) => name)).toEqual(['identity', 'outer'])
})

test('a body whose time is up while it awaits has its slot lent, and others run', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock, executor: new InProcessExecutor({ concurrency: 1 }) })
  const release = gate<string>()
  const outer = engine.submit(
    task({ timeout: 100 }, async () => await engine.submit<[string], string>(identity, release.promise)),
  )
  await clock.advance(100)
  await expect(outer).rejects.toMatchObject({ code: 'TIMEOUT' })
  expect(await engine.submit(identity, 'meanwhile')).toBe('meanwhile')
  release.open('late')
  await quiet()
  expect(await engine.submit(identity, 'after')).toBe('after')
})

test('a body that is cancelled while it awaits is told so by its signal, and may stop at once', async () => {
  await using engine = limited(1)
  const outer = engine.submit(async () => {
    const { signal } = taskContext()
    const inner = engine.submit(identity, new Promise<never>(() => {}))
    signal.addEventListener('abort', () => inner.cancel(signal.reason))
    await inner
  })
  await quiet()
  expect(outer.cancel('stop')).toBe(false)
  await expect(outer).rejects.toMatchObject({ code: 'CANCELLED', cause: 'stop' })
})
