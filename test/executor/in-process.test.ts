import { describe, expect, test } from 'vitest'
import {
  CancelledError,
  ConfigError,
  Engine,
  ExecutorShutdownError,
  InProcessExecutor,
  type InProcessOptions,
  task,
} from '../../src/index.ts'
import { gate } from '../support/gate.ts'
import { quiet } from '../support/quiet.ts'

const identity = <T>(value: T): T => value

/** Settles nothing, and says whether a promise is settled by now. */
async function isSettled(promise: PromiseLike<unknown>): Promise<boolean> {
  let settled = false
  const settle = (): void => {
    settled = true
  }
  promise.then(settle, settle)
  await quiet()
  return settled
}

/** Counts the bodies that run at once. */
class Load {
  now = 0
  most = 0
  readonly run = async (): Promise<void> => {
    this.most = Math.max(this.most, ++this.now)
    await new Promise((resolve) => setImmediate(resolve))
    this.now--
  }
}

describe.each([1, 2, Infinity])('with concurrency %d', (concurrency) => {
  test('a call gives the value of its function, and runs with its arguments', async () => {
    await using executor = new InProcessExecutor({ concurrency })
    expect(await executor.submit((a: number, b: number) => a + b, 2, 3)).toBe(5)
    expect(await executor.submit(async (text: string) => text.toUpperCase(), 'x')).toBe('X')
    const same = { some: 'object' }
    expect(await executor.submit(identity, same)).toBe(same)
  })

  test('no body runs inside of submit', async () => {
    await using executor = new InProcessExecutor({ concurrency })
    let runs = 0
    const call = executor.submit(() => runs++)
    expect(runs).toBe(0)
    await call
    expect(runs).toBe(1)
  })

  test('what a function throws, or rejects with, is the very object', async () => {
    await using executor = new InProcessExecutor({ concurrency })
    const error = new Error('broken')
    const thrown = executor.submit(() => {
      throw error
    })
    const rejected = executor.submit(() => Promise.reject(error))
    expect(await Promise.resolve(thrown).catch((reason) => reason)).toBe(error)
    expect(await Promise.resolve(rejected).catch((reason) => reason)).toBe(error)
    expect(await executor.submit(identity, 'goes on')).toBe('goes on')
  })

  test('no more bodies run at once than there are slots', async () => {
    await using executor = new InProcessExecutor({ concurrency })
    const load = new Load()
    await Promise.all(Array.from({ length: 10 }, () => executor.submit(load.run)))
    expect(load.most).toBe(Math.min(concurrency, 10))
  })

  test('a result that is an array with futures is joined', async () => {
    await using executor = new InProcessExecutor({ concurrency })
    await using engine = new Engine()
    expect(await executor.submit(() => [engine.submit(identity, 1), 2])).toEqual([1, 2])
    expect(await executor.submit(() => engine.submit(identity, 3))).toBe(3)
  })

  test('shutdown waits for running and queued calls', async () => {
    const executor = new InProcessExecutor({ concurrency })
    const release = gate<string>()
    const calls = Array.from({ length: 3 }, () => executor.submit(() => release.promise))
    await quiet()
    const closed = executor.shutdown()
    expect(await isSettled(closed)).toBe(false)
    release.open('ran')
    await closed
    expect(await Promise.all(calls)).toEqual(['ran', 'ran', 'ran'])
  })
})

test('a queued call is cancelled: it never runs, and rejects with CancelledError', async () => {
  await using executor = new InProcessExecutor({ concurrency: 1 })
  const release = gate()
  const blocker = executor.submit(() => release.promise)
  let runs = 0
  const queued = executor.submit(() => runs++)
  await quiet()
  expect(queued.cancel?.('not needed')).toBe(true)
  const error = await Promise.resolve(queued).catch((reason) => reason)
  expect(error).toBeInstanceOf(CancelledError)
  expect((error as Error).cause).toBe('not needed')
  release.open()
  await blocker
  await executor.submit(identity, 'behind it')
  expect(runs).toBe(0)
})

test('a call that runs, or has ended, cannot be cancelled', async () => {
  await using executor = new InProcessExecutor()
  const release = gate<string>()
  const call = executor.submit(() => release.promise)
  await quiet()
  expect(call.cancel?.()).toBe(false)
  release.open('ran')
  expect(await call).toBe('ran')
  expect(call.cancel?.()).toBe(false)
})

test('calls start by priority, and by age among those of one priority', async () => {
  await using executor = new InProcessExecutor({ concurrency: 1 })
  const release = gate()
  const order: string[] = []
  const blocker = executor.submit(() => release.promise)
  const note = task({ name: 'note' }, (text: string) => void order.push(text))
  const calls = [
    executor.submit(note, 'first'),
    executor.submit(note.with({ priority: -1 }), 'low'),
    executor.submit(note.with({ priority: 1 }), 'high'),
    executor.submit(note, 'second'),
  ]
  release.open()
  await Promise.all([blocker, ...calls])
  expect(order).toEqual(['high', 'first', 'second', 'low'])
})

test('a body may submit, without waiting, to the executor that runs it', async () => {
  await using executor = new InProcessExecutor({ concurrency: 1 })
  const inner: PromiseLike<string>[] = []
  await executor.submit(() => {
    inner.push(executor.submit(() => 'inner'))
  })
  expect(await inner[0]).toBe('inner')
})

test('100,000 calls are no recursion', async () => {
  await using executor = new InProcessExecutor({ concurrency: 4 })
  let runs = 0
  const calls = Array.from({ length: 100_000 }, () => executor.submit(() => runs++))
  await Promise.all(calls)
  expect(runs).toBe(100_000)
})

// --- Shutdown

test('after shutdown a call rejects, and does not throw', async () => {
  const executor = new InProcessExecutor()
  await executor.shutdown()
  const error = await Promise.resolve(executor.submit(identity, 1)).catch((reason) => reason)
  expect(error).toBeInstanceOf(ExecutorShutdownError)
})

test('shutdown may be called twice, and both wait', async () => {
  const executor = new InProcessExecutor()
  const release = gate()
  const call = executor.submit(() => release.promise)
  await quiet()
  const both = Promise.all([executor.shutdown(), executor.shutdown()])
  expect(await isSettled(both)).toBe(false)
  release.open()
  await both
  await call
  await executor.shutdown()
})

test('with wait: false shutdown returns at once, and calls go on', async () => {
  const executor = new InProcessExecutor({ concurrency: 1 })
  const release = gate<string>()
  const running = executor.submit(() => release.promise)
  const queued = executor.submit(identity, 'queued')
  await executor.shutdown({ wait: false })
  expect(await isSettled(running)).toBe(false)
  release.open('running')
  expect(await Promise.all([running, queued])).toEqual(['running', 'queued'])
})

test('with cancelFutures queued calls never run, and running ones end', async () => {
  const executor = new InProcessExecutor({ concurrency: 1 })
  const release = gate<string>()
  let runs = 0
  const running = executor.submit(() => release.promise)
  const queued = Promise.resolve(executor.submit(() => runs++)).catch((reason) => reason)
  await quiet()
  const closed = executor.shutdown({ cancelFutures: true })
  expect(await queued).toBeInstanceOf(CancelledError)
  release.open('ended')
  await closed
  expect(await running).toBe('ended')
  expect(runs).toBe(0)
})

test('a task of an engine whose executor somebody else has closed rejects', async () => {
  const executor = new InProcessExecutor()
  await using engine = new Engine({ executor })
  await executor.shutdown()
  await expect(engine.submit(identity, 1)).rejects.toBeInstanceOf(ExecutorShutdownError)
})

// --- Shared

test('two engines share the slots of one executor', async () => {
  const executor = new InProcessExecutor({ concurrency: 2 })
  await using one = new Engine({ executor })
  await using two = new Engine({ executor })
  const load = new Load()
  const calls = Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? one : two).submit(load.run))
  await Promise.all([...calls, executor.submit(load.run), executor.submit(load.run)])
  expect(load.most).toBe(2)
})

test('neither of two engines on one executor starves the other', async () => {
  const executor = new InProcessExecutor({ concurrency: 1 })
  await using one = new Engine({ executor })
  await using two = new Engine({ executor })
  const order: string[] = []
  const many = Array.from({ length: 20 }, () => one.submit(() => order.push('one')))
  const few = Array.from({ length: 3 }, () => two.submit(() => order.push('two')))
  await Promise.all([...many, ...few])
  expect(order.lastIndexOf('two')).toBeLessThan(10)
})

test('the first of two engines that shuts down waits for its own tasks, and closes the executor for both', async () => {
  const executor = new InProcessExecutor({ concurrency: 1 })
  const one = new Engine({ executor })
  const two = new Engine({ executor })
  const mine = one.submit(identity, 'mine')
  await one.shutdown()
  expect(await mine).toBe('mine')
  await expect(two.submit(identity, 'late')).rejects.toBeInstanceOf(ExecutorShutdownError)
  await two.shutdown()
})

// --- What is refused

test('concurrency is what was asked for', () => {
  expect(new InProcessExecutor().concurrency).toBe(Infinity)
  expect(new InProcessExecutor({ concurrency: 3 }).concurrency).toBe(3)
})

test.each([0, -1, 1.5, Number.NaN, -Infinity, '2', null])('concurrency: %s is refused', (concurrency) => {
  const create = (): InProcessExecutor => new InProcessExecutor({ concurrency: concurrency as number })
  expect(create).toThrow(ConfigError)
  expect(create).toThrow(/concurrency takes a whole number of at least 1, or Infinity, not/)
})

test.each<[string, unknown]>([
  ['an unknown option', { maxWorkers: 3 }],
  ['a number', 3],
  ['null', null],
])('%s is refused', (_, options) => {
  expect(() => new InProcessExecutor(options as InProcessOptions)).toThrow(ConfigError)
})

test.each([undefined, null, {}, 'work'])('submit throws at once for %s, which is no function', async (work) => {
  await using executor = new InProcessExecutor()
  expect(() => executor.submit(work as never)).toThrow(TypeError)
})

test('calls that are cancelled by shutdown, and that nobody looks at, do not crash the process', async () => {
  const rejected: unknown[] = []
  const note = (reason: unknown): void => void rejected.push(reason)
  process.on('unhandledRejection', note)
  const executor = new InProcessExecutor({ concurrency: 1 })
  void executor.submit(async () => 1)
  void executor.submit(async () => 2)
  await executor.shutdown({ cancelFutures: true })
  await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', note)
  expect(rejected).toEqual([])
})
