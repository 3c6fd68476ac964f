import { expect, test, vi } from 'vitest'
import {
  ConfigError,
  Engine,
  type Executor,
  type ExecutorFuture,
  FutureDependencyExecutor,
  InProcessExecutor,
  type Joined,
  task,
  taskContext,
} from '../../src/index.ts'
import { VirtualClock } from '../../src/testing/index.ts'
import { gate } from '../support/gate.ts'
import { quiet } from '../support/quiet.ts'

/** Runs calls in this process, and remembers what it was asked. */
class Spy implements Executor {
  readonly calls: { readonly fn: unknown; readonly args: readonly unknown[] }[] = []
  shutdowns = 0

  submit<A extends readonly unknown[], R>(fn: (...args: A) => R, ...args: A): ExecutorFuture<Joined<R>> {
    this.calls.push({ fn, args })
    return Promise.resolve().then(() => fn(...args)) as Promise<Joined<R>>
  }

  async shutdown(): Promise<void> {
    this.shutdowns++
  }
}

const identity = task({ name: 'identity' }, (value: unknown) => value)

test('a task runs on the executor that it names, others on the default one', async () => {
  const [main, gpu, cpu] = [new Spy(), new Spy(), new Spy()]
  await using engine = new Engine({ executor: main, executors: { gpu, cpu } })
  const futures = [
    engine.submit(identity, 'default'),
    engine.submit(identity.with({ executor: 'gpu' }), 'gpu'),
    engine.submit(identity.with({ executor: 'cpu' }), 'cpu'),
  ]
  expect(await Promise.all(futures)).toEqual(['default', 'gpu', 'cpu'])
  expect([main, gpu, cpu].map(({ calls }) => calls.map(({ args }) => args))).toEqual([
    [['default']],
    [['gpu']],
    [['cpu']],
  ])
  expect(futures.map(({ info }) => info.executor)).toEqual(['default', 'gpu', 'cpu'])
})

test('futures pass from one executor to another', async () => {
  const gpu = new Spy()
  await using engine = new Engine({ executors: { gpu } })
  const here = engine.submit(() => 20)
  const there = engine.submit(
    task({ executor: 'gpu' }, (x: number) => x + 1),
    here,
  )
  expect(await engine.submit((x: number) => 2 * x, there)).toBe(42)
  expect(gpu.calls[0]?.args).toEqual([20])
})

test('without a default executor, tasks that name none run in this process', async () => {
  const gpu = new Spy()
  await using engine = new Engine({ executors: { gpu } })
  expect(await engine.submit(identity, 1)).toBe(1)
  expect(gpu.calls).toHaveLength(0)
})

test('the default executor can be named "default"', async () => {
  const main = new Spy()
  await using engine = new Engine({ executor: main })
  expect(await engine.submit(identity.with({ executor: 'default' }), 1)).toBe(1)
  expect(main.calls).toHaveLength(1)
})

test('an unknown executor is refused by submit, with the names that there are', async () => {
  await using engine = new Engine({ executors: { gpu: new Spy() } })
  const lost = identity.with({ executor: 'tpu' })
  expect(() => engine.submit(lost, 1)).toThrow(ConfigError)
  expect(() => engine.submit(lost, 1)).toThrow('There is no executor "tpu"; there are gpu, default')
  expect(() => engine.map(lost, [1, 2])).toThrow(ConfigError)
  expect(() => engine.stream(lost, [1, 2])).toThrow(ConfigError)
  expect(engine.tasksExecuted).toBe(0)
  expect(await engine.submit(identity, 'the rest goes on')).toBe('the rest goes on')
})

test('a name of every object, such as "constructor", is no executor', async () => {
  await using engine = new Engine()
  expect(() => engine.submit(identity.with({ executor: 'constructor' }), 1)).toThrow(ConfigError)
  expect(() => engine.submit(identity.with({ executor: '__proto__' }), 1)).toThrow(ConfigError)
})

test('an executor that is given twice is one, and closed once', async () => {
  const main = new Spy()
  const engine = new Engine({ executor: main, executors: { main, again: main } })
  await engine.submit(identity, 1)
  await engine.submit(identity.with({ executor: 'again' }), 2)
  expect(main.calls).toHaveLength(2)
  await engine.shutdown()
  expect(main.shutdowns).toBe(1)
})

test('all executors are closed, those too that nobody used', async () => {
  const [main, gpu] = [new Spy(), new Spy()]
  await new Engine({ executor: main, executors: { gpu } }).shutdown()
  expect([main.shutdowns, gpu.shutdowns]).toEqual([1, 1])
})

test('each executor has slots of its own', async () => {
  await using engine = new Engine({
    executor: new InProcessExecutor({ concurrency: 1 }),
    executors: { other: new InProcessExecutor({ concurrency: 1 }) },
  })
  const release = gate()
  const blocker = engine.submit(() => release.promise)
  const queued = engine.submit(identity, 'queued')
  expect(await engine.submit(identity.with({ executor: 'other' }), 'elsewhere')).toBe('elsewhere')
  expect(queued.done()).toBe(false)
  release.open()
  await Promise.all([blocker, queued])
})

test('an executor of five lines is enough', async () => {
  const five: Executor = {
    submit(fn, ...args) {
      return new Promise((resolve) => resolve(fn(...args) as never))
    },
  }
  await using engine = new Engine({ executor: five })
  const squares = engine.map((x: number) => x * x, [1, 2, 3])
  expect(await engine.submit((xs: readonly number[]) => xs.reduce((a, b) => a + b, 0), squares)).toBe(14)
  await expect(
    engine.submit(() => {
      throw new Error('broken')
    }),
  ).rejects.toThrow('broken')
})

test('an executor is given tasks, with reference and options, and plain functions as they are', async () => {
  const spy = new Spy()
  await using engine = new Engine({ executor: spy })
  const plain = (): number => 1
  await engine.submit(identity, 1)
  await engine.submit(plain)
  const [first, second] = spy.calls.map(({ fn }) => fn)
  expect((first as typeof identity).ref).toEqual(identity.ref)
  expect((first as typeof identity).options).toEqual({ name: 'identity' })
  expect(second).toBe(plain)
})

test.each<[string, Executor['submit']]>([
  [
    'throws',
    () => {
      throw new Error('no room')
    },
  ],
  ['rejects', () => Promise.reject(new Error('no room'))],
  [
    'returns a thenable that throws',
    () => ({
      // biome-ignore lint/suspicious/noThenProperty: that is what misbehaves
      then() {
        throw new Error('no room')
      },
    }),
  ],
])('an executor that %s fails the task, and nothing else', async (_, submit) => {
  await using engine = new Engine({ executors: { broken: { submit } } })
  const failed = engine.submit(identity.with({ executor: 'broken' }), 1)
  const child = engine.submit(identity, failed)
  await expect(failed).rejects.toThrow('no room')
  await expect(child).rejects.toMatchObject({ code: 'DEPENDENCY_FAILED' })
  expect(await engine.submit(identity, 'the rest goes on')).toBe('the rest goes on')
})

test('an executor that answers with a value instead of a promise is understood', async () => {
  const executor = { submit: (fn: (...args: unknown[]) => unknown, ...args: unknown[]) => fn(...args) }
  await using engine = new Engine({ executor: executor as Executor })
  expect(await engine.submit(identity, 3)).toBe(3)
})

test('a thenable of an executor that settles twice counts once', async () => {
  const twice = {
    // biome-ignore lint/suspicious/noThenProperty: that is what misbehaves
    then(resolve: (value: unknown) => void, reject: (error: unknown) => void) {
      resolve('first')
      reject(new Error('second'))
    },
  }
  await using engine = new Engine({ executor: { submit: () => twice as never } })
  expect(await engine.submit(identity, 1)).toBe('first')
})

test('the inner submit of a task happens once, and only when its parents are done', async () => {
  const spy = new Spy()
  await using engine = new Engine({ executor: spy })
  const parents = [gate<number>(), gate<number>()]
  const sum = engine.submit((xs: readonly number[]) => xs.reduce((a, b) => a + b, 0), [
    ...parents.map(({ promise }) => promise),
  ] as never)
  parents[0]?.open(1)
  await quiet()
  expect(spy.calls).toHaveLength(0)
  parents[1]?.open(2)
  expect(await sum).toBe(3)
  expect(spy.calls.map(({ args }) => args)).toEqual([[[1, 2]]])
})

test.each<[string, () => Executor]>([
  ['in this process', () => new InProcessExecutor()],
  ['in this process, with slots', () => new InProcessExecutor({ concurrency: 2 })],
  ['of others', () => ({ submit: (fn, ...args) => Promise.resolve(fn(...args)) as never })],
])('short tasks without end do not keep timers and I/O waiting: an executor %s', async (_, executor) => {
  await using engine = new Engine({ executor: executor() })
  // A turn of the event loop of its own.
  await quiet()
  let hadTurn = false
  setImmediate(() => {
    hadTurn = true
  })
  const busy = (): boolean => {
    for (const end = performance.now() + 1; performance.now() < end; );
    return hadTurn
  }
  // For longer than the event loop is kept waiting.
  const turns = await Promise.all(Array.from({ length: 100 }, () => engine.submit(busy)))
  expect(turns[0]).toBe(false)
  expect(turns.at(-1)).toBe(true)
})

// --- Engines as executors

test('an engine is an executor of another one', async () => {
  const inner = new Engine({ executor: new InProcessExecutor({ concurrency: 1 }) })
  const outer = new Engine({ executor: inner })
  const squares = outer.map((x: number) => x * x, [1, 2, 3])
  expect(await outer.submit((xs: readonly number[]) => xs.reduce((a, b) => a + b, 0), squares)).toBe(14)
  expect(inner.tasksExecuted).toBe(4)
  await outer.shutdown()
  await expect(inner.submit(identity, 1)).rejects.toMatchObject({ code: 'EXECUTOR_SHUTDOWN' })
})

test('the name of an executor is for the engine that has it, not for another one behind it', async () => {
  await using engine = new Engine({ executors: { gpu: new Engine() } })
  expect(await engine.submit(identity.with({ executor: 'gpu' }), 1)).toBe(1)
})

test('a task that submits itself again keeps its options, where the executor runs it at once', async () => {
  const atOnce: Executor = { submit: (fn, ...args) => Promise.resolve(fn(...args)) as never }
  await using engine = new Engine({ executors: { atOnce } })
  const executors: string[] = []
  engine.on('submitted', ({ executor }) => executors.push(executor))
  const countDown = task({ executor: 'atOnce' }, (n: number): unknown =>
    n === 0 ? 0 : engine.submit(countDown, n - 1),
  )
  expect(await engine.submit(countDown, 2)).toBe(0)
  expect(executors).toEqual(['atOnce', 'atOnce', 'atOnce'])
})

test('a queued task of an engine behind another one is cancelled there too', async () => {
  const inner = new Engine({ executor: new InProcessExecutor({ concurrency: 1 }) })
  await using outer = new Engine({ executor: inner })
  const release = gate()
  const blocker = outer.submit(() => release.promise)
  let runs = 0
  const queued = outer.submit(() => runs++)
  await quiet()
  expect(queued.cancel('not needed')).toBe(true)
  expect(inner.graph().nodes.map(({ status }) => status)).toEqual(['running', 'cancelled'])
  release.open()
  await blocker
  await expect(queued).rejects.toMatchObject({ cause: 'not needed' })
  expect(runs).toBe(0)
})

test('a task that the executor itself cancels ends as cancelled', async () => {
  const inner = new Engine({ executor: new InProcessExecutor({ concurrency: 1 }) })
  const outer = new Engine({ executor: inner })
  const release = gate()
  const blocker = outer.submit(() => release.promise)
  const queued = outer.submit(identity, 1)
  await quiet()
  const closed = inner.shutdown({ cancelFutures: true })
  await expect(queued).rejects.toMatchObject({ code: 'CANCELLED' })
  expect(queued.cancelled()).toBe(true)
  release.open()
  await blocker
  await closed
  await outer.shutdown()
})

test('FutureDependencyExecutor gives any executor dependency resolution', async () => {
  const spy = new Spy()
  await using executor = new FutureDependencyExecutor(spy)
  const one = executor.submit(() => 1)
  const more = executor.map((x: number) => x + 1, [one, 5])
  expect(await executor.submit((xs: readonly number[]) => xs.join(), more)).toBe('2,6')
  expect(spy.calls).toHaveLength(4)
})

test('FutureDependencyExecutor closes the executor that it stands on', async () => {
  const spy = new Spy()
  const executor = new FutureDependencyExecutor(spy)
  const future = executor.submit(identity, 1)
  await executor.shutdown()
  expect(spy.shutdowns).toBe(1)
  expect(await future).toBe(1)
  await expect(executor.submit(identity, 1)).rejects.toMatchObject({ code: 'EXECUTOR_SHUTDOWN' })
})

test.each([undefined, null, {}, 3, () => {}])('FutureDependencyExecutor refuses %s', (executor) => {
  expect(() => new FutureDependencyExecutor(executor as never)).toThrow(ConfigError)
})

test('an executor that forgets to return its promise fails the task, and is named as the culprit', async () => {
  const forgetful = {
    submit(fn: (...args: readonly unknown[]) => unknown, ...args: readonly unknown[]): never {
      void Promise.resolve(fn(...args))
      return undefined as never
    },
  }
  await using engine = new Engine({ executor: forgetful })
  await expect(engine.submit(identity, 1)).rejects.toThrow("The executor's submit returned undefined, not a promise")
})

test('in a chunk that another executor runs here each element has its own context', async () => {
  await using engine = new Engine({ executor: { submit: async (fn, ...args) => fn(...args) } })
  const list = engine.map(
    task({ chunkSize: 3 }, async (_: number) => taskContext().id),
    [1, 2, 3],
  )
  expect(await list).toEqual(list.map(({ info }) => info.taskId))
})

test('a time for each element of a chunk begins with that element', async () => {
  const clock = new VirtualClock()
  let last: Promise<unknown> = Promise.resolve()
  const oneByOne = {
    submit(fn: (...args: readonly unknown[]) => unknown, ...args: readonly unknown[]) {
      const call = last.then(() => fn(...args))
      last = call.catch(() => {})
      return call
    },
  }
  await using engine = new Engine({ executor: oneByOne, clock })
  const submits = vi.spyOn(oneByOne, 'submit')
  expect(await engine.map(task({ chunkSize: 4, timeout: 50 }, identity), [1, 2, 3, 4])).toEqual([1, 2, 3, 4])
  expect(submits).toHaveBeenCalledTimes(4)
})

test('retries.when that answers with a promise fails the task instead of trying for ever', async () => {
  await using engine = new Engine()
  const failing = task({ retries: { limit: 5, when: (async () => false) as never } }, () => {
    throw new Error('once')
  })
  const future = engine.submit(failing)
  await expect(future).rejects.toThrow('retries.when answers true or false, not an object')
  expect(future.info.attempts).toBe(1)
})

test('a body that fails at once, again and again, leaves the event loop its turn', async () => {
  const engine = new Engine()
  const future = engine.submit(
    task({ retries: Number.POSITIVE_INFINITY }, () => {
      throw new Error('again')
    }),
  )
  await new Promise((resolve) => setImmediate(resolve))
  await engine.shutdown({ wait: false, cancelFutures: true })
  future.cancel()
  await expect(future).rejects.toThrow()
})
