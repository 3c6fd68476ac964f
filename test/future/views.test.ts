import { describe, expect, test, vi } from 'vitest'
import {
  CancelledError,
  constant,
  DependencyError,
  Engine,
  FutureDependencyExecutor,
  MemoryRecordLogger,
  task,
  taskContext,
} from '../../src/index.ts'
import { deferred, foreignExecutor, reasonOf } from './support.ts'

const make = task({ name: 'make' }, () => ({ list: [1, 2, 3], text: 'abc', nothing: null as null | { a: number } }))
const identity = task(function identity<T>(value: T) {
  return value
})

describe('the value of a view', () => {
  test('pick gives a property, at an element, map what a function makes of the value', async () => {
    await using engine = new Engine()
    const future = engine.submit(make)
    expect(await future.pick('text')).toBe('abc')
    expect(await future.pick('list').at(0)).toBe(1)
    expect(await future.pick('list').at(-1)).toBe(3)
    expect(await future.map(({ list, text }) => text + list.length)).toBe('abc3')
  })

  test('is the same whether the future is pending or finished', async () => {
    await using engine = new Engine()
    const gate = deferred<number[]>()
    const future = engine.submit(() => gate.promise)
    const early = [future.pick('length'), future.at(1), future.map(([first]) => first)]
    expect(early.map((view) => view.done())).toEqual([false, false, false])
    gate.resolve([4, 5])
    await future
    const late = [future.pick('length'), future.at(1), future.map(([first]) => first)]
    expect(await Promise.all(early)).toEqual([2, 5, 4])
    expect(await Promise.all(late)).toEqual([2, 5, 4])
  })

  test('of a missing property or element is undefined, as in the language', async () => {
    await using engine = new Engine()
    const future = engine.submit(make)
    expect(await future.pick('absent' as 'text')).toBe(undefined)
    expect(await future.pick('list').at(3)).toBe(undefined)
    expect(await future.pick('list').at(-4)).toBe(undefined)
    expect(await future.pick('list').pick(-1)).toBe(undefined)
    expect(await future.pick('list').pick(1)).toBe(2)
  })

  test('may be inherited, named by a symbol, or come from a typed array', async () => {
    await using engine = new Engine()
    const key = Symbol('key')
    class Point {
      readonly [key] = 'by symbol'
      get norm() {
        return 5
      }
      at() {
        return 'a method of its own'
      }
      readonly 0 = 'zero'
    }
    const future = engine.submit(() => new Point())
    expect(await future.pick('norm')).toBe(5)
    expect(await future.pick(key)).toBe('by symbol')
    expect(await future.pick(0)).toBe('zero')
    const bytes = engine.submit(() => Uint8Array.of(7, 8, 9))
    expect(await bytes.pick('length')).toBe(3)
    expect(await bytes.pick(1)).toBe(8)
  })

  test('undefined, null, 0 and false are values like others', async () => {
    await using engine = new Engine()
    const future = engine.submit(() => [undefined, null, 0, false])
    expect(await Promise.all([0, 1, 2, 3].map((i) => future.at(i)))).toEqual([undefined, null, 0, false])
    expect(await future.map(() => undefined)).toBe(undefined)
  })

  test('of a property of null or undefined fails, naming the property and the task; the task itself has succeeded', async () => {
    await using engine = new Engine()
    const future = engine.submit(make)
    const view = future.pick('nothing')
    const error = (await reasonOf((view as never as typeof future).pick('text'))) as TypeError
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toBe('Cannot read text of the value of make, which is null')
    expect(await view).toBe(null)
    expect(future.info.status).toBe('succeeded')
  })

  test('fails with what a getter throws', async () => {
    await using engine = new Engine()
    const problem = new Error('no')
    const future = engine.submit(() => ({
      get broken(): number {
        throw problem
      },
      fine: 1,
    }))
    expect(await reasonOf(future.pick('broken'))).toBe(problem)
    expect(await future.pick('fine')).toBe(1)
  })

  test('a view of a view, of a constant, and of a task of another engine', async () => {
    await using engine = new Engine()
    await using other = new Engine()
    const deep = constant({ a: [{ b: 'c' }] })
    expect(
      await deep
        .pick('a')
        .at(0)
        .pick('b')
        .map((text) => text.length),
    ).toBe(1)
    expect(await other.submit(identity, engine.submit(make).pick('text'))).toBe('abc')
  })
})

describe('map of a future', () => {
  test('calls the function once, in a later microtask, however often the view is awaited', async () => {
    await using engine = new Engine()
    const fn = vi.fn((n: number) => n + 1)
    const future = engine.submit(() => 1)
    await future
    const view = future.map(fn)
    expect(fn).not.toHaveBeenCalled()
    expect(await Promise.all([view, view, engine.submit(identity, view)])).toEqual([2, 2, 2])
    expect(fn).toHaveBeenCalledExactlyOnceWith(1)
  })

  test('awaits what an async function makes, a future included', async () => {
    await using engine = new Engine()
    const future = engine.submit(() => 2)
    expect(await future.map(async (n) => n * 2)).toBe(4)
    expect(await future.map((n) => engine.submit(identity, n * 3))).toBe(6)
  })

  test('fails with what the function throws or rejects with', async () => {
    await using engine = new Engine()
    const problem = new Error('no')
    const future = engine.submit(() => 2)
    const views = [
      future.map(() => {
        throw problem
      }),
      future.map(() => Promise.reject(problem)),
      future.map(() => ({
        // biome-ignore lint/suspicious/noThenProperty: on purpose
        get then() {
          throw problem
        },
      })),
    ]
    for (const view of views) expect(await reasonOf(view)).toBe(problem)
    expect(await future).toBe(2)
  })

  test('never calls the function for a failed or cancelled future', async () => {
    await using engine = new Engine()
    const fn = vi.fn()
    const failed = engine.submit((): number => {
      throw new Error('no')
    })
    const cancelled = engine.submit(identity, new Promise(() => {}))
    const views = [failed.map(fn), cancelled.map(fn)]
    cancelled.cancel()
    for (const view of views) await reasonOf(view)
    expect(fn).not.toHaveBeenCalled()
  })

  test('runs outside of the task and of whoever asks for it', async () => {
    await using engine = new Engine()
    const future = engine.submit(() => taskContext().id)
    const id = await future
    const seen: string[] = []
    await engine.submit(async () => {
      seen.push(taskContext().id)
      await future.map(() => seen.push(taskContext().id))
    })
    expect(id).not.toBe('')
    expect(seen[0]).not.toBe('')
    expect(seen[1]).toBe('')
  })
})

describe('what a view costs', () => {
  test('no task, no record, no event, no node of the graph, and no call of the executor', async () => {
    const executor = foreignExecutor()
    const recordLogger = new MemoryRecordLogger()
    await using engine = new Engine({ executor, recordLogger })
    let events = 0
    engine.on('settled', () => events++)
    const future = engine.submit(make)
    await Promise.all([future.pick('list').at(0), future.map(({ text }) => text), future.pick('text')])
    expect(engine.tasksExecuted).toBe(1)
    expect(recordLogger.records).toHaveLength(1)
    expect(events).toBe(1)
    expect(engine.graph().nodes).toHaveLength(1)
    expect(executor.calls).toHaveLength(1)
  })
})

describe('the failure of a view', () => {
  test('is that of its origin, as it is', async () => {
    await using engine = new Engine()
    const error = new Error('no')
    const failed = engine.submit((): { a: number[] } => {
      throw error
    })
    const blocked = engine.submit((value: { a: number[] }) => value, failed)
    const pending = [failed.pick('a'), failed.pick('a').at(0), failed.map((value) => value)]
    for (const view of pending) expect(await reasonOf(view)).toBe(error)
    const dependencyError = await reasonOf(blocked)
    for (const view of [blocked.pick('a').at(0), blocked.map((value) => value)])
      expect(await reasonOf(view)).toBe(dependencyError)
    expect(await failed.pick('a').exception()).toBe(error)
  })

  test('is a cancellation when its origin is cancelled', async () => {
    await using engine = new Engine()
    const future = engine.submit(identity, new Promise<{ a: number }>(() => {}))
    const views = [future.map((n) => n), future.map((n) => n).map((n) => n)]
    future.cancel('enough')
    for (const view of views) {
      expect(view.cancelled()).toBe(true)
      expect(await reasonOf(view)).toBe(await reasonOf(future))
      expect(await reasonOf(view.exception())).toBeInstanceOf(CancelledError)
    }
  })
})

describe('a view as a parent', () => {
  test('is transparent: the parent is its origin, once for all of its views', async () => {
    await using engine = new Engine()
    const future = engine.submit(make)
    const child = engine.submit(
      (...all: unknown[]) => all,
      future.pick('list').at(0),
      [future.pick('text')],
      future.map(({ list }) => list.length),
      future,
    )
    expect(child.info.parentTaskIds).toEqual([future.info.taskId])
    expect((await child).slice(0, 3)).toEqual([1, ['abc'], 3])
    expect(engine.graph().nodes.at(-1)?.parents).toEqual([future.info.taskId])
  })

  test('passes the path of a failure on as if it were its origin', async () => {
    await using engine = new Engine()
    const error = new Error('no')
    const root = engine.submit(
      task({ name: 'root' }, (): { a: number[] } => {
        throw error
      }),
    )
    const middle = engine.submit(
      task({ name: 'middle' }, (a: number[]) => ({ b: a })),
      root.pick('a'),
    )
    const leaf = engine.submit(
      task({ name: 'leaf' }, (b: number) => b),
      middle.pick('b').map(([first]) => first as number),
    )
    const reason = (await reasonOf(leaf)) as DependencyError
    expect(reason.path.map(({ name }) => name)).toEqual(['leaf', 'middle', 'root'])
    expect(reason.cause).toBe(error)
  })

  test('that fails by itself blocks its child by the name of its origin, with its own error as the cause', async () => {
    await using engine = new Engine()
    const problem = new Error('no')
    const future = engine.submit(make)
    const view = future.map((): number => {
      throw problem
    })
    const child = engine.submit(
      identity,
      view.map((n) => n + 1),
    )
    const reason = (await reasonOf(child)) as DependencyError
    expect(reason).toBeInstanceOf(DependencyError)
    expect(reason.cause).toBe(problem)
    expect(reason.path).toEqual([
      { id: child.info.taskId, name: 'identity' },
      { id: future.info.taskId, name: 'make' },
    ])
  })

  test('cancels the child with its origin', async () => {
    await using engine = new Engine()
    const future = engine.submit(identity, new Promise<number[]>(() => {}))
    const child = engine.submit(
      identity,
      (future as typeof future).map((n) => n),
    )
    future.cancel()
    expect(child.cancelled()).toBe(true)
  })

  test('gives a settling child its own outcome', async () => {
    await using engine = new Engine()
    const problem = new Error('no')
    const future = engine.submit(make)
    const settle = task({ onParentFailure: 'settle' }, (...outcomes: unknown[]) => outcomes)
    const failing = future.map((): number => {
      throw problem
    })
    expect(await engine.submit(settle, failing, future.pick('text'))).toEqual([
      { status: 'rejected', reason: problem },
      { status: 'fulfilled', value: 'abc' },
    ])
  })

  test('is resolved to its own value, not to that of its origin, behind any executor', async () => {
    const executor = foreignExecutor()
    await using engine = new FutureDependencyExecutor(executor)
    const future = engine.submit(make)
    await engine.submit(identity, [future.pick('text'), future.pick('list').at(1)])
    expect(executor.calls[1]?.args).toEqual([['abc', 2]])
  })
})

describe('what a view tells and does', () => {
  test('cancel cancels its origin, and with it its siblings', async () => {
    await using engine = new Engine()
    const future = engine.submit(identity, new Promise<{ a: number }>(() => {}))
    const [view, sibling] = [future.map((n) => n), future.map((n) => n)]
    expect(view.map((n) => n).cancel('enough')).toBe(true)
    expect(future.cancelled()).toBe(true)
    expect(sibling.cancelled()).toBe(true)
    expect(((await reasonOf(future)) as CancelledError).cause).toBe('enough')
  })

  test('cancel of a running or finished origin is what that answers', async () => {
    await using engine = new Engine()
    const started = deferred()
    const aborted = deferred<unknown>()
    const gate = deferred<number[]>()
    const future = engine.submit(() => {
      const { signal } = taskContext()
      signal.addEventListener('abort', () => aborted.resolve(signal.reason))
      started.resolve()
      return gate.promise
    })
    const view = future.at(0)
    await started.promise
    expect(view.running()).toBe(true)
    expect(view.cancel('enough')).toBe(false)
    expect(await aborted.promise).toBe('enough')
    gate.resolve([1])
    expect(await view).toBe(1)
    expect(view.cancel()).toBe(false)
  })

  test('its info is that of its origin', async () => {
    await using engine = new Engine()
    const future = engine.submit(make)
    expect(future.pick('list').at(0).info.taskId).toBe(future.info.taskId)
    await future
    expect(future.map((n) => n).info).toEqual(future.info)
  })

  test('at takes whole numbers, map functions: anything else is refused at once', () => {
    const future = constant([1])
    for (const wrong of [0.5, Number.NaN, '0', undefined, Infinity])
      expect(() => future.at(wrong as number)).toThrow(/at takes a whole number/)
    for (const wrong of [undefined, null, 'length'])
      expect(() => future.map(wrong as never)).toThrow(/map takes a function/)
  })
})
