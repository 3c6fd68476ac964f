import { expect, test, vi } from 'vitest'
import {
  CancelledError,
  Engine,
  type Executor,
  ExecutorShutdownError,
  InProcessExecutor,
  MemoryRecordLogger,
  type RecordLogger,
  type TaskFuture,
  task,
  taskContext,
} from '../../src/index.ts'
import { gate } from '../support/gate.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { quiet } from '../support/quiet.ts'

const identity = <T>(value: T): T => value
const SHUT = 'cannot schedule new futures after shutdown'

/** Runs calls in this process, and writes down when it is closed. */
function closing(log: string[], name: string, fail?: unknown): Executor {
  return {
    submit: (fn, ...args) => Promise.resolve().then(() => fn(...args)) as never,
    shutdown: async () => {
      log.push(`${name} begins`)
      await null
      log.push(`${name} ends`)
      if (fail !== undefined) throw fail
    },
  }
}

function closingLogger(log: string[], fail?: unknown): RecordLogger {
  return {
    log: ({ name }) => log.push(`record of ${name}`),
    close: async () => {
      log.push('logger begins')
      await null
      log.push('logger ends')
      if (fail !== undefined) throw fail
    },
  }
}

/** Whether a promise is settled by now. */
async function isSettled(promise: PromiseLike<unknown>): Promise<boolean> {
  let settled = false
  promise.then(
    () => {
      settled = true
    },
    () => {
      settled = true
    },
  )
  await quiet()
  return settled
}

// --- What ends

test('every submitted task ends: running, queued, and waiting for a parent', async () => {
  const engine = new Engine({ executor: new InProcessExecutor({ concurrency: 1 }) })
  const release = gate<number>()
  const running = engine.submit(() => release.promise)
  const queued = engine.submit(identity, 'queued')
  const child = engine.submit(identity, running)
  const grandchild = engine.submit((values: readonly number[]) => values.length, [child, running])
  await quiet()
  const closed = engine.shutdown()
  expect(await isSettled(closed)).toBe(false)
  release.open(1)
  await closed
  expect([running, queued, child, grandchild].map(({ info }) => info.status)).toEqual(Array(4).fill('succeeded'))
})

test('a task that waits for a foreign promise ends too', async () => {
  const engine = new Engine()
  const parent = gate<number>()
  const future = engine.submit(identity<number>, parent.promise)
  const closed = engine.shutdown()
  expect(await isSettled(closed)).toBe(false)
  parent.open(3)
  await closed
  expect(await future).toBe(3)
})

test('retries that are due later are waited for', async () => {
  const clock = new ManualClock()
  const engine = new Engine({ clock })
  const future = engine.submit(
    task({ retries: { limit: 1, delay: 1000 } }, () => {
      if (taskContext().attempt === 1) throw new Error('again')
      return 'second'
    }),
  )
  const closed = engine.shutdown()
  expect(await isSettled(closed)).toBe(false)
  await clock.advance(1000)
  await closed
  expect(await future).toBe('second')
})

test('joins are waited for', async () => {
  const engine = new Engine()
  const release = gate<number>()
  const outer = engine.submit(() => [engine.submit(identity<number>, release.promise)])
  const closed = engine.shutdown()
  expect(await isSettled(closed)).toBe(false)
  release.open(4)
  await closed
  expect(await outer).toEqual([4])
})

test('what a running body submits while it drains is taken, and waited for', async () => {
  const engine = new Engine()
  const release = gate()
  const later: TaskFuture<string>[] = []
  const outer = engine.submit(async () => {
    await release.promise
    later.push(engine.submit(identity, 'not awaited'))
    return await engine.submit(identity, 'awaited')
  })
  const closed = engine.shutdown()
  release.open()
  await closed
  expect(await outer).toBe('awaited')
  expect(later[0]?.done()).toBe(true)
  expect(await later[0]).toBe('not awaited')
})

test('what anybody submits while it drains is taken', async () => {
  const engine = new Engine()
  const release = gate()
  engine.submit(() => release.promise)
  const closed = engine.shutdown()
  const future = engine.submit(identity, 'in time')
  expect(await future).toBe('in time')
  release.open()
  await closed
})

test('what a callback of the last task submits is taken', async () => {
  const engine = new Engine()
  const release = gate()
  let next: TaskFuture<string> | undefined
  engine
    .submit(() => release.promise)
    .addDoneCallback(() => {
      next = engine.submit(identity, 'from a callback')
    })
  const closed = engine.shutdown()
  release.open()
  await closed
  expect(await next).toBe('from a callback')
})

test('shutdown of an engine that has done nothing ends', async () => {
  await new Engine().shutdown()
})

test('all promises are settled once shutdown has ended', async () => {
  const engine = new Engine()
  const failing = engine.submit(() => {
    throw new Error('broken')
  })
  const futures = [failing, engine.submit(identity, failing), engine.submit(identity, 1)]
  futures[2]?.cancel()
  const settled = Promise.allSettled([...futures, ...futures.map((future) => future.exception())])
  await engine.shutdown()
  expect(futures.every((future) => future.done())).toBe(true)
  expect((await settled).map(({ status }) => status)).toEqual([
    'rejected',
    'rejected',
    'rejected',
    'fulfilled',
    'fulfilled',
    'rejected',
  ])
})

// --- After it

test('what is submitted after it rejects, and is no task', async () => {
  const recordLogger = new MemoryRecordLogger()
  const engine = new Engine({ recordLogger })
  await engine.submit(identity, 1)
  await engine.shutdown()
  const late = engine.submit(identity, 2)
  const error = await late.exception()
  expect(error).toBeInstanceOf(ExecutorShutdownError)
  expect((error as Error).message).toBe(SHUT)
  expect(engine.tasksExecuted).toBe(1)
  expect(recordLogger.records).toHaveLength(1)
})

test('map and stream after it reject', async () => {
  const engine = new Engine()
  await engine.shutdown()
  const list = engine.map(identity, [1, 2])
  await expect(list).rejects.toThrow(SHUT)
  expect(list).toHaveLength(2)
  await expect(engine.stream(identity, [1]).next()).rejects.toThrow(SHUT)
})

test('what failed because it came too late says so in its info', async () => {
  const engine = new Engine()
  await engine.shutdown()
  const { info } = engine.submit(identity, 1)
  expect(info).toMatchObject({
    status: 'failed',
    success: false,
    exception: { type: 'ExecutorShutdownError', message: SHUT },
  })
})

test('a child of what came too late is blocked by it', async () => {
  const engine = new Engine()
  await engine.shutdown()
  await using other = new Engine()
  const child = other.submit(identity, engine.submit(identity, 1))
  await expect(child).rejects.toMatchObject({ code: 'DEPENDENCY_FAILED', cause: { code: 'EXECUTOR_SHUTDOWN' } })
})

test('a second call changes nothing, and waits for the same end', async () => {
  const log: string[] = []
  const engine = new Engine({ executor: closing(log, 'executor'), recordLogger: closingLogger(log) })
  const release = gate()
  const future = engine.submit(() => release.promise)
  const child = engine.submit(identity, future)
  const first = engine.shutdown()
  const second = engine.shutdown({ cancelFutures: true })
  expect(child.cancelled()).toBe(false)
  expect(await isSettled(second)).toBe(false)
  release.open()
  await Promise.all([first, second, engine.shutdown()])
  expect(log.filter((line) => line.endsWith('begins'))).toEqual(['executor begins', 'logger begins'])
  expect(await child).toBeUndefined()
})

test('await using shuts down', async () => {
  const log: string[] = []
  let future: TaskFuture<number> | undefined
  {
    await using engine = new Engine({ executor: closing(log, 'executor') })
    future = engine.submit(identity, 1)
  }
  expect(future.done()).toBe(true)
  expect(log).toEqual(['executor begins', 'executor ends'])
})

// --- cancelFutures

test('with cancelFutures what has not started is cancelled, and running bodies end', async () => {
  const engine = new Engine({ executor: new InProcessExecutor({ concurrency: 1 }) })
  const release = gate<string>()
  let runs = 0
  const running = engine.submit(() => release.promise)
  const queued = engine.submit(() => runs++)
  const waiting = engine.submit((_: unknown) => runs++, new Promise(() => {}))
  const child = engine.submit(identity, running)
  await quiet()
  const closed = engine.shutdown({ cancelFutures: true })
  expect([queued, waiting, child].map((future) => future.cancelled())).toEqual([true, true, true])
  expect(await isSettled(closed)).toBe(false)
  release.open('ended as usual')
  await closed
  expect(await running).toBe('ended as usual')
  await expect(queued).rejects.toBeInstanceOf(CancelledError)
  expect(runs).toBe(0)
})

test('with cancelFutures the signal of a running body does not fire', async () => {
  const engine = new Engine()
  const release = gate()
  const running = engine.submit(async () => {
    await release.promise
    return taskContext().signal.aborted
  })
  await quiet()
  const closed = engine.shutdown({ cancelFutures: true })
  release.open()
  await closed
  expect(await running).toBe(false)
})

test('with cancelFutures a task in the delay before a retry is cancelled', async () => {
  const clock = new ManualClock()
  const engine = new Engine({ clock })
  const future = engine.submit(
    task({ retries: { limit: 1, delay: 1000 } }, () => {
      throw new Error('again')
    }),
  )
  await quiet()
  await engine.shutdown({ cancelFutures: true })
  await expect(future).rejects.toBeInstanceOf(CancelledError)
  expect(clock.pending).toBe(0)
})

test('with cancelFutures nothing is taken any more, not even of running bodies', async () => {
  const engine = new Engine()
  const release = gate()
  const running = engine.submit(async () => {
    await release.promise
    return await engine.submit(identity, 1).catch((error) => (error as Error).message)
  })
  await quiet()
  const closed = engine.shutdown({ cancelFutures: true })
  await expect(engine.submit(identity, 1)).rejects.toThrow(SHUT)
  release.open()
  await closed
  expect(await running).toBe(SHUT)
})

test('cancelFutures is passed on to the executors', async () => {
  const seen: unknown[] = []
  const executor: Executor = {
    submit: () => new Promise<never>(() => {}),
    shutdown: async (options) => {
      seen.push(options?.cancelFutures)
    },
  }
  await new Engine({ executor }).shutdown({ cancelFutures: true })
  await new Engine({ executor }).shutdown()
  expect(seen).toEqual([true, false])
})

// --- wait: false

test('with wait: false it returns at once; what was submitted still runs, and closing follows', async () => {
  const log: string[] = []
  const engine = new Engine({ executor: closing(log, 'executor'), recordLogger: closingLogger(log) })
  const release = gate<string>()
  const running = engine.submit(task({ name: 'running' }, () => release.promise))
  const child = engine.submit(task({ name: 'child' }, identity<string>), running)
  await engine.shutdown({ wait: false })
  expect(log).toEqual([])
  expect(running.done()).toBe(false)
  await expect(engine.submit(identity, 1)).rejects.toThrow(SHUT)
  release.open('ran')
  expect(await child).toBe('ran')
  await engine.shutdown()
  expect(log).toEqual([
    'record of running',
    'record of child',
    'executor begins',
    'executor ends',
    'logger begins',
    'logger ends',
  ])
})

test('with wait: false nobody is there to tell what fails while closing: it is a warning', async () => {
  const engine = new Engine({ executor: closing([], 'executor', new Error('cannot close')) })
  const warned = new Promise<unknown[]>((resolve) => engine.on('warning', (...args) => resolve(args)))
  await engine.shutdown({ wait: false })
  expect(await warned).toMatchObject([expect.any(String), { message: 'cannot close' }])
})

// --- Closing

test('executors are closed after the last task, then the logger', async () => {
  const log: string[] = []
  const engine = new Engine({
    executor: closing(log, 'default'),
    executors: { other: closing(log, 'other') },
    recordLogger: closingLogger(log),
  })
  engine.submit(task({ name: 'a' }, () => log.push('body')))
  await engine.shutdown()
  expect(log).toEqual([
    'body',
    'record of a',
    'default begins',
    'default ends',
    'other begins',
    'other ends',
    'logger begins',
    'logger ends',
  ])
})

test('what fails while closing does not keep the rest from being closed, and is told', async () => {
  const log: string[] = []
  const engine = new Engine({
    executor: closing(log, 'default', new Error('cannot close')),
    executors: { other: closing(log, 'other') },
    recordLogger: closingLogger(log),
  })
  await expect(engine.shutdown()).rejects.toThrow('cannot close')
  expect(log.filter((line) => line.endsWith('ends'))).toEqual(['default ends', 'other ends', 'logger ends'])
})

test('several failures while closing are told together', async () => {
  const engine = new Engine({
    executor: closing([], 'executor', new Error('executor broken')),
    recordLogger: closingLogger([], new Error('logger broken')),
  })
  const error = await engine.shutdown().catch((thrown: AggregateError) => thrown)
  expect(error).toBeInstanceOf(AggregateError)
  expect((error as AggregateError).errors.map(({ message }: Error) => message)).toEqual([
    'executor broken',
    'logger broken',
  ])
})

test('parts that throw instead of rejecting are contained too', async () => {
  const log: string[] = []
  const engine = new Engine({
    executor: {
      submit: () => Promise.resolve() as never,
      shutdown: () => {
        throw new Error('thrown')
      },
    },
    recordLogger: closingLogger(log),
  })
  await expect(engine.shutdown()).rejects.toThrow('thrown')
  expect(log).toEqual(['logger begins', 'logger ends'])
})

test('executors and loggers that have nothing to close are fine', async () => {
  const engine = new Engine({
    executor: { submit: (fn, ...args) => Promise.resolve(fn(...args)) as never },
    recordLogger: { log: () => {} },
  })
  expect(await engine.submit(identity, 1)).toBe(1)
  await engine.shutdown()
})

test('the signal of the engine is not listened to any more after shutdown', async () => {
  const { signal } = new AbortController()
  const remove = vi.spyOn(signal, 'removeEventListener')
  const engine = new Engine({ signal })
  await engine.shutdown()
  expect(remove).toHaveBeenCalledWith('abort', expect.any(Function))
})
