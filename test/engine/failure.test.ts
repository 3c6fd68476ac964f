import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test, vi } from 'vitest'
import {
  asCompleted,
  CancelledError,
  ConfigError,
  constant,
  DependencyError,
  Engine,
  FutureDependencyExecutor,
  MemoryRecordLogger,
  TapsError,
  type TaskFuture,
  type TaskInfo,
  task,
  wait,
} from '../../src/index.ts'
import { deferred, foreignExecutor, reasonOf } from '../future/support.ts'

const fail = task(function fail(error: unknown): number {
  throw error
})
const identity = task(function identity(n: number) {
  return n
})
const add = task(function add(a: number, b: number) {
  return a + b
})

describe('a child of a failed parent', () => {
  test.each([
    ['that fails after the child was submitted', false],
    ['that had failed before the child was submitted', true],
  ])('never runs, and rejects with DependencyError: a parent %s', async (_, isEarly) => {
    await using engine = new Engine()
    const error = new Error('the root')
    const gate = deferred<number>()
    const parent = engine.submit(task({ name: 'parent' }, () => gate.promise))
    gate.reject(error)
    if (isEarly) await parent.exception()
    let runs = 0
    const child = engine.submit(
      task({ name: 'child' }, (_: number) => {
        runs++
      }),
      parent,
    )
    const reason = (await reasonOf(child)) as DependencyError
    expect(reason).toBeInstanceOf(DependencyError)
    expect(reason).toBeInstanceOf(TapsError)
    expect(reason.name).toBe('DependencyError')
    expect(reason.code).toBe('DEPENDENCY_FAILED')
    expect(reason.cause).toBe(error)
    expect(reason.path).toEqual([
      { id: child.info.taskId, name: 'child' },
      { id: parent.info.taskId, name: 'parent' },
    ])
    expect(reason.message).toBe('Not run, because a parent failed: child <- parent')
    expect(child.info).toMatchObject({ status: 'blocked', success: false, attempts: 0, execution: null })
    expect(runs).toBe(0)
  })

  test('names the path from itself, first, to the root, last; the cause is the same object at each level', async () => {
    await using engine = new Engine()
    const error = new TypeError('the root')
    const root = engine.submit(fail, error)
    const middle = engine.submit(add, 1, root)
    const leaf = engine.submit(
      task({ name: 'leaf' }, (xs: number[]) => xs.length),
      [middle],
    )
    const [outer, inner] = (await Promise.all([leaf, middle].map(reasonOf))) as [DependencyError, DependencyError]
    expect(outer.path.map(({ name }) => name)).toEqual(['leaf', 'add', 'fail'])
    expect(outer.path.map(({ id }) => id)).toEqual([leaf, middle, root].map(({ info }) => info.taskId))
    expect(inner.path.map(({ name }) => name)).toEqual(['add', 'fail'])
    expect(outer.cause).toBe(error)
    expect(inner.cause).toBe(error)
  })

  test.each([undefined, null, 0, 'text'])('has %s as its cause, if that was thrown', async (reason) => {
    await using engine = new Engine()
    const error = (await reasonOf(engine.submit(identity, engine.submit(fail, reason)))) as DependencyError
    expect('cause' in error).toBe(true)
    expect(error.cause).toBe(reason)
  })

  test('of a parent in another engine knows the whole path', async () => {
    await using first = new Engine()
    await using second = new Engine()
    const root = first.submit(fail, new Error('no'))
    const middle = first.submit(identity, root)
    const child = second.submit(identity, middle)
    const error = (await reasonOf(child)) as DependencyError
    expect(error.path.map(({ id }) => id)).toEqual([child, middle, root].map(({ info }) => info.taskId))
  })

  test('of a task that threw a DependencyError itself has that error as its cause: the path begins where something ran', async () => {
    await using engine = new Engine()
    const blocked = engine.submit(identity, engine.submit(fail, new Error('no')))
    const error = await reasonOf(blocked)
    const parent = engine.submit(fail, error)
    const child = engine.submit(identity, parent)
    const reason = (await reasonOf(child)) as DependencyError
    expect(reason.cause).toBe(error)
    expect(reason.path.map(({ name }) => name)).toEqual(['identity', 'fail'])
  })

  test('fails at once, although other parents are pending', async () => {
    await using engine = new Engine()
    const gate = deferred<number>()
    const pending = engine.submit(() => gate.promise)
    const later = deferred<number>()
    const parent = engine.submit(() => later.promise)
    const child = engine.submit(add, pending, parent)
    later.reject(new Error('no'))
    expect(await reasonOf(child)).toBeInstanceOf(DependencyError)
    expect(pending.done()).toBe(false)
    const late = engine.submit(add, pending, parent)
    expect(late.done()).toBe(true)
    expect(await reasonOf(late)).toBeInstanceOf(DependencyError)
    gate.resolve(1)
  })

  test('leaves its other parents alone: they go on', async () => {
    await using engine = new Engine()
    const gate = deferred<number>()
    const other = engine.submit(() => gate.promise)
    const child = engine.submit(add, engine.submit(fail, new Error('no')), other)
    await reasonOf(child)
    gate.resolve(7)
    expect(await other).toBe(7)
    expect(await engine.submit(add, other, 1)).toBe(8)
  })

  test('is told of the first failure only, when both of its parents fail', async () => {
    const recordLogger = new MemoryRecordLogger()
    await using engine = new Engine({ recordLogger })
    const [first, second] = [deferred<number>(), deferred<number>()]
    const a = engine.submit(() => first.promise)
    const b = engine.submit(() => second.promise)
    const child = engine.submit(add, a, b)
    second.reject(new Error('second parent, fails first'))
    const reason = (await reasonOf(child)) as DependencyError
    first.reject(new Error('first parent, fails second'))
    expect(((await a.exception()) as Error).message).toBe('first parent, fails second')
    expect(((await b.exception()) as Error).message).toBe('second parent, fails first')
    expect((reason.cause as Error).message).toBe('second parent, fails first')
    expect(await reasonOf(child)).toBe(reason)
    expect(recordLogger.records.filter(({ taskId }) => taskId === child.info.taskId)).toHaveLength(1)
  })

  test('is told of the first among its arguments, when all have failed before', async () => {
    await using engine = new Engine()
    const parents = [new Error('one'), new Error('two')].map((error) => engine.submit(fail, error))
    await Promise.all(parents.map((parent) => parent.exception()))
    const child = engine.submit((xs: number[]) => xs.length, [...parents].reverse())
    expect(((await reasonOf(child)) as DependencyError).cause).toHaveProperty('message', 'two')
  })

  test('does not pass the failure on to its siblings', async () => {
    await using engine = new Engine()
    const good = engine.submit(identity, 1)
    const bad = engine.submit(fail, new Error('no'))
    const blocked = engine.submit(add, good, bad)
    const sibling = engine.submit(add, good, 1)
    await reasonOf(blocked)
    expect(await sibling).toBe(2)
  })

  test('is not handed to the executor', async () => {
    const executor = foreignExecutor()
    await using engine = new FutureDependencyExecutor(executor)
    await reasonOf(engine.submit(identity, engine.submit(fail, new Error('no'))))
    expect(executor.calls).toHaveLength(1)
  })

  test('has a record like others', async () => {
    const recordLogger = new MemoryRecordLogger()
    await using engine = new Engine({ recordLogger })
    const parent = engine.submit(fail, new Error('no'))
    const child = engine.submit(identity, parent)
    await reasonOf(child)
    expect(recordLogger.records[1]).toMatchObject({
      taskId: child.info.taskId,
      parentTaskIds: [parent.info.taskId],
      success: false,
      status: 'blocked',
      exception: { type: 'DependencyError', message: 'Not run, because a parent failed: identity <- fail' },
      attempts: 0,
    })
  })

  test('of a cancelled parent is cancelled, not blocked', async () => {
    await using engine = new Engine()
    const parent = engine.submit(identity, new Promise<number>(() => {}))
    const child = engine.submit(identity, parent)
    parent.cancel('enough')
    const late = engine.submit(identity, parent)
    for (const future of [child, late]) {
      const error = (await reasonOf(future)) as CancelledError
      expect(error).toBeInstanceOf(CancelledError)
      expect(error.cause).toBe('enough')
      expect(future.info.status).toBe('cancelled')
    }
  })
})

describe("onParentFailure: 'settle'", () => {
  const observe = task({ name: 'observe', onParentFailure: 'settle' }, (...outcomes: unknown[]) => outcomes)
  const fulfilled = (value: unknown) => ({ status: 'fulfilled', value })
  const rejected = (reason: unknown) => ({ status: 'rejected', reason })

  test('hands over the outcome of each future, in its place, at any depth; values stay values', async () => {
    await using engine = new Engine()
    const error = new Error('no')
    const bad = engine.submit(fail, error)
    const good = engine.submit(identity, 1)
    const outcomes = await engine.submit(observe, bad, 5, [good, { deep: new Map([['k', bad]]) }], new Set([good]))
    expect(outcomes).toEqual([
      rejected(error),
      5,
      [fulfilled(1), { deep: new Map([['k', rejected(error)]]) }],
      new Set([fulfilled(1)]),
    ])
    expect((outcomes[0] as PromiseRejectedResult).reason).toBe(error)
  })

  test('knows cancelled, blocked and foreign parents too', async () => {
    await using engine = new Engine()
    const waiting = engine.submit(identity, new Promise<number>(() => {}))
    const bad = engine.submit(fail, new Error('no'))
    const blocked = engine.submit(identity, bad)
    const child = engine.submit(observe, waiting, blocked, Promise.reject('foreign'), Promise.resolve('fine'))
    waiting.cancel('enough')
    expect(await child).toEqual([
      rejected(await reasonOf(waiting)),
      rejected(await reasonOf(blocked)),
      rejected('foreign'),
      fulfilled('fine'),
    ])
    expect(await reasonOf(waiting)).toBeInstanceOf(CancelledError)
    expect(await reasonOf(blocked)).toBeInstanceOf(DependencyError)
  })

  test('gives the same outcome for parents that had failed or were cancelled before', async () => {
    await using engine = new Engine()
    const error = new Error('no')
    const bad = engine.submit(fail, error)
    const cancelled = engine.submit(identity, new Promise<number>(() => {}))
    cancelled.cancel()
    await bad.exception()
    expect(await engine.submit(observe, bad, cancelled)).toEqual([rejected(error), rejected(await reasonOf(cancelled))])
  })

  test('waits for all parents, also after the first failure', async () => {
    await using engine = new Engine()
    const gate = deferred<number>()
    const bad = engine.submit(fail, new Error('no'))
    const child = engine.submit(observe, bad, gate.promise)
    await bad.exception()
    await engine.submit(identity, 0)
    expect(child.info.status).toBe('waiting')
    gate.resolve(2)
    expect((await child)[1]).toEqual(fulfilled(2))
  })

  test('stands for each future of a list', async () => {
    await using engine = new Engine()
    const list = engine.map(
      (n: number) => {
        if (n === 2) throw new RangeError('two')
        return n
      },
      [1, 2, 3],
    )
    const count = task(
      { onParentFailure: 'settle' },
      (results: readonly PromiseSettledResult<number>[]) =>
        results.filter(({ status }) => status === 'fulfilled').length,
    )
    expect(await engine.submit(count, list)).toBe(2)
  })

  test('a constant stands for a fulfilled parent', async () => {
    await using engine = new Engine()
    expect(await engine.submit(observe, constant(1))).toEqual([fulfilled(1)])
  })

  test('does not keep the task itself from being cancelled, or from failing', async () => {
    await using engine = new Engine()
    const child = engine.submit(observe, new Promise(() => {}))
    expect(child.cancel()).toBe(true)
    const error = new Error('its own')
    const strict = task({ onParentFailure: 'settle' }, (outcome: PromiseSettledResult<number>) => {
      throw outcome.status === 'rejected' ? error : undefined
    })
    expect(await reasonOf(engine.submit(strict, engine.submit(fail, new Error('no'))))).toBe(error)
  })

  test('belongs to the declaration: with() cannot set it', () => {
    expect(() => identity.with({ onParentFailure: 'settle' } as never)).toThrow(ConfigError)
    expect(() => identity.with({ onParentFailure: 'settle' } as never)).toThrow(
      /with cannot set onParentFailure.*task\(\)/,
    )
    expect(observe.with({ priority: 1 }).options.onParentFailure).toBe('settle')
  })
})

describe('things that cannot be read', () => {
  class Unreadable extends Error {
    override get message(): string {
      throw new Error('not to be read')
    }
  }
  const { proxy: revoked, revoke } = Proxy.revocable({}, {})
  revoke()
  const things: [string, unknown][] = [
    ['an error whose message throws', new Unreadable()],
    ['a revoked proxy', revoked],
    ['an object without a prototype', Object.create(null)],
  ]

  test.each(things)(
    '%s, thrown, fails its task and its children, and is written down as far as it goes',
    async (_, thing) => {
      const recordLogger = new MemoryRecordLogger()
      await using engine = new Engine({ recordLogger })
      const future = engine.submit(
        task({ name: 'fail', retries: 1 }, (): number => {
          throw thing
        }),
      )
      const child = engine.submit(identity, future)
      const settling = engine.submit(
        task({ onParentFailure: 'settle' }, (outcome: PromiseSettledResult<number>) => outcome.status),
        future,
      )
      expect(await future.catch((reason) => Object.is(reason, thing))).toBe(true)
      expect(Object.is(((await reasonOf(child)) as DependencyError).cause, thing)).toBe(true)
      expect(await settling).toBe('rejected')
      expect(await engine.submit(identity, 1)).toBe(1)
      expect(recordLogger.records.map(({ status }) => status)).toEqual(['failed', 'blocked', 'succeeded', 'succeeded'])
      expect(future.info.exception?.message).toBe('(cannot be read)')
      expect(future.info.attempts).toBe(2)
    },
  )

  test.each(things)('%s, as the reason of a foreign promise, fails the child', async (_, thing) => {
    await using engine = new Engine()
    const child = engine.submit(identity, Promise.reject(thing))
    expect(Object.is(((await reasonOf(child)) as DependencyError).cause, thing)).toBe(true)
  })

  test('thrown by a body that was told to stop, fails its task', async () => {
    for (const [, thing] of things) {
      await using engine = new Engine()
      const started = deferred()
      const gate = deferred<number>()
      const future = engine.submit(() => {
        started.resolve()
        return gate.promise
      })
      await started.promise
      future.cancel()
      gate.reject(thing)
      expect(await future.catch((reason) => Object.is(reason, thing))).toBe(true)
    }
  })

  test('an array that throws when it is looked into fails the task that returns it', async () => {
    await using engine = new Engine()
    const problem = new Error('not to be looked into')
    const array = new Proxy([1], {
      get(target, key) {
        if (key === 'then') return undefined
        if (key === '0') throw problem
        return Reflect.get(target, key)
      },
    })
    const future = engine.submit(() => array)
    expect(await reasonOf(future)).toBe(problem)
    expect(await engine.submit(identity, 1)).toBe(1)
  })

  test('an array of a class that cannot be copied is joined all the same', async () => {
    await using engine = new Engine()
    class Rows extends Array<unknown> {
      static override get [Symbol.species](): ArrayConstructor {
        throw new Error('not to be copied')
      }
    }
    const rows = Rows.from([engine.submit(identity, 1), 2])
    expect(await engine.submit(() => rows)).toEqual([1, 2])
  })
})

describe('failures that nobody observes', () => {
  interface Report {
    readonly count: number
    readonly sample: readonly TaskInfo[]
    readonly warnings: readonly string[]
  }

  /** What an engine says at its end. */
  async function reportOf(use: (engine: Engine) => unknown): Promise<Report | undefined> {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    try {
      const engine = new Engine()
      let told: { count: number; sample: readonly TaskInfo[] } | undefined
      engine.on('unobserved', (count, sample) => {
        told = { count, sample }
      })
      await use(engine)
      await engine.shutdown()
      const warnings = warn.mock.calls.map(([text]) => String(text))
      if (told === undefined) {
        expect(warnings).toEqual([])
        return undefined
      }
      return { ...told, warnings }
    } finally {
      warn.mockRestore()
    }
  }
  /** The number of failures in the report. */
  const countOf = async (use: (engine: Engine) => unknown): Promise<number> => (await reportOf(use))?.count ?? 0

  test('are reported by shutdown: an event, and one warning', async () => {
    const report = await reportOf((engine) => {
      engine.submit(fail, new TypeError('nobody looks'))
      engine.submit(identity, 1)
    })
    expect(report?.count).toBe(1)
    expect(report?.sample).toHaveLength(1)
    expect(report?.sample[0]).toMatchObject({
      name: 'fail',
      status: 'failed',
      exception: { type: 'TypeError', message: 'nobody looks' },
    })
    expect(report?.warnings).toHaveLength(1)
    expect(report?.warnings[0]).toMatch(/1 failed task that nobody awaited: fail: TypeError: nobody looks$/)
  })

  test('are counted, but only some of them shown', async () => {
    const report = await reportOf((engine) => {
      for (let i = 0; i < 1000; i++) engine.submit(fail, new Error(`number ${i}`))
    })
    expect(report?.count).toBe(1000)
    expect(report?.sample.length).toBeLessThanOrEqual(10)
    expect(report?.sample.length).toBeGreaterThan(0)
    expect(report?.warnings).toHaveLength(1)
    expect(report?.warnings[0]).toContain('1000 failed tasks')
    expect(report?.warnings[0]?.length).toBeLessThan(1000)
  })

  test('are shown although the first of them were looked at later', async () => {
    const report = await reportOf(async (engine) => {
      const futures = Array.from({ length: 30 }, (_, i) => engine.submit(fail, new Error(`number ${i}`)))
      await engine.submit(identity, 1)
      for (const future of futures.slice(0, 25)) await future.exception()
    })
    expect(report?.count).toBe(5)
    expect(report?.sample.map(({ exception }) => exception?.message)).toEqual(
      [25, 26, 27, 28, 29].map((i) => `number ${i}`),
    )
  })

  test('are reported once, by the first shutdown', async () => {
    let told = 0
    expect(
      await countOf(async (engine) => {
        engine.on('unobserved', () => told++)
        engine.submit(fail, new Error('no'))
        await engine.shutdown()
        await engine.shutdown()
      }),
    ).toBe(1)
    expect(told).toBe(1)
  })

  test('nothing is reported where nothing failed, or was cancelled only', async () => {
    expect(
      await reportOf((engine) => {
        engine.submit(identity, 1)
        engine.submit(identity, new Promise<number>(() => {})).cancel()
      }),
    ).toBeUndefined()
  })

  test('of a chain only the last one counts: the others have a child that fails for them', async () => {
    const report = await reportOf((engine) => {
      const root = engine.submit(fail, new Error('root'))
      engine.submit(identity, engine.submit(identity, root))
    })
    expect(report?.count).toBe(1)
    expect(report?.sample[0]).toMatchObject({ status: 'blocked', name: 'identity' })
  })

  test.each<[string, (engine: Engine, future: TaskFuture<number>) => unknown]>([
    ['await', async (_, future) => void (await reasonOf(future))],
    ['then with a handler', (_, future) => future.then(undefined, () => {})],
    ['catch', (_, future) => future.catch(() => {})],
    ['result', async (_, future) => void (await reasonOf(future.result()))],
    ['exception', (_, future) => future.exception()],
    ['a done callback', (_, future) => future.addDoneCallback(() => {})],
    ['wait', (_, future) => wait([future])],
    [
      'asCompleted',
      async (_, future) => {
        for await (const { future: done } of asCompleted([future])) expect(done).toBe(future)
      },
    ],
    ['a view that is awaited', async (_, future) => void (await reasonOf(future.map((n) => n)))],
    [
      'a view of a view that is awaited',
      async (_, future) => void (await reasonOf(future.map((n) => n).map((n) => n))),
    ],
    [
      'a task that settles',
      (engine, future) =>
        engine.submit(
          task({ onParentFailure: 'settle' }, (outcome: PromiseSettledResult<number>) => outcome.status),
          future,
        ),
    ],
  ])('%s observes', async (_, observe) => {
    // Before it has failed, and after.
    expect(await countOf((engine) => observe(engine, engine.submit(fail, new Error('no'))))).toBe(0)
    expect(
      await countOf(async (engine) => {
        const future = engine.submit(fail, new Error('no'))
        const failed = deferred()
        engine.on('settled', () => failed.resolve())
        await failed.promise
        await observe(engine, future)
      }),
    ).toBe(0)
  })

  test('awaiting or iterating a list observes all of it', async () => {
    const failAll = (engine: Engine) => engine.map(fail, [new Error('a'), new Error('b'), new Error('c')])
    expect(await countOf((engine) => reasonOf(failAll(engine)))).toBe(0)
    expect(await countOf((engine) => void failAll(engine))).toBe(3)
  })

  test('asking whether it is done, its info, or for a view that nobody awaits does not observe', async () => {
    expect(
      await countOf(async (engine) => {
        const future = engine.submit(fail, new Error('no'))
        future.map((n) => n)
        future.pick('toFixed')
        await engine.submit(identity, 1)
        expect(future.done()).toBe(true)
        expect(future.cancelled()).toBe(false)
        expect(future.info.success).toBe(false)
        expect(String(future)).toContain('fail')
      }),
    ).toBe(1)
  })

  const run = promisify(execFile)
  const library = new URL('../../src/index.ts', import.meta.url).href

  /** Runs a program in a Node of its own. Rejects if it ends with another code than 0. */
  function program(body: string): Promise<{ stdout: string; stderr: string }> {
    const script = `
      import * as taps from ${JSON.stringify(library)}
      const { Engine, FutureDependencyExecutor, constant, task, wait, asCompleted } = taps
      const engine = new Engine()
      const fail = async () => { throw new Error('nobody looks') }
      const throwNow = () => { throw new Error('nobody looks') }
      ${body}
      process.on('exit', (code) => console.log('exit', code))
    `
    return run(process.execPath, ['--input-type=module', '--eval', script])
  }

  test.each([
    ['failing tasks', 'engine.submit(fail); engine.submit(throwNow)'],
    ['children of failing tasks', 'engine.submit((x) => x, engine.submit(fail), engine.submit(throwNow))'],
    ['rejected promises among arguments', 'engine.submit((x) => x, [Promise.reject(new Error("no"))])'],
    [
      'views of failing tasks, and views that fail',
      `const f = engine.submit(fail); f.pick("a").at(0); f.map((x) => x)
       engine.submit(() => null).pick("a"); engine.submit(() => 1).map(throwNow); constant(1).map(fail)`,
    ],
    ['a list of failing tasks', 'engine.map(fail, [1, 2, 3]); engine.map(task({ chunkSize: 2 }, fail), [1, 2, 3])'],
    [
      'failing tasks that are waited for',
      'await wait([engine.submit(fail)]); for await (const _ of asCompleted([engine.submit(fail)]));',
    ],
    ['a loop over results that is left', 'for await (const x of engine.map((x) => x ? fail() : 0, [0, 1, 1])) break'],
    [
      'failing tasks behind a foreign executor',
      'new FutureDependencyExecutor({ submit: async (fn, ...args) => fn(...args) }).submit(throwNow)',
    ],
    [
      'cancelled tasks',
      'const c = engine.submit((x) => x, new Promise(() => {})); engine.submit((x) => x, c); c.cancel()',
    ],
    [
      'callbacks and listeners that throw',
      'engine.on("settled", fail); engine.submit(throwNow).addDoneCallback(throwNow)',
    ],
    ['tasks that nobody waits for at the end', 'engine.submit(fail); await engine.shutdown(); engine.submit(fail)'],
    [
      'rejected promises given to an engine that is closed',
      'await engine.shutdown(); engine.submit(fail, Promise.reject(new Error("no")))',
    ],
  ])('never crash the process: %s', async (_, body) => {
    const { stdout } = await program(body)
    expect(stdout).toBe('exit 0\n')
  })

  test('are reported by the program on its standard error, once', async () => {
    const { stdout, stderr } = await program('engine.submit(fail); engine.submit(throwNow); await engine.shutdown()')
    expect(stdout).toBe('exit 0\n')
    expect(stderr.match(/nobody awaited/g)).toHaveLength(1)
    expect(stderr).toContain('2 failed tasks')
  })

  test('nor does a fault inside of the library stop the rest of it', async () => {
    const turn = new URL('../../src/turn.ts', import.meta.url).href
    const { stdout } = await program(`
      const { notify } = await import(${JSON.stringify(turn)})
      process.once('uncaughtException', ({ message }) => console.log(message))
      notify({ deliver() { throw new Error('fault') } })
      const [a, b] = [engine.submit(() => 1), new Engine().submit(() => 2)]
      console.log(await a + await b)
    `)
    expect(stdout).toBe('fault\n3\nexit 0\n')
  })

  test('are told apart from those of promises that a program makes itself: an ignored then() crashes it', async () => {
    await expect(program('engine.submit(fail).then((x) => x)')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('nobody looks'),
    })
  })
})
