import pLimit from 'p-limit'
import PQueue from 'p-queue'
import { describe, expect, test } from 'vitest'
import {
  CancelledError,
  ConfigError,
  DependencyError,
  Engine,
  type Executor,
  ExecutorShutdownError,
  FutureDependencyExecutor,
  FutureList,
  InProcessExecutor,
  isFuture,
  type ShutdownOptions,
  type TaskFuture,
  task,
} from '../../src/index.ts'
import { deferred, foreignExecutor, reasonOf } from '../future/support.ts'
import { quiet } from '../support/quiet.ts'

const add = task(function add(a: number, b: number) {
  return a + b
})

/** An executor that does nothing by itself: a test ends its calls. */
function manualExecutor(cancel?: (reason: unknown) => boolean) {
  const calls: { readonly fn: unknown; readonly args: unknown[]; readonly end: (value: unknown) => void }[] = []
  const executor: Executor = {
    submit(fn, ...args) {
      const call = deferred<unknown>()
      calls.push({ fn, args: [...args], end: call.resolve })
      return Object.assign(call.promise, cancel === undefined ? {} : { cancel }) as never
    },
  }
  return { executor, calls }
}

describe('FutureDependencyExecutor', () => {
  test('gives any executor dependency resolution: five lines around other libraries', async () => {
    const limit = pLimit(2)
    const queue = new PQueue({ concurrency: 1 })
    const executors: Record<string, Executor> = {
      'p-limit': { submit: (fn, ...args) => limit(fn as never, ...args) as never },
      'p-queue': { submit: (fn, ...args) => queue.add(async () => fn(...args)) as never },
      'a lambda': { submit: async (fn, ...args) => fn(...args) as never },
      'an engine': new Engine(),
      'the executor in process': new InProcessExecutor({ concurrency: 1 }),
      'another one of its kind': new FutureDependencyExecutor(foreignExecutor()),
    }
    for (const [name, executor] of Object.entries(executors)) {
      await using engine = new FutureDependencyExecutor(executor)
      const three = engine.submit(add, 1, 2)
      const ten = engine.submit(add, three, Promise.resolve(7))
      const total = engine.submit(
        (xs: readonly number[], { more }: { more: number }) => xs.length + more,
        [three, ten],
        {
          more: ten.map((n) => n * 10),
        },
      )
      expect(isFuture(total)).toBe(true)
      expect(await total, name).toBe(102)
    }
  })

  test('hands over values only, and the task as it is', async () => {
    const executor = foreignExecutor()
    const engine = new FutureDependencyExecutor(executor)
    const plain = (...all: unknown[]) => all.length
    const parent = engine.submit(add, 1, 2)
    await engine.submit(plain, parent, [parent, { parent }])
    expect(executor.calls).toEqual([
      { fn: add, args: [1, 2] },
      { fn: plain, args: [3, [3, { parent: 3 }]] },
    ])
  })

  test('knows the options of a task: names, priorities, retries', async () => {
    const executor = foreignExecutor()
    const engine = new FutureDependencyExecutor(executor)
    let attempts = 0
    const flaky = task({ name: 'flaky', retries: 2 }, () => {
      if (++attempts < 3) throw new Error('not yet')
      return attempts
    })
    expect(await engine.submit(flaky)).toBe(3)
    expect(executor.calls).toHaveLength(3)
  })

  test('maps, with one inner submit for each chunk', async () => {
    const executor = foreignExecutor()
    const engine = new FutureDependencyExecutor(executor)
    const first = engine.submit(add, 0, 1)
    const list = engine.map(add.with({ chunkSize: 2 }), [first, 2, 3], [10, 20, 30])
    expect(list).toBeInstanceOf(FutureList)
    expect(await list).toEqual([11, 22, 33])
    expect(executor.calls).toHaveLength(3)
  })

  test('joins a result that is a future, or a list of them', async () => {
    const engine = new FutureDependencyExecutor(foreignExecutor())
    const parent = engine.submit(add, 1, 2)
    expect(await engine.submit(() => [parent, 5])).toEqual([3, 5])
    expect(await engine.submit(() => parent)).toBe(3)
  })

  test('a child of a failed parent is not handed over', async () => {
    const executor = foreignExecutor()
    const engine = new FutureDependencyExecutor(executor)
    const error = new Error('no')
    const parent = engine.submit((): number => {
      throw error
    })
    const reason = (await reasonOf(engine.submit(add, parent, 1))) as DependencyError
    expect(reason).toBeInstanceOf(DependencyError)
    expect(reason.cause).toBe(error)
    expect(executor.calls).toHaveLength(1)
  })

  test('what the inner submit throws, or answers with that is no promise, is an outcome like others', async () => {
    const problem = new Error('no room')
    const throwing = new FutureDependencyExecutor({
      submit() {
        throw problem
      },
    })
    const future = throwing.submit(add, 1, 2)
    expect(await reasonOf(future)).toBe(problem)
    expect(await reasonOf(throwing.submit(add, future, 2))).toBeInstanceOf(DependencyError)
    const plain = new FutureDependencyExecutor({ submit: (fn, ...args) => fn(...args) as never })
    expect(await plain.submit(add, plain.submit(add, 1, 2), 3)).toBe(6)
  })

  test('running means handed over', async () => {
    const { executor, calls } = manualExecutor()
    const engine = new FutureDependencyExecutor(executor)
    const parent = engine.submit(add, 1, 2)
    const child = engine.submit(add, parent, 3)
    expect([parent.running(), child.running()]).toEqual([false, false])
    await quiet()
    expect([parent.running(), child.running()]).toEqual([true, false])
    calls[0]?.end(3)
    await parent
    expect(parent.running()).toBe(false)
  })

  test('a waiting child that is cancelled is never handed over', async () => {
    const { executor, calls } = manualExecutor()
    const engine = new FutureDependencyExecutor(executor)
    const parent = engine.submit(add, 1, 2)
    const child = engine.submit(add, parent, 3)
    expect(child.cancel()).toBe(true)
    await quiet()
    calls[0]?.end(3)
    expect(await parent).toBe(3)
    expect(calls).toHaveLength(1)
  })

  test.each([
    ['says that it stopped it', () => true, true],
    ['says that it did not', () => false, false],
    ['cannot', undefined, false],
    [
      'throws',
      () => {
        throw new Error('no')
      },
      false,
    ],
  ])(
    'cancel of a call that was handed over is true only if the executor stopped it: one that %s',
    async (_, cancel, wanted) => {
      const reasons: unknown[] = []
      const { executor, calls } = manualExecutor(
        cancel &&
          ((reason) => {
            reasons.push(reason)
            return cancel()
          }),
      )
      const engine = new FutureDependencyExecutor(executor)
      const future = engine.submit(add, 1, 2)
      await quiet()
      expect(future.cancel('enough')).toBe(wanted)
      expect(reasons).toEqual(cancel === undefined ? [] : ['enough'])
      if (wanted) expect(await reasonOf(future)).toBeInstanceOf(CancelledError)
      else {
        calls[0]?.end(3)
        expect(await future).toBe(3)
      }
    },
  )

  test('refuses what is no executor', () => {
    const make = (...args: unknown[]) => new (FutureDependencyExecutor as new (...all: unknown[]) => unknown)(...args)
    for (const wrong of [undefined, null, 5, {}, { submit: 'yes' }, []]) expect(() => make(wrong)).toThrow(ConfigError)
    expect(() => make()).toThrow(/an executor, with a submit method/)
    expect(() => new FutureDependencyExecutor(foreignExecutor()).submit(5 as never)).toThrow(TypeError)
  })
})

describe('shutdown of a FutureDependencyExecutor', () => {
  function closing(): { executor: Executor; log: string[] } {
    const inner = foreignExecutor()
    const log: string[] = []
    const executor: Executor = {
      submit: (fn, ...args) => inner.submit(fn, ...args),
      async shutdown(options?: ShutdownOptions) {
        log.push(`closed ${JSON.stringify(options)} after ${inner.calls.length} calls`)
      },
    }
    return { executor, log }
  }

  test('lets children of running parents end, then closes the inner executor, once', async () => {
    const { executor, log } = closing()
    const gate = deferred<number>()
    const engine = new FutureDependencyExecutor(executor)
    const parent = engine.submit(() => gate.promise)
    const child = engine.submit(add, parent, 1)
    const done = engine.shutdown()
    gate.resolve(1)
    await done
    expect(await child).toBe(2)
    await engine.shutdown()
    expect(log).toEqual(['closed {"wait":true,"cancelFutures":false} after 2 calls'])
  })

  test('await using does it, and an executor without shutdown will do', async () => {
    const { executor, log } = closing()
    let child: TaskFuture<number>
    {
      await using engine = new FutureDependencyExecutor(executor)
      await using other = new FutureDependencyExecutor(foreignExecutor())
      child = engine.submit(add, other.submit(add, 1, 2), 3)
    }
    expect(child.done()).toBe(true)
    expect(log).toHaveLength(1)
  })

  test('cancels with cancelFutures what has not been handed over', async () => {
    const { executor } = closing()
    const engine = new FutureDependencyExecutor(executor)
    const child = engine.submit(add, new Promise<number>(() => {}), 1)
    await engine.shutdown({ cancelFutures: true })
    expect(child.cancelled()).toBe(true)
  })

  test('afterwards submit answers with a future that rejects', async () => {
    const engine = new FutureDependencyExecutor(foreignExecutor())
    await engine.shutdown()
    const error = await reasonOf(engine.submit(add, 1, 2))
    expect(error).toBeInstanceOf(ExecutorShutdownError)
    expect((error as Error).message).toBe('cannot schedule new futures after shutdown')
  })

  test('rejects with what closing the inner executor fails with', async () => {
    const problem = new Error('no')
    const engine = new FutureDependencyExecutor({
      ...foreignExecutor(),
      async shutdown() {
        throw problem
      },
    })
    await expect(engine.shutdown()).rejects.toBe(problem)
  })
})
