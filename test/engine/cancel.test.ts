import { expect, test } from 'vitest'
import {
  CancelledError,
  Engine,
  type Executor,
  type ExecutorFuture,
  InProcessExecutor,
  type Joined,
  MemoryRecordLogger,
  type TaskFuture,
  task,
  taskContext,
} from '../../src/index.ts'
import { gate } from '../support/gate.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { quiet } from '../support/quiet.ts'

const identity = (value: unknown): unknown => value

/** A body that runs until its signal fires, and then throws what `stop` makes of it. */
const untilAborted = (stop: (signal: AbortSignal) => unknown) =>
  task({ name: 'untilAborted' }, () => {
    const { signal } = taskContext()
    return new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(stop(signal))))
  })

async function started(engine: Engine): Promise<void> {
  await new Promise<void>((resolve) => engine.once('started', () => resolve()))
}

// --- In each state

test('a waiting task is cancelled at once, and never runs', async () => {
  await using engine = new Engine()
  const parent = gate<number>()
  let runs = 0
  const future = engine.submit((_: number) => runs++, parent.promise)
  expect(future.info.status).toBe('waiting')
  expect(future.cancel()).toBe(true)
  expect(future.done()).toBe(true)
  expect(future.cancelled()).toBe(true)
  parent.open(1)
  await expect(future).rejects.toBeInstanceOf(CancelledError)
  await quiet()
  expect(runs).toBe(0)
})

test('a queued task is cancelled at once, and never runs', async () => {
  await using engine = new Engine({ executor: new InProcessExecutor({ concurrency: 1 }) })
  const blocker = gate()
  let runs = 0
  const running = engine.submit(() => blocker.promise)
  const future = engine.submit(() => runs++)
  await started(engine)
  expect(future.info.status).toBe('ready')
  expect(future.cancel()).toBe(true)
  expect(future.cancelled()).toBe(true)
  blocker.open()
  await running
  await engine.submit(identity, 'behind it in the queue')
  expect(runs).toBe(0)
})

test('a task that is cancelled in the turn of its submit never runs', async () => {
  await using engine = new Engine()
  let runs = 0
  const future = engine.submit(() => runs++)
  expect(future.cancel()).toBe(true)
  await engine.submit(identity, 1)
  expect(runs).toBe(0)
})

test('the signal of a running task fires, and cancel is false', async () => {
  await using engine = new Engine()
  const release = gate<string>()
  let signal: AbortSignal | undefined
  const future = engine.submit(() => {
    signal = taskContext().signal
    return release.promise
  })
  await started(engine)
  expect(signal?.aborted).toBe(false)
  expect(future.cancel('enough')).toBe(false)
  expect(signal?.aborted).toBe(true)
  expect(signal?.reason).toBe('enough')
  expect(future.done()).toBe(false)
  expect(future.running()).toBe(true)
  release.open('I was nearly done')
  expect(await future).toBe('I was nearly done')
  expect(future.cancelled()).toBe(false)
})

test('the signal of a running task that was cancelled is aborted also where the body asks for it only later', async () => {
  await using engine = new Engine()
  const release = gate()
  const future = engine.submit(async () => {
    await release.promise
    return taskContext().signal.reason
  })
  await started(engine)
  future.cancel('too late')
  release.open()
  expect(await future).toBe('too late')
})

test('the first of several cancels of a running task gives the reason', async () => {
  await using engine = new Engine()
  const future = engine.submit(untilAborted((signal) => signal.reason))
  await started(engine)
  expect(future.cancel('first')).toBe(false)
  expect(future.cancel('second')).toBe(false)
  await expect(future).rejects.toMatchObject({ cause: 'first' })
})

test('a task whose result is joined is cancelled at once; what it joins goes on', async () => {
  await using engine = new Engine()
  const release = gate<number>()
  let inner: TaskFuture<number> | undefined
  const outer = engine.submit(() => {
    inner = engine.submit(() => release.promise)
    return inner
  })
  await quiet()
  expect(outer.info.status).toBe('running')
  expect(outer.cancel('not needed')).toBe(true)
  await expect(outer).rejects.toMatchObject({ code: 'CANCELLED', cause: 'not needed' })
  release.open(5)
  expect(await inner).toBe(5)
})

test('a task in the delay before a retry is cancelled at once, and not tried again', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock })
  let attempts = 0
  const flaky = task({ retries: { limit: 5, delay: 1000 } }, () => {
    attempts++
    throw new Error('no')
  })
  const future = engine.submit(flaky)
  await quiet()
  expect(future.info.status).toBe('waiting')
  expect(future.cancel()).toBe(true)
  expect(clock.pending).toBe(0)
  await clock.advance(10_000)
  expect(attempts).toBe(1)
  await expect(future).rejects.toBeInstanceOf(CancelledError)
})

test('a finished task cannot be cancelled, be it succeeded, failed or blocked', async () => {
  await using engine = new Engine()
  const succeeded = engine.submit(identity, 1)
  const failed = engine.submit(() => {
    throw new Error('broken')
  })
  const blocked = engine.submit(identity, failed)
  await Promise.allSettled([succeeded, failed, blocked])
  for (const future of [succeeded, failed, blocked]) {
    expect(future.cancel()).toBe(false)
    expect(future.cancelled()).toBe(false)
  }
  expect(await succeeded).toBe(1)
})

test('to cancel a task again is true, and changes neither error nor reason', async () => {
  await using engine = new Engine()
  const future = engine.submit(identity, new Promise(() => {}))
  expect(future.cancel('first')).toBe(true)
  expect(future.cancel('second')).toBe(true)
  await expect(future).rejects.toMatchObject({ cause: 'first' })
})

// --- What is told

test('the reason is the cause of the error; without one there is no cause', async () => {
  await using engine = new Engine()
  const reason = { some: 'object' }
  const withReason = engine.submit(identity, new Promise(() => {}))
  const without = engine.submit(identity, new Promise(() => {}))
  withReason.cancel(reason)
  without.cancel()
  const errors = await Promise.all([withReason, without].map((future) => future.catch((error: unknown) => error)))
  expect(errors[0]).toBeInstanceOf(CancelledError)
  expect((errors[0] as Error).cause).toBe(reason)
  expect((errors[0] as Error).message).toBe('Task identity was cancelled')
  expect(errors[1]).toBeInstanceOf(CancelledError)
  expect((errors[1] as Error).cause).toBeUndefined()
})

test('exception() of a cancelled task throws, where that of a failed one gives the error', async () => {
  await using engine = new Engine()
  const future = engine.submit(identity, new Promise(() => {}))
  future.cancel()
  await expect(future.exception()).rejects.toBeInstanceOf(CancelledError)
})

test('who waits already is told of a cancellation', async () => {
  await using engine = new Engine()
  const future = engine.submit(identity, new Promise(() => {}))
  const outcome = future.catch((error: unknown) => error)
  const calledBack = new Promise<boolean>((resolve) => future.addDoneCallback((done) => resolve(done.cancelled())))
  future.cancel()
  expect(await outcome).toBeInstanceOf(CancelledError)
  expect(await calledBack).toBe(true)
})

test('no callback runs inside of cancel', async () => {
  await using engine = new Engine({ recordLogger: new MemoryRecordLogger() })
  const future = engine.submit(identity, new Promise(() => {}))
  let called = 0
  future.addDoneCallback(() => called++)
  future.cancel()
  expect(called).toBe(0)
  await future.exception().catch(() => {})
  expect(called).toBe(1)
})

// --- Who is cancelled with it

test('children and grandchildren are cancelled at once, with the same reason; they never run', async () => {
  await using engine = new Engine()
  let runs = 0
  const count = (value: unknown): unknown => {
    runs++
    return value
  }
  const parent = engine.submit(count, new Promise(() => {}))
  const child = engine.submit(count, [parent])
  const grandchild = engine.submit(count, { deep: child })
  parent.cancel('the whole branch')
  expect([child.cancelled(), grandchild.cancelled()]).toEqual([true, true])
  await expect(child).rejects.toMatchObject({ code: 'CANCELLED', cause: 'the whole branch' })
  await expect(grandchild).rejects.toMatchObject({ code: 'CANCELLED', cause: 'the whole branch' })
  expect(runs).toBe(0)
})

test('parents and siblings go on when a child is cancelled', async () => {
  await using engine = new Engine()
  const release = gate<number>()
  const parent = engine.submit(() => release.promise)
  const child = engine.submit(identity, parent)
  const sibling = engine.submit(identity, parent)
  expect(child.cancel()).toBe(true)
  expect(parent.done()).toBe(false)
  expect(sibling.done()).toBe(false)
  release.open(7)
  expect(await parent).toBe(7)
  expect(await sibling).toBe(7)
  await expect(child).rejects.toBeInstanceOf(CancelledError)
})

test('a child of two parents is cancelled with one of them, and the other one goes on', async () => {
  await using engine = new Engine()
  const release = gate<number>()
  const running = engine.submit(() => release.promise)
  const waiting = engine.submit(identity, new Promise(() => {}))
  const child = engine.submit((...values: unknown[]) => values, running, waiting)
  waiting.cancel()
  expect(child.cancelled()).toBe(true)
  release.open(1)
  expect(await running).toBe(1)
})

test('children of a running task are cancelled only when it ends as cancelled', async () => {
  await using engine = new Engine()
  const parent = engine.submit(untilAborted((signal) => signal.reason))
  const child = engine.submit(identity, parent)
  await started(engine)
  expect(parent.cancel('stop')).toBe(false)
  expect(child.done()).toBe(false)
  await expect(child).rejects.toMatchObject({ code: 'CANCELLED', cause: 'stop' })
  expect(parent.cancelled()).toBe(true)
})

test('the child of a task that was cancelled before is cancelled as it is submitted', async () => {
  await using engine = new Engine()
  const parent = engine.submit(identity, new Promise(() => {}))
  parent.cancel('earlier')
  const child = engine.submit(identity, parent)
  expect(child.cancelled()).toBe(true)
  await expect(child).rejects.toMatchObject({ cause: 'earlier' })
})

test('100,000 links of a chain are cancelled at once, without a stack overflow', async () => {
  await using engine = new Engine()
  const root = engine.submit(identity, new Promise(() => {}))
  let last = root
  for (let i = 1; i < 100_000; i++) last = engine.submit(identity, last)
  root.cancel('all of it')
  expect(last.cancelled()).toBe(true)
  await expect(last).rejects.toMatchObject({ code: 'CANCELLED', cause: 'all of it' })
})

test('a task that joins the result of a cancelled one is cancelled', async () => {
  await using engine = new Engine()
  const inner = engine.submit(identity, new Promise(() => {}))
  const outer = engine.submit(() => [inner, 1])
  await quiet()
  inner.cancel('inner')
  await expect(outer).rejects.toMatchObject({ code: 'CANCELLED', cause: 'inner' })
  expect(outer.cancelled()).toBe(true)
})

// --- Bodies that stop

test.each<[string, (signal: AbortSignal) => unknown]>([
  ["its signal's reason", (signal) => signal.reason],
  ['an AbortError', () => new DOMException('This operation was aborted', 'AbortError')],
  ['a CancelledError', () => new CancelledError()],
  ['an error whose cause is the reason', (signal) => new Error('Stopped', { cause: signal.reason })],
])('a body that stops with %s ends as cancelled', async (_, stop) => {
  await using engine = new Engine()
  const future = engine.submit(untilAborted(stop))
  await started(engine)
  expect(future.cancel('no more')).toBe(false)
  const error = await future.catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(CancelledError)
  expect((error as Error).cause).toBe('no more')
  expect(future.cancelled()).toBe(true)
  expect(future.info.status).toBe('cancelled')
})

test('a body that is cancelled without a reason and throws that of its signal ends as cancelled', async () => {
  await using engine = new Engine()
  const future = engine.submit(untilAborted((signal) => signal.reason))
  await started(engine)
  future.cancel()
  await expect(future).rejects.toBeInstanceOf(CancelledError)
  expect(future.cancelled()).toBe(true)
})

test('a body that uses throwIfAborted ends as cancelled', async () => {
  await using engine = new Engine()
  const release = gate()
  const future = engine.submit(async () => {
    const { signal } = taskContext()
    await release.promise
    signal.throwIfAborted()
  })
  await started(engine)
  future.cancel()
  release.open()
  await expect(future).rejects.toBeInstanceOf(CancelledError)
})

test('a body that throws something else after it was told to stop has failed', async () => {
  await using engine = new Engine()
  const future = engine.submit(untilAborted(() => new Error('while tidying up')))
  await started(engine)
  future.cancel()
  await expect(future).rejects.toThrow('while tidying up')
  expect(future.cancelled()).toBe(false)
  expect(future.info.status).toBe('failed')
})

test('an AbortError that nobody asked for is a failure', async () => {
  await using engine = new Engine()
  const future = engine.submit(async () => {
    throw new DOMException('The connection was aborted', 'AbortError')
  })
  await expect(future).rejects.toMatchObject({ name: 'AbortError' })
  expect(future.cancelled()).toBe(false)
})

test('a body that cancels its own task is told so by its signal', async () => {
  await using engine = new Engine()
  const answers: boolean[] = []
  const future: TaskFuture<void> = engine.submit(async () => {
    answers.push(future.cancel())
    taskContext().signal.throwIfAborted()
  })
  await expect(future).rejects.toBeInstanceOf(CancelledError)
  expect(answers).toEqual([false])
})

// --- Signals as options

test('the signal of a task option cancels it while it waits', async () => {
  await using engine = new Engine()
  const controller = new AbortController()
  const future = engine.submit(task(identity).with({ signal: controller.signal }), new Promise(() => {}))
  controller.abort('deadline')
  expect(future.cancelled()).toBe(true)
  await expect(future).rejects.toMatchObject({ code: 'CANCELLED', cause: 'deadline' })
})

test('the signal of a task option reaches the body', async () => {
  await using engine = new Engine()
  const controller = new AbortController()
  const future = engine.submit(untilAborted((signal) => signal.reason).with({ signal: controller.signal }))
  await started(engine)
  controller.abort('deadline')
  await expect(future).rejects.toMatchObject({ code: 'CANCELLED', cause: 'deadline' })
})

test('a task with a signal that was aborted before never runs', async () => {
  await using engine = new Engine()
  let runs = 0
  const future = engine.submit(task(() => runs++).with({ signal: AbortSignal.abort('long ago') }))
  expect(future.cancelled()).toBe(true)
  await expect(future).rejects.toMatchObject({ cause: 'long ago' })
  expect(runs).toBe(0)
})

test('the tasks of one signal share a listener, which goes with the last of them', async () => {
  await using engine = new Engine()
  let listeners = 0
  const { signal } = new AbortController()
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++
    add(...args)
  }
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--
    remove(...args)
  }
  const futures = engine.map(task({ signal }, identity), [1, 2, 3])
  expect(listeners).toBe(1)
  await futures
  expect(listeners).toBe(0)
})

test('the signal of an engine cancels all of its tasks, and those that are submitted later', async () => {
  const controller = new AbortController()
  await using engine = new Engine({ signal: controller.signal })
  const running = engine.submit(untilAborted((signal) => signal.reason))
  const waiting = engine.submit(identity, new Promise(() => {}))
  await started(engine)
  controller.abort('closing time')
  expect(waiting.cancelled()).toBe(true)
  const later = engine.submit(identity, 1)
  expect(later.cancelled()).toBe(true)
  for (const future of [running, waiting, later]) {
    await expect(future).rejects.toMatchObject({ code: 'CANCELLED', cause: 'closing time' })
  }
})

// --- Executors of others

/** Keeps every call to itself; a test decides what becomes of it. */
class Desk implements Executor {
  readonly calls: { resolve(value: unknown): void; reject(error: unknown): void }[] = []
  readonly reasons: unknown[] = []
  readonly #cancel: ((reason: unknown) => boolean) | undefined

  constructor(cancel?: (reason: unknown) => boolean) {
    this.#cancel = cancel
  }

  submit<A extends readonly unknown[], R>(_fn: (...args: A) => R, ..._args: A): ExecutorFuture<Joined<R>> {
    const promise = new Promise<unknown>((resolve, reject) => this.calls.push({ resolve, reject }))
    const cancel = this.#cancel
    if (cancel === undefined) return promise as Promise<Joined<R>>
    return Object.assign(promise as Promise<Joined<R>>, {
      cancel: (reason?: unknown) => {
        this.reasons.push(reason)
        return cancel(reason)
      },
    })
  }
}

test('a call that its executor stops is cancelled at once', async () => {
  const executor = new Desk(() => true)
  await using engine = new Engine({ executor })
  const future = engine.submit(identity, 1)
  const child = engine.submit(identity, future)
  await quiet()
  expect(future.running()).toBe(true)
  expect(future.cancel('stop')).toBe(true)
  expect(executor.reasons).toEqual(['stop'])
  expect(future.cancelled()).toBe(true)
  expect(child.cancelled()).toBe(true)
  executor.calls[0]?.reject(new Error('stopped'))
  await expect(future).rejects.toMatchObject({ code: 'CANCELLED', cause: 'stop' })
})

test('the value of a call that had been stopped comes too late', async () => {
  const executor = new Desk(() => true)
  await using engine = new Engine({ executor })
  const future = engine.submit(identity, 1)
  await quiet()
  future.cancel()
  executor.calls[0]?.resolve(1)
  await expect(future).rejects.toBeInstanceOf(CancelledError)
  await quiet()
  expect(future.cancelled()).toBe(true)
})

test.each<[string, ((reason: unknown) => boolean) | undefined]>([
  ['cannot cancel', undefined],
  ['refuses', () => false],
  [
    'throws from cancel',
    () => {
      throw new Error('cancel is broken')
    },
  ],
])('cancel is false where the executor %s, and the call goes on', async (_, cancel) => {
  const executor = new Desk(cancel)
  await using engine = new Engine({ executor })
  const future = engine.submit(identity, 1)
  await quiet()
  expect(future.cancel()).toBe(false)
  expect(future.done()).toBe(false)
  executor.calls[0]?.resolve('it went on')
  expect(await future).toBe('it went on')
})

test('a call that ends with an AbortError after its cancel was refused is cancelled', async () => {
  const executor = new Desk(() => false)
  await using engine = new Engine({ executor })
  const future = engine.submit(identity, 1)
  await quiet()
  expect(future.cancel('please')).toBe(false)
  executor.calls[0]?.reject(new DOMException('aborted', 'AbortError'))
  await expect(future).rejects.toMatchObject({ code: 'CANCELLED', cause: 'please' })
})

test('what waits for its parents is not even shown to the executor when it is cancelled', async () => {
  const executor = new Desk()
  await using engine = new Engine({ executor })
  const parent = gate()
  const future = engine.submit(identity, parent.promise)
  future.cancel()
  parent.open()
  await quiet()
  expect(executor.calls).toHaveLength(0)
})

test('there is one record of a cancelled task, in whichever state it was', async () => {
  const recordLogger = new MemoryRecordLogger()
  const clock = new ManualClock()
  const engine = new Engine({ recordLogger, clock, executor: new InProcessExecutor({ concurrency: 2 }) })
  const running = engine.submit(untilAborted((signal) => signal.reason))
  const retrying = engine.submit(
    task({ retries: { limit: 1, delay: 100 } }, () => {
      throw new Error('again')
    }),
  )
  await quiet()
  const blocker = engine.submit(untilAborted((signal) => signal.reason))
  await quiet()
  const queued = engine.submit(identity, 1)
  const waiting = engine.submit(identity, new Promise(() => {}))
  const futures = [running, retrying, blocker, queued, waiting]
  expect(futures.map(({ info }) => info.status)).toEqual(['running', 'waiting', 'running', 'ready', 'waiting'])
  for (const future of futures) future.cancel()
  await Promise.allSettled(futures)
  await engine.shutdown()
  expect(recordLogger.records.map(({ taskId }) => taskId).sort()).toEqual(futures.map(({ info }) => info.taskId))
  for (const { status, success, exception, execution } of recordLogger.records) {
    expect({ status, success, type: exception?.type, execution }).toEqual({
      status: 'cancelled',
      success: false,
      type: 'CancelledError',
      execution: null,
    })
  }
})

test('a callback that is added to a cancelled task runs at once, records or not', () => {
  const engine = new Engine({ recordLogger: new MemoryRecordLogger() })
  const future = engine.submit((value: unknown) => value, new Promise(() => {}))
  const called: string[] = []
  future.addDoneCallback(() => called.push('before'))
  future.cancel()
  future.addDoneCallback(() => called.push('after'))
  expect(called).toEqual([])
  const other = engine.submit((value: unknown) => value, new Promise(() => {}))
  other.cancel()
  other.addDoneCallback(() => called.push('at once'))
  expect(called).toEqual(['at once'])
})
