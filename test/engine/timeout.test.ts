import { expect, test } from 'vitest'
import {
  DependencyError,
  Engine,
  type Executor,
  InProcessExecutor,
  TimeoutError,
  task,
  taskContext,
} from '../../src/index.ts'
import { type Gate, gate } from '../support/gate.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { quiet } from '../support/quiet.ts'

const behind = (release: Gate<string>) => task({ name: 'behind', timeout: 100 }, () => release.promise)

test('a body that takes too long fails with TimeoutError, which names the task and the limit', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock })
  const release = gate<string>()
  const future = engine.submit(behind(release))
  await clock.advance(99)
  expect(future.done()).toBe(false)
  await clock.advance(1)
  const error = await future.exception()
  expect(error).toBeInstanceOf(TimeoutError)
  expect((error as Error).message).toBe(`Task behind (${future.info.taskId}) ran longer than 100 ms`)
  expect(future.info.status).toBe('failed')
  release.open('too late')
})

test('a body that ends in time leaves no timer', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock })
  const release = gate<string>()
  const future = engine.submit(behind(release))
  await clock.advance(50)
  release.open('in time')
  expect(await future).toBe('in time')
  expect(clock.pending).toBe(0)
})

test('the value of a body that ends after its time is up is not taken', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock })
  const release = gate<string>()
  const future = engine.submit(behind(release))
  await clock.advance(100)
  release.open('too late')
  await quiet()
  await expect(future).rejects.toBeInstanceOf(TimeoutError)
})

test('the signal of the body fires with the TimeoutError', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock })
  const reason = gate<unknown>()
  const future = engine.submit(
    task({ timeout: 100 }, () => {
      const { signal } = taskContext()
      signal.addEventListener('abort', () => reason.open(signal.reason))
      return reason.promise
    }),
  )
  await clock.advance(100)
  expect(await reason.promise).toBe(await future.exception())
})

test('children of a task whose time is up are blocked at once', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock })
  const release = gate<string>()
  const child = engine.submit((text: string) => text, engine.submit(behind(release)))
  await clock.advance(100)
  expect(child.done()).toBe(true)
  const error = await child.exception()
  expect(error).toBeInstanceOf(DependencyError)
  expect((error as Error).cause).toBeInstanceOf(TimeoutError)
  release.open('')
})

test('the slot stays held until the body returns', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock, executor: new InProcessExecutor({ concurrency: 1 }) })
  const release = gate<string>()
  const late = engine.submit(behind(release))
  const next = engine.submit(() => 'next')
  await clock.advance(100)
  await expect(late).rejects.toBeInstanceOf(TimeoutError)
  await quiet()
  expect(next.info.status).toBe('ready')
  release.open('at last')
  expect(await next).toBe('next')
})

test('the share of a limit stays held until the body returns', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock, limits: { gpu: 1 } })
  const release = gate<string>()
  const late = engine.submit(behind(release).with({ labels: 'gpu' }))
  const next = engine.submit(task({ labels: 'gpu' }, () => 'next'))
  await clock.advance(100)
  await expect(late).rejects.toBeInstanceOf(TimeoutError)
  await quiet()
  expect(next.info.status).toBe('ready')
  release.open('at last')
  expect(await next).toBe('next')
})

test('the next attempt, too, waits for the slot of the one whose time was up', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock, executor: new InProcessExecutor({ concurrency: 1 }) })
  const release = gate()
  let running = 0
  let most = 0
  const future = engine.submit(
    task({ timeout: 100, retries: 1 }, async () => {
      most = Math.max(most, ++running)
      if (taskContext().attempt === 1) await release.promise
      running--
      return taskContext().attempt
    }),
  )
  await clock.advance(100)
  expect(future.info.status).toBe('ready')
  release.open()
  expect(await future).toBe(2)
  expect(most).toBe(1)
})

test('the time counts for each attempt anew', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock })
  const future = engine.submit(
    task({ timeout: 100, retries: 2 }, async () => {
      const { attempt, clock: own } = taskContext()
      await own.sleep(attempt === 3 ? 90 : 500)
      return attempt
    }),
  )
  await clock.advance(100 + 100 + 90)
  expect(await future).toBe(3)
})

test('the time does not count while a task waits for its parents', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock })
  const parent = gate<string>()
  const future = engine.submit(
    task({ timeout: 100 }, (text: string) => text),
    parent.promise,
  )
  await clock.advance(10_000)
  expect(future.done()).toBe(false)
  parent.open('arrived')
  expect(await future).toBe('arrived')
})

test('the time does not count while a task waits for a slot', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock, executor: new InProcessExecutor({ concurrency: 1 }) })
  const release = gate()
  const blocker = engine.submit(() => release.promise)
  const future = engine.submit(task({ timeout: 100 }, () => 'ran'))
  await clock.advance(10_000)
  expect(future.info.status).toBe('ready')
  release.open()
  await blocker
  expect(await future).toBe('ran')
})

test('the time does not count while a future that the body returned is joined', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock })
  const release = gate<string>()
  const future = engine.submit(task({ timeout: 100 }, () => engine.submit(() => release.promise)))
  await clock.advance(10_000)
  expect(future.done()).toBe(false)
  release.open('joined')
  expect(await future).toBe('joined')
})

test('the time counts while a body awaits a future', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock })
  const release = gate<string>()
  const future = engine.submit(task({ timeout: 100 }, async () => await engine.submit(() => release.promise)))
  await clock.advance(100)
  await expect(future).rejects.toBeInstanceOf(TimeoutError)
  release.open('')
})

test('timeout: Infinity is no limit', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock })
  const future = engine.submit(task({ timeout: Infinity }, () => 'ran'))
  expect(await future).toBe('ran')
  expect(clock.delays).toEqual([])
})

test('a task whose time is up cannot be cancelled any more', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock })
  const release = gate<string>()
  const future = engine.submit(behind(release))
  await clock.advance(100)
  expect(future.cancel()).toBe(false)
  expect(future.cancelled()).toBe(false)
  await expect(future).rejects.toBeInstanceOf(TimeoutError)
  release.open('')
})

test('behind another executor the future rejects, and the call goes on there', async () => {
  const clock = new ManualClock()
  let ended = false
  const release = gate()
  const executor: Executor = {
    submit: (fn, ...args) =>
      Promise.resolve()
        .then(() => fn(...args))
        .then((value) => {
          ended = true
          return value as never
        }),
  }
  await using engine = new Engine({ clock, executor })
  const future = engine.submit(task({ timeout: 100 }, () => release.promise))
  await clock.advance(100)
  await expect(future).rejects.toBeInstanceOf(TimeoutError)
  expect(ended).toBe(false)
  release.open()
  await quiet()
  expect(ended).toBe(true)
})

test('shutdown waits for a body whose time was up', async () => {
  const clock = new ManualClock()
  const engine = new Engine({ clock })
  const release = gate<string>()
  const future = engine.submit(behind(release))
  await clock.advance(100)
  await future.exception()
  let isOver = false
  const closed = engine.shutdown().then(() => {
    isOver = true
  })
  await quiet()
  expect(isOver).toBe(false)
  release.open('')
  await closed
})
