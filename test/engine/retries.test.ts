import { expect, test, vi } from 'vitest'
import {
  CancelledError,
  DependencyError,
  Engine,
  type Executor,
  InProcessExecutor,
  type RetryOptions,
  type TaskOptions,
  task,
  taskContext,
} from '../../src/index.ts'
import { gate } from '../support/gate.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { quiet } from '../support/quiet.ts'

/** A task that fails as often as it is told to, and then gives the number of its attempt. */
function failing(times: number, options: TaskOptions) {
  const attempts: number[] = []
  const run = task({ name: 'flaky', ...options }, () => {
    const { attempt, clock } = taskContext()
    attempts.push(clock.now())
    if (attempt <= times) throw new Error(`attempt ${attempt}`)
    return attempt
  })
  return { run, attempts }
}

test('a task is not tried again unless it says so', async () => {
  await using engine = new Engine()
  const { run, attempts } = failing(1, {})
  await expect(engine.submit(run)).rejects.toThrow('attempt 1')
  expect(attempts).toHaveLength(1)
})

test('retries as a number: so many attempts follow the first one', async () => {
  await using engine = new Engine()
  const { run } = failing(2, { retries: 2 })
  const future = engine.submit(run)
  expect(await future).toBe(3)
  expect(future.info.attempts).toBe(3)
})

test('when the last attempt fails too, the task fails with its error', async () => {
  await using engine = new Engine()
  const { run, attempts } = failing(10, { retries: 2 })
  const future = engine.submit(run)
  await expect(future).rejects.toThrow('attempt 3')
  expect(attempts).toHaveLength(3)
  expect(future.info.attempts).toBe(3)
})

test('retries: 0 is one attempt', async () => {
  await using engine = new Engine()
  const { run, attempts } = failing(1, { retries: 0 })
  await expect(engine.submit(run)).rejects.toThrow('attempt 1')
  expect(attempts).toHaveLength(1)
})

test('.with sets retries for one call', async () => {
  await using engine = new Engine()
  const { run } = failing(1, {})
  expect(await engine.submit(run.with({ retries: 1 }))).toBe(2)
})

test('an async body is tried again like a sync one', async () => {
  await using engine = new Engine()
  const flaky = task({ retries: 1 }, async () => {
    await null
    const { attempt } = taskContext()
    if (attempt === 1) throw new Error('first')
    return attempt
  })
  expect(await engine.submit(flaky)).toBe(2)
})

test.each<[string, RetryOptions, number[]]>([
  ['no delay', { limit: 3 }, [0, 0, 0]],
  ['a delay', { limit: 3, delay: 100 }, [100, 100, 100]],
  ['a delay with a growing backoff', { limit: 3, delay: 100, backoff: 2 }, [100, 200, 400]],
  ['a shrinking backoff', { limit: 3, delay: 100, backoff: 0.5 }, [100, 50, 25]],
  ['full jitter', { limit: 3, delay: 100, jitter: 1 }, [75, 75, 75]],
  ['some jitter', { limit: 3, delay: 100, backoff: 2, jitter: 0.2 }, [95, 190, 380]],
])('%s', async (_, retries, expected) => {
  const clock = new ManualClock()
  // A quarter: what jitter there is shortens the delay by a quarter of it.
  await using engine = new Engine({ clock, random: () => 0.25 })
  const { run, attempts } = failing(3, { retries })
  const future = engine.submit(run)
  await clock.advance(1000)
  expect(await future).toBe(4)
  const gaps = attempts.slice(1).map((time, i) => time - (attempts[i] ?? 0))
  expect(gaps).toEqual(expected)
})

test('a delay never grows beyond what timers take', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock })
  const { run } = failing(1, { retries: { limit: 1, delay: 2 ** 31 - 1, backoff: 1e300 } })
  const future = engine.submit(run.with({ retries: { limit: 2, delay: 1000, backoff: 1e300 } }))
  await clock.advance(1000)
  expect(await future).toBe(2)
  expect(Math.max(...clock.delays)).toBeLessThan(2 ** 31)
})

test('a retry without delay does not wait for the event loop, nor make others wait', async () => {
  await using engine = new Engine({ clock: new ManualClock(), executor: new InProcessExecutor({ concurrency: 1 }) })
  const flaky = engine.submit(failing(2, { retries: 2 }).run)
  const others = engine.map((i: number) => i, [1, 2, 3])
  await quiet()
  expect([flaky, ...others].map((future) => future.done())).toEqual([true, true, true, true])
})

test('a task that waits for its next attempt holds no slot', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock, executor: new InProcessExecutor({ concurrency: 1 }) })
  const { run } = failing(1, { retries: { limit: 1, delay: 1000 } })
  const future = engine.submit(run)
  expect(await engine.submit(() => 'meanwhile')).toBe('meanwhile')
  expect(future.info.status).toBe('waiting')
  await clock.advance(1000)
  expect(await future).toBe(2)
})

test('when is asked with the error and the number of the attempt that failed', async () => {
  await using engine = new Engine()
  const asked: [string, number][] = []
  const when = (error: unknown, attempt: number): boolean => {
    asked.push([(error as Error).message, attempt])
    return attempt < 2
  }
  const { run } = failing(10, { retries: { limit: 5, when } })
  await expect(engine.submit(run)).rejects.toThrow('attempt 2')
  expect(asked).toEqual([
    ['attempt 1', 1],
    ['attempt 2', 2],
  ])
})

test('when is not asked after the last attempt', async () => {
  await using engine = new Engine()
  const when = vi.fn(() => true)
  const { run } = failing(10, { retries: { limit: 1, when } })
  await expect(engine.submit(run)).rejects.toThrow('attempt 2')
  expect(when).toHaveBeenCalledTimes(1)
})

test('what when throws is what the task fails with, and the rest goes on', async () => {
  await using engine = new Engine()
  const when = (): boolean => {
    throw new Error('when is broken')
  }
  const { run, attempts } = failing(10, { retries: { limit: 5, when } })
  const future = engine.submit(run)
  const child = engine.submit((value: unknown) => value, future)
  await expect(future).rejects.toThrow('when is broken')
  await expect(child).rejects.toBeInstanceOf(DependencyError)
  expect(attempts).toHaveLength(1)
  expect(await engine.submit(() => 1)).toBe(1)
})

test('a child of a failed parent is not tried, however many retries it has', async () => {
  await using engine = new Engine()
  const when = vi.fn(() => true)
  const { run, attempts } = failing(10, {})
  const child = engine.submit(
    task({ retries: { limit: 5, when } }, (value: unknown) => value),
    engine.submit(run),
  )
  await expect(child).rejects.toBeInstanceOf(DependencyError)
  expect(attempts).toHaveLength(1)
  expect(when).not.toHaveBeenCalled()
  expect(child.info.attempts).toBe(0)
})

test('a body that stops because it was cancelled is not tried again', async () => {
  await using engine = new Engine()
  const begun = gate()
  let attempts = 0
  const future = engine.submit(
    task({ retries: 5 }, async () => {
      attempts++
      begun.open()
      await taskContext().clock.sleep(60_000)
    }),
  )
  await begun.promise
  future.cancel()
  await expect(future).rejects.toBeInstanceOf(CancelledError)
  expect(attempts).toBe(1)
})

test('timeouts are tried again', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock })
  const hanging = task({ timeout: 100, retries: { limit: 1, delay: 10 } }, async () => {
    if (taskContext().attempt === 1) await taskContext().clock.sleep(60_000)
    return taskContext().attempt
  })
  const future = engine.submit(hanging)
  await clock.advance(110)
  expect(await future).toBe(2)
})

test('children start once the attempt that succeeds has ended, and not before', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock })
  const { run } = failing(1, { retries: { limit: 1, delay: 100 } })
  let runs = 0
  const child = engine.submit((value: number) => {
    runs++
    return value
  }, engine.submit(run))
  await clock.advance(99)
  expect(runs).toBe(0)
  await clock.advance(1)
  expect(await child).toBe(2)
})

test('retried is told of each attempt that failed and will be followed by another, with its error', async () => {
  await using engine = new Engine()
  const told: unknown[] = []
  engine.on('retried', ({ taskId, status, attempts }, error) =>
    told.push([taskId, status, attempts, (error as Error).message]),
  )
  const future = engine.submit(failing(10, { retries: 2 }).run)
  await future.exception()
  const { taskId } = future.info
  expect(told).toEqual([
    [taskId, 'waiting', 1, 'attempt 1'],
    [taskId, 'waiting', 2, 'attempt 2'],
  ])
})

test('retries of a call that another executor runs are submitted to it again', async () => {
  let submissions = 0
  const executor: Executor = {
    submit: (fn, ...args) => {
      submissions++
      return Promise.resolve().then(() => fn(...args)) as never
    },
  }
  await using engine = new Engine({ executor })
  expect(await engine.submit(failing(2, { retries: 2 }).run)).toBe(3)
  expect(submissions).toBe(3)
})

test('an executor that is closed is not tried again', async () => {
  const executor = new InProcessExecutor()
  await executor.shutdown()
  let submissions = 0
  await using engine = new Engine({
    executor: {
      submit: (fn, ...args) => {
        submissions++
        return executor.submit(fn, ...args)
      },
    },
  })
  await expect(engine.submit(failing(1, { retries: 5 }).run)).rejects.toMatchObject({ code: 'EXECUTOR_SHUTDOWN' })
  expect(submissions).toBe(1)
})

test('the retries of a task are done by one engine, where that stands on another one', async () => {
  await using engine = new Engine({ executor: new Engine() })
  const { run, attempts } = failing(10, { retries: 2 })
  const future = engine.submit(run)
  await future.exception()
  expect(attempts).toHaveLength(3)
  expect(future.info.attempts).toBe(3)
})

test('a retry of priority goes by it', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock, executor: new InProcessExecutor({ concurrency: 1 }) })
  const order: string[] = []
  const first = engine.submit(
    task({ priority: 1, retries: { limit: 1, delay: 10 } }, () => {
      order.push(`important ${taskContext().attempt}`)
      if (taskContext().attempt === 1) throw new Error('again')
    }),
  )
  const release = gate()
  const blocker = engine.submit(() => release.promise)
  const other = engine.submit(() => order.push('other'))
  await clock.advance(10)
  release.open()
  await Promise.all([first, blocker, other])
  expect(order).toEqual(['important 1', 'important 2', 'other'])
})

test('each task has attempts of its own', async () => {
  await using engine = new Engine()
  const flaky = task({ retries: 1 }, (i: number) => {
    if (taskContext().attempt === 1) throw new Error('again')
    return [i, taskContext().attempt]
  })
  expect(await engine.map(flaky, [1, 2])).toEqual([
    [1, 2],
    [2, 2],
  ])
  await quiet()
})
