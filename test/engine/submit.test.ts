import { describe, expect, test } from 'vitest'
import { ConfigError, Engine, InProcessExecutor, isFuture, type TaskFuture, task } from '../../src/index.ts'
import { deferred, foreignExecutor, reasonOf } from '../future/support.ts'

const add = task(function add(a: number, b: number) {
  return a + b
})

describe('what submit answers', () => {
  test('a future of what the function returns or its promise is fulfilled with', async () => {
    await using engine = new Engine()
    const sync = engine.submit(add, 1, 2)
    const async = engine.submit(async (text: string) => text.length, 'four')
    expect(isFuture(sync)).toBe(true)
    expect(await sync).toBe(3)
    expect(await async).toBe(4)
  })

  test.each([undefined, null, 0, false, '', Number.NaN])(
    '%s is a result and an argument like others',
    async (value) => {
      await using engine = new Engine()
      const parent = engine.submit(() => value)
      expect(await parent).toBe(value)
      expect(await parent.exception()).toBe(undefined)
      let given: unknown[] = []
      const child = engine.submit(
        (...args: unknown[]) => {
          given = args
          return args.length
        },
        parent,
        value,
        [parent],
      )
      expect(await child).toBe(3)
      expect(given).toEqual([value, value, [value]])
      expect(child.info.success).toBe(true)
    },
  )

  test('what the function throws, as the same object', async () => {
    await using engine = new Engine()
    const error = new RangeError('no')
    const sync = engine.submit(() => {
      throw error
    })
    const async = engine.submit(async () => {
      throw error
    })
    expect(await reasonOf(sync)).toBe(error)
    expect(await reasonOf(async)).toBe(error)
  })

  test.each([undefined, null, 0, 'text', Symbol('s')])('%s may be thrown too', async (reason) => {
    await using engine = new Engine()
    const future = engine.submit(() => {
      throw reason
    })
    expect(await reasonOf(future)).toBe(reason)
    expect(future.info.success).toBe(false)
    expect(future.info.exception?.message).toBe(String(reason))
  })

  test('a foreign thenable that a function returns is followed, and one that misbehaves fails its task only', async () => {
    await using engine = new Engine()
    const problem = new Error('problem')
    // biome-ignore lint/suspicious/noThenProperty: a thenable of another library
    const good = engine.submit(() => ({ then: (done: (value: number) => void) => done(1) }))
    const bad = engine.submit(() => ({
      // biome-ignore lint/suspicious/noThenProperty: on purpose
      then() {
        throw problem
      },
    }))
    const worse = engine.submit(() => ({
      // biome-ignore lint/suspicious/noThenProperty: on purpose
      get then() {
        throw problem
      },
    }))
    expect(await good).toBe(1)
    expect(await reasonOf(bad)).toBe(problem)
    expect(await reasonOf(worse)).toBe(problem)
  })

  test('tasksExecuted counts what was submitted', async () => {
    await using engine = new Engine()
    expect(engine.tasksExecuted).toBe(0)
    const parent = engine.submit(add, 1, 2)
    engine.map((n: number) => n, [1, 2, 3])
    engine.submit(add, parent, 1)
    expect(engine.tasksExecuted).toBe(5)
  })

  test('ids are unique and sort by the order of submission, in one engine and from one to the next', async () => {
    await using first = new Engine()
    await using second = new Engine()
    const ids = Array.from({ length: 1000 }, () => first.submit(add, 1, 2).info.taskId)
    expect([...ids].sort()).toEqual(ids)
    expect(new Set([...ids, second.submit(add, 1, 2).info.taskId]).size).toBe(1001)
  })
})

describe('what submit refuses at once', () => {
  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a number', 5],
    ['the name of a task', 'add'],
    ['an object', { run() {} }],
  ])('%s in the place of a function', async (_, value) => {
    await using engine = new Engine()
    expect(() => engine.submit(value as never)).toThrow(TypeError)
    expect(() => engine.submit(value as never)).toThrow(/submit takes a task or a function, not /)
    expect(engine.tasksExecuted).toBe(0)
  })

  test('an executor that the engine does not have, naming those it has', async () => {
    await using engine = new Engine({ executors: { cpu: new InProcessExecutor() } })
    const lost = add.with({ executor: 'gpu' })
    expect(() => engine.submit(lost, 1, 2)).toThrow(ConfigError)
    expect(() => engine.submit(lost, 1, 2)).toThrow(/no executor "gpu"; there are cpu, default/)
    expect(engine.tasksExecuted).toBe(0)
  })
})

describe('a plain function', () => {
  test('runs as a task of its own name', async () => {
    await using engine = new Engine()
    function triple(x: number) {
      return 3 * x
    }
    const future = engine.submit(triple, 2)
    expect(await future).toBe(6)
    expect(future.info.name).toBe('triple')
    expect(engine.submit(() => 1).info.name).toBe('anonymous')
  })

  test('is what the executor is given, each time the same', async () => {
    const executor = foreignExecutor()
    await using engine = new Engine({ executor })
    const triple = (x: number) => 3 * x
    await engine.submit(triple, 1)
    await engine.submit(triple, 2)
    expect(executor.calls.map(({ fn }) => fn)).toEqual([triple, triple])
  })
})

describe('when bodies start', () => {
  test('never inside of submit: in a later microtask', async () => {
    await using engine = new Engine()
    const log: string[] = []
    const parent = engine.submit(() => log.push('parent'))
    log.push('after parent')
    const child = engine.submit((_: number) => log.push('child of a pending parent'), parent)
    log.push('after child')
    await child
    log.push('child done')
    const late = engine.submit((_: number) => log.push('child of a finished parent'), parent)
    log.push('after late child')
    await late
    expect(log).toEqual([
      'after parent',
      'after child',
      'parent',
      'child of a pending parent',
      'child done',
      'after late child',
      'child of a finished parent',
    ])
  })

  test('never inside of a submit that another body calls', async () => {
    await using engine = new Engine()
    const log: string[] = []
    const inner: TaskFuture<number>[] = []
    await engine.submit(() => {
      inner.push(engine.submit(() => log.push('inner')))
      log.push('outer')
    })
    await inner[0]
    expect(log).toEqual(['outer', 'inner'])
  })

  test('no listener, logger or callback runs inside of submit or cancel', async () => {
    const log: string[] = []
    await using engine = new Engine({ recordLogger: { log: () => void log.push('record') } })
    for (const event of ['submitted', 'ready', 'started', 'settled'] as const) engine.on(event, () => log.push(event))
    const future = engine.submit(add, 1, 2)
    future.addDoneCallback(() => log.push('callback'))
    expect(log).toEqual([])
    await future
    expect(log).toEqual(['submitted', 'ready', 'started', 'record', 'settled', 'callback'])
    log.length = 0
    const cancelled = engine.submit(add, 1, 2)
    cancelled.addDoneCallback(() => log.push('callback'))
    cancelled.cancel()
    expect(log).toEqual([])
    await reasonOf(cancelled)
    expect(log).toEqual(['submitted', 'ready', 'record', 'settled', 'callback'])
  })

  test('the then of a foreign thenable is not called inside of submit', async () => {
    await using engine = new Engine()
    let called = false
    const thenable = {
      // biome-ignore lint/suspicious/noThenProperty: a thenable of another library
      then(done: (value: number) => void) {
        called = true
        done(1)
      },
    }
    const child = engine.submit(add, thenable as PromiseLike<number>, 1)
    expect(called).toBe(false)
    expect(await child).toBe(2)
  })

  test('a child starts as soon as its last parent is done, and not before', async () => {
    await using engine = new Engine()
    const [first, second] = [deferred<number>(), deferred<number>()]
    const log: string[] = []
    const a = engine.submit(() => first.promise)
    const b = engine.submit(() => second.promise)
    const child = engine.submit(
      (x: number, [y]: [number]) => {
        log.push('child')
        return x + y
      },
      a,
      [b],
    )
    expect(child.info.status).toBe('waiting')
    first.resolve(1)
    await a
    // Had the child been ready, it would have run before this one.
    await engine.submit(() => log.push('bystander'))
    expect(log).toEqual(['bystander'])
    second.resolve(2)
    await b
    const after = engine.submit(() => log.push('after'))
    expect(await child).toBe(3)
    await after
    expect(log).toEqual(['bystander', 'child', 'after'])
  })

  test('it does not wait for siblings, nor for tasks submitted before it', async () => {
    await using engine = new Engine()
    const never = deferred<number>()
    const stuck = engine.submit(() => never.promise)
    const parent = engine.submit(add, 1, 1)
    const sibling = engine.submit((_: number, stuck: number) => stuck, parent, stuck)
    expect(await engine.submit(add, parent, 1)).toBe(3)
    expect(sibling.done()).toBe(false)
    never.resolve(0)
    await sibling
  })

  test('of a diamond of any width each task runs once, between its parents and its children', async () => {
    await using engine = new Engine({ executor: new InProcessExecutor({ concurrency: 3 }) })
    const log: string[] = []
    const step = (name: string, ...parents: TaskFuture<string>[]) =>
      engine.submit((_: string[]) => {
        log.push(name)
        return name
      }, parents)
    const top = step('top')
    const middle = Array.from({ length: 50 }, (_, i) => step(`middle ${i}`, top, top))
    await step('bottom', ...middle, top, ...middle)
    expect(log).toHaveLength(52)
    expect(new Set(log).size).toBe(52)
    expect(log[0]).toBe('top')
    expect(log.at(-1)).toBe('bottom')
  })

  test('priority decides among those that are ready', async () => {
    await using engine = new Engine({ executor: new InProcessExecutor({ concurrency: 1 }) })
    const log: string[] = []
    const note = task((name: string) => log.push(name))
    await Promise.all([
      engine.submit(note, 'first of 0'),
      engine.submit(note.with({ priority: -1 }), 'low'),
      engine.submit(note.with({ priority: 5 }), 'high'),
      engine.submit(note, 'second of 0'),
    ])
    expect(log).toEqual(['high', 'first of 0', 'second of 0', 'low'])
  })
})

describe('the inner submit of a child', () => {
  test('happens exactly once, however its parents come together', async () => {
    const executor = foreignExecutor()
    await using engine = new Engine({ executor })
    const gates = [deferred<number>(), deferred<number>(), deferred<number>()]
    const parents = gates.map(({ promise }) => engine.submit(() => promise))
    const child = engine.submit(
      task({ name: 'child' }, (...all: unknown[]) => all.length),
      parents[0],
      parents,
      parents[1]?.pick('valueOf'),
      new Set(parents),
      gates[2]?.promise,
    )
    // In one go, so that all parents are done in the same turn.
    for (const gate of gates) gate.resolve(1)
    expect(await child).toBe(5)
    await Promise.all(parents)
    expect(executor.calls).toHaveLength(4)
  })

  test('happens once too when all parents were done before', async () => {
    const executor = foreignExecutor()
    await using engine = new Engine({ executor })
    const parents = [engine.submit(add, 1, 2), engine.submit(add, 3, 4)] as const
    await Promise.all(parents)
    expect(await engine.submit(add, ...parents)).toBe(10)
    expect(executor.calls.map(({ args }) => args)).toEqual([
      [1, 2],
      [3, 4],
      [3, 7],
    ])
  })

  test('does not happen while a parent is pending', async () => {
    const executor = foreignExecutor()
    await using engine = new Engine({ executor })
    const gate = deferred<number>()
    const child = engine.submit(add, gate.promise, 1)
    await engine.submit(add, 1, 2)
    expect(executor.calls).toHaveLength(1)
    gate.resolve(1)
    await child
    expect(executor.calls).toHaveLength(2)
  })
})

describe('engines in engines', () => {
  test('an engine is an executor of another one', async () => {
    const inner = new Engine({ executor: new InProcessExecutor({ concurrency: 1 }) })
    await using outer = new Engine({ executor: inner })
    const parent = outer.submit(add, 1, 2)
    expect(await outer.submit(add, parent, 10)).toBe(13)
    expect(inner.tasksExecuted).toBe(2)
  })

  test('futures of one engine are parents in another', async () => {
    await using first = new Engine()
    await using second = new Engine()
    const parent = first.submit(add, 1, 2)
    const child = second.submit(add, parent, 1)
    expect(await child).toBe(4)
    expect(child.info.parentTaskIds).toEqual([parent.info.taskId])
  })
})
