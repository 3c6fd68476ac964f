import { describe, expect, test } from 'vitest'
import {
  CancelledError,
  constant,
  Engine,
  futureDict,
  InProcessExecutor,
  opaque,
  TapsError,
  type TaskFuture,
  task,
  wait,
} from '../../src/index.ts'
import { VirtualClock } from '../../src/testing/index.ts'
import { gate } from '../support/gate.ts'
import { quiet } from '../support/quiet.ts'

const identity = <T>(value: T): T => value
const limited = (concurrency: number): Engine => new Engine({ executor: new InProcessExecutor({ concurrency }) })

function failWith(error: unknown): () => never {
  return () => {
    throw error
  }
}

// --- What a body may return

test('a result that is a future is joined: the value of that future', async () => {
  await using engine = new Engine()
  expect(await engine.submit(() => engine.submit(identity, 1))).toBe(1)
})

test('an array with futures is joined: an array of values, others among them as they are', async () => {
  await using engine = new Engine()
  const other = { some: 'object' }
  const result = await engine.submit(() => [engine.submit(identity, 1), 2, other, engine.submit(identity, 3)])
  expect(result).toEqual([1, 2, other, 3])
  expect(result[2]).toBe(other)
})

test('a list of futures is joined', async () => {
  await using engine = new Engine()
  const result = await engine.submit(() => engine.map(identity<number>, [1, 2, 3]))
  expect(result).toEqual([1, 2, 3])
  expect(result.constructor).toBe(Array)
})

test('a dictionary of futures is joined', async () => {
  await using engine = new Engine()
  expect(await engine.submit(() => futureDict({ a: engine.submit(identity, 1) }))).toEqual({ a: 1 })
})

test('an async body may return futures too', async () => {
  await using engine = new Engine()
  expect(await engine.submit(async () => engine.submit(identity, 1))).toBe(1)
  expect(await engine.submit(async () => [engine.submit(identity, 1), 2])).toEqual([1, 2])
})

test('the same future twice, and a finished one, are joined', async () => {
  await using engine = new Engine()
  const done = engine.submit(identity, 'done')
  await done
  expect(
    await engine.submit(() => {
      const open = engine.submit(identity, 'open')
      return [open, done, open, done]
    }),
  ).toEqual(['open', 'done', 'open', 'done'])
})

test('a view, a constant and a future of another engine are joined', async () => {
  await using engine = new Engine()
  await using other = new Engine()
  expect(
    await engine.submit(() => [engine.submit(identity, { a: 1 }).pick('a'), constant(2), other.submit(identity, 3)]),
  ).toEqual([1, 2, 3])
})

test('futures deeper than the top level of an array are results as they are', async () => {
  await using engine = new Engine()
  const inner = engine.submit(identity, 1)
  const { deep } = await engine.submit(() => ({ deep: [inner] }))
  expect(deep[0]).toBe(inner)
})

test('an empty array, and one without futures, is the result itself', async () => {
  await using engine = new Engine()
  const plain = [1, 2]
  expect(await engine.submit(() => [])).toEqual([])
  expect(await engine.submit(() => plain)).toBe(plain)
})

test('a result that is joined goes to children as a value', async () => {
  await using engine = new Engine()
  const joined = engine.submit(() => [engine.submit(identity, 1), engine.submit(identity, 2)])
  expect(await engine.submit((values: readonly number[]) => values.join(), joined)).toBe('1,2')
})

test('a chain of joins of any depth ends', async () => {
  await using engine = new Engine()
  const down = task((n: number): unknown => (n === 0 ? 'bottom' : engine.submit(down, n - 1)))
  expect(await engine.submit(down, 20_000)).toBe('bottom')
})

// --- While it joins

test.each([1, 2])('a task that is joined holds no slot: recursion with %d slots', async (concurrency) => {
  await using engine = limited(concurrency)
  const down = task((n: number): unknown => (n === 0 ? 'bottom' : engine.submit(down, n - 1)))
  expect(await engine.submit(down, 100)).toBe('bottom')
  const tree = task((n: number): unknown => (n === 0 ? 1 : [engine.submit(tree, n - 1), engine.submit(tree, n - 1)]))
  expect((await engine.submit(tree, 6)) as unknown[]).toHaveLength(2)
})

test('a task that is joined is still running, and not done', async () => {
  await using engine = limited(1)
  const release = gate<string>()
  const inner: TaskFuture<string>[] = []
  const outer = engine.submit(() => {
    inner.push(engine.submit(identity<string>, release.promise))
    return inner
  })
  await quiet()
  expect(outer.info.status).toBe('running')
  expect(outer.running()).toBe(true)
  expect(await engine.submit(identity, 'the slot is free')).toBe('the slot is free')
  release.open('joined')
  expect(await outer).toEqual(['joined'])
})

// --- Failures

test('a failure passes through as it is: the very error, no DependencyError', async () => {
  await using engine = new Engine()
  const error = new Error('inner')
  const one = engine.submit(() => engine.submit(failWith(error)))
  const list = engine.submit(() => [engine.submit(identity, 1), engine.submit(failWith(error))])
  expect(await one.exception()).toBe(error)
  expect(await list.exception()).toBe(error)
  expect([one.info.status, list.info.status]).toEqual(['failed', 'failed'])
})

test('the first failure settles the task at once; the other futures go on', async () => {
  await using engine = new Engine()
  const release = gate<string>()
  let slow: TaskFuture<string> | undefined
  const outer = engine.submit(() => {
    slow = engine.submit(identity<string>, release.promise)
    return [slow, engine.submit(failWith(new Error('fast')))]
  })
  await expect(outer).rejects.toThrow('fast')
  expect(slow?.done()).toBe(false)
  release.open('slow')
  expect(await slow).toBe('slow')
})

test('a child of a task that failed by a join names that task, and the cause', async () => {
  await using engine = new Engine()
  const error = new Error('inner')
  const outer = engine.submit(task({ name: 'outer' }, () => engine.submit(failWith(error))))
  const child = engine.submit(task({ name: 'child' }, identity), outer)
  await expect(child).rejects.toMatchObject({
    code: 'DEPENDENCY_FAILED',
    cause: error,
    path: [{ name: 'child' }, { name: 'outer' }],
  })
})

test('what an inner task was blocked by passes through as it is', async () => {
  await using engine = new Engine()
  const outer = engine.submit(() => engine.submit(identity, engine.submit(failWith(new Error('root')))))
  await expect(outer).rejects.toMatchObject({ code: 'DEPENDENCY_FAILED', cause: { message: 'root' } })
  expect(outer.info.status).toBe('failed')
})

test('a future that is rejected before it is joined fails the task as well', async () => {
  await using engine = new Engine()
  const failed = engine.submit(failWith(new Error('before')))
  await failed.exception()
  await expect(engine.submit(() => failed)).rejects.toThrow('before')
})

test('a cancelled future makes the task that joins it cancelled', async () => {
  await using engine = new Engine()
  const inner = engine.submit(identity, new Promise(() => {}))
  const outer = engine.submit(() => inner)
  await quiet()
  inner.cancel('inner')
  await expect(outer).rejects.toBeInstanceOf(CancelledError)
  expect(outer.cancelled()).toBe(true)
})

test('a failure that is joined is not tried again: the body did what it had to', async () => {
  await using engine = new Engine()
  let runs = 0
  const outer = engine.submit(
    task({ retries: 3 }, () => {
      runs++
      return engine.submit(failWith(new Error('inner')))
    }),
  )
  await expect(outer).rejects.toThrow('inner')
  expect(runs).toBe(1)
})

// --- Rings

/** Futures that bodies can get at, though they are submitted before. */
const handles = (): Record<string, TaskFuture<unknown>> => ({})

/** What a task that must not settle by itself has become. */
async function outcomeOf(future: TaskFuture<unknown>): Promise<unknown> {
  await quiet()
  return future.done() ? future.exception() : 'still pending'
}

describe.each([1, Infinity])('with %d slots', (concurrency) => {
  test('a task that returns its own future rejects at once', async () => {
    await using engine = limited(concurrency)
    const own = handles()
    const me = engine.submit(task({ name: 'me' }, () => own.me))
    own.me = me
    const error = await outcomeOf(me)
    expect(error).toBeInstanceOf(TapsError)
    expect(error).toMatchObject({ code: 'JOIN_CYCLE' })
    expect((error as Error).message).toContain(`Task me (${me.info.taskId}) would wait for itself`)
  })

  test.each<[string, (me: TaskFuture<unknown>) => unknown]>([
    ['its own future in an array', (me) => [1, me]],
    ['a view of its own future', (me) => me.map((value) => value)],
    ['a property of its own result', (me) => (me as TaskFuture<{ a: unknown }>).pick('a')],
  ])('a task that returns %s rejects at once', async (_, result) => {
    await using engine = limited(concurrency)
    const own = handles()
    own.me = engine.submit((): unknown => result(own.me as TaskFuture<unknown>))
    expect(await outcomeOf(own.me)).toMatchObject({ code: 'JOIN_CYCLE' })
  })

  test('an async body that returns its own future rejects at once', async () => {
    await using engine = limited(concurrency)
    const own = handles()
    own.me = engine.submit(async () => own.me)
    expect(await outcomeOf(own.me)).toMatchObject({ code: 'JOIN_CYCLE' })
  })

  test('a body that awaits its own future rejects at once', async () => {
    await using engine = limited(concurrency)
    const own = handles()
    own.me = engine.submit(async () => {
      await null
      return 1 + ((await own.me) as number)
    })
    expect(await outcomeOf(own.me)).toMatchObject({ code: 'JOIN_CYCLE' })
  })

  test('a body that catches this goes on', async () => {
    await using engine = limited(concurrency)
    const own = handles()
    own.me = engine.submit(async () => {
      try {
        return await own.me
      } catch (error) {
        return (error as TapsError).code
      }
    })
    expect(await own.me).toBe('JOIN_CYCLE')
  })

  test('a body that awaits a child of its own task rejects at once', async () => {
    await using engine = limited(concurrency)
    const own = handles()
    own.me = engine.submit(async () => {
      const child = engine.submit(identity, own.me)
      const grandchild = engine.submit(identity, [child])
      await grandchild
    })
    expect(await outcomeOf(own.me)).toMatchObject({ code: 'JOIN_CYCLE' })
  })

  test('a task that returns a child of its own task rejects at once, and the child is blocked', async () => {
    await using engine = limited(concurrency)
    const own = handles()
    own.me = engine.submit(() => {
      own.child = engine.submit(identity, { deep: [own.me] })
      return own.child
    })
    expect(await outcomeOf(own.me)).toMatchObject({ code: 'JOIN_CYCLE' })
    await expect(own.child).rejects.toMatchObject({ code: 'DEPENDENCY_FAILED', cause: { code: 'JOIN_CYCLE' } })
  })

  test.each([2, 3, 10])('the join that closes a ring of %d rejects, and with it all of the ring', async (length) => {
    await using engine = limited(concurrency)
    const ring: TaskFuture<unknown>[] = []
    for (let i = 0; i < length; i++) ring.push(engine.submit((): unknown => ring[(i + 1) % length]))
    for (const future of ring) expect(await outcomeOf(future)).toMatchObject({ code: 'JOIN_CYCLE' })
  })

  test('a ring of awaits ends: the one that closes it is told', async () => {
    await using engine = limited(concurrency)
    const ring = handles()
    ring.a = engine.submit(async () => await ring.b)
    ring.b = engine.submit(async () => await ring.c)
    ring.c = engine.submit(async () => await ring.a)
    for (const future of [ring.a, ring.b, ring.c]) expect(await outcomeOf(future)).toMatchObject({ code: 'JOIN_CYCLE' })
  })

  test('a ring of joins, awaits and parents ends', async () => {
    await using engine = limited(concurrency)
    const ring = handles()
    ring.joins = engine.submit((): unknown => ring.awaits)
    ring.awaits = engine.submit(async () => {
      await null
      return await ring.child
    })
    ring.child = engine.submit(identity, ring.joins)
    for (const future of [ring.joins, ring.awaits]) {
      expect(await outcomeOf(future)).toMatchObject({ code: 'JOIN_CYCLE' })
    }
    expect(await outcomeOf(ring.child)).toMatchObject({ code: 'DEPENDENCY_FAILED' })
  })

  test('a ring through a list that is awaited as a whole ends', async () => {
    await using engine = limited(concurrency)
    const own = handles()
    own.me = engine.submit(async () => await engine.map(identity<unknown>, [1, own.me]))
    expect(await outcomeOf(own.me)).toMatchObject({ code: 'JOIN_CYCLE' })
  })

  test('a body that submits a child of its own task, and does not wait for it, is no ring', async () => {
    await using engine = limited(concurrency)
    const own = handles()
    own.me = engine.submit(() => {
      own.child = engine.submit(identity, own.me)
      return 'parent'
    })
    expect(await own.me).toBe('parent')
    expect(await own.child).toBe('parent')
  })

  test('two tasks that wait for the same one are no ring', async () => {
    await using engine = limited(concurrency)
    const release = gate<string>()
    const shared = engine.submit(identity<string>, release.promise)
    const left = engine.submit(async () => await shared)
    const right = engine.submit(() => [left, shared])
    await quiet()
    release.open('shared')
    expect(await right).toEqual(['shared', 'shared'])
  })
})

test('a ring through two engines ends', async () => {
  await using one = new Engine()
  await using two = new Engine()
  const ring = handles()
  ring.a = one.submit(async () => await ring.b)
  ring.b = two.submit(async () => await ring.a)
  expect(await outcomeOf(ring.a)).toMatchObject({ code: 'JOIN_CYCLE' })
  expect(await outcomeOf(ring.b)).toMatchObject({ code: 'JOIN_CYCLE' })
})

test('shutdown awaited inside of a body rejects at once, and changes nothing', async () => {
  await using engine = new Engine()
  const future = engine.submit(
    task({ name: 'closer' }, async () => {
      await engine.shutdown()
    }),
  )
  const error = await outcomeOf(future)
  expect(error).toMatchObject({ code: 'JOIN_CYCLE' })
  expect(await engine.submit(identity, 'still open')).toBe('still open')
})

test('shutdown inside of a body that does not wait is allowed', async () => {
  const engine = new Engine()
  const future = engine.submit(async () => {
    await engine.shutdown({ wait: false })
    return 'closed from inside'
  })
  expect(await future).toBe('closed from inside')
  await engine.shutdown()
  await expect(engine.submit(identity, 1)).rejects.toMatchObject({ code: 'EXECUTOR_SHUTDOWN' })
})

describe('a ring through an engine behind the engine', () => {
  const nested = (): Engine => new Engine({ executor: new Engine() })

  test('is found when a task returns its own future', async () => {
    await using engine = nested()
    const own: Record<'self' | 'one' | 'other', TaskFuture<unknown>> = Object.create(null)
    own.self = engine.submit(() => own.self)
    await expect(own.self).rejects.toMatchObject({ code: 'JOIN_CYCLE' })
  })

  test('is found when two tasks await each other', async () => {
    await using engine = nested()
    const own: Record<'self' | 'one' | 'other', TaskFuture<unknown>> = Object.create(null)
    own.one = engine.submit(async () => {
      await null
      return await own.other
    })
    own.other = engine.submit(async () => {
      await null
      return await own.one
    })
    const outcomes = await Promise.allSettled([own.one, own.other])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  })
})

test('a wait that has a deadline, or may end with another future, is no ring', async () => {
  await using engine = new Engine({ clock: new VirtualClock() })
  const own: Record<'self' | 'one' | 'other', TaskFuture<unknown>> = Object.create(null)
  own.self = engine.submit(async () => {
    await null
    const behind = engine.submit(identity, own.self)
    const other = engine.submit(identity, 'other')
    const { done } = await wait([behind, other], { returnWhen: 'FIRST_COMPLETED' })
    const { notDone } = await wait([behind], { timeout: 1000 })
    return [done.has(other), notDone.has(behind)]
  })
  expect(await own.self).toEqual([true, true])
})

test('what stands in arguments as a value is not asked, and no ring', async () => {
  await using engine = limited(1)
  let asked = 0
  // biome-ignore lint/suspicious/noThenProperty: like a query builder
  const lazy = { then: () => void asked++ }
  const own: Record<'self' | 'one' | 'other', TaskFuture<unknown>> = Object.create(null)
  own.self = engine.submit(async () => {
    await engine.submit((future: TaskFuture<unknown>) => future.info.taskId, opaque(own.self))
    return await engine.submit((query: typeof lazy) => typeof query.then, opaque(lazy))
  })
  expect(await own.self).toBe('function')
  expect(asked).toBe(0)
})

test('a list that a task returns is joined as an array is: no retry, and cancelled with its elements', async () => {
  await using engine = new Engine()
  let runs = 0
  const future = engine.submit(
    task({ retries: 2 }, () => {
      runs++
      const list = engine.map(identity, [1, 2, 3])
      list[1]?.cancel()
      return list
    }),
  )
  await expect(future).rejects.toMatchObject({ code: 'CANCELLED' })
  expect([runs, future.cancelled()]).toEqual([1, true])
})
