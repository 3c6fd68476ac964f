import { expect, test } from 'vitest'
import { Engine, type Executor, InProcessExecutor, task, taskContext } from '../src/index.ts'
import { gate } from './support/gate.ts'
import { ManualClock } from './support/manual-clock.ts'
import { quiet } from './support/quiet.ts'

test('a body knows its id, its name, its attempt and its labels', async () => {
  await using engine = new Engine()
  const look = task({ name: 'look', labels: { gpu: 2, net: 1 } }, () => {
    const { id, name, attempt, labels } = taskContext()
    return { id, name, attempt, labels }
  })
  const future = engine.submit(look)
  expect(await future).toEqual({ id: future.info.taskId, name: 'look', attempt: 1, labels: { gpu: 2, net: 1 } })
  expect(future.info.taskId).not.toBe('')
})

test.each([
  ['a string', 'gpu', { gpu: 1 }],
  ['a list', ['gpu', 'net'], { gpu: 1, net: 1 }],
  ['weights', { gpu: 0.5 }, { gpu: 0.5 }],
  ['none', undefined, {}],
] as const)('labels given as %s are weights in the context and in the info', async (_, labels, weights) => {
  await using engine = new Engine()
  const future = engine.submit(task({ labels }, () => taskContext().labels))
  expect(await future).toEqual(weights)
  expect(future.info.labels).toEqual(weights)
})

test('the attempt counts from 1', async () => {
  await using engine = new Engine()
  const attempts: number[] = []
  const flaky = task({ retries: 2 }, () => {
    attempts.push(taskContext().attempt)
    if (attempts.length < 3) throw new Error('again')
  })
  await engine.submit(flaky)
  expect(attempts).toEqual([1, 2, 3])
})

test('each attempt has a signal of its own', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock })
  const signals: AbortSignal[] = []
  const slow = task({ retries: 1, timeout: 100 }, async () => {
    const { attempt, clock: own, signal } = taskContext()
    signals.push(signal)
    await own.sleep(attempt === 1 ? 60_000 : 50)
    return attempt
  })
  const future = engine.submit(slow)
  await clock.advance(100)
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false])
  await clock.advance(50)
  expect(await future).toBe(2)
})

test('it is known after awaits, also those of other promises', async () => {
  await using engine = new Engine()
  const other = gate()
  const future = engine.submit(async () => {
    const before = taskContext().id
    await null
    const after = taskContext().id
    await other.promise
    const later = taskContext().id
    const inCallback = await new Promise((resolve) => setImmediate(() => resolve(taskContext().id)))
    return [before, after, later, inCallback]
  })
  await quiet()
  other.open()
  const id = future.info.taskId
  expect(await future).toEqual([id, id, id, id])
})

test('it is known after a body has awaited a future of its own engine', async () => {
  await using engine = new Engine({ executor: new InProcessExecutor({ concurrency: 1 }) })
  const outer = task({ name: 'outer' }, async () => {
    const child = await engine.submit(task({ name: 'inner' }, () => taskContext().name))
    return [child, taskContext().name]
  })
  expect(await engine.submit(outer)).toEqual(['inner', 'outer'])
})

test('tasks that run at the same time have their own', async () => {
  await using engine = new Engine()
  const gates = [gate(), gate(), gate()]
  const look = task(async (i: number) => {
    const before = taskContext().id
    await gates[i]?.promise
    return [before, taskContext().id]
  })
  const futures = engine.map(look, [0, 1, 2])
  await quiet()
  for (const i of [2, 0, 1]) {
    gates[i]?.open()
    await quiet()
  }
  expect(await futures).toEqual(futures.map(({ info: { taskId } }) => [taskId, taskId]))
})

test('outside of an engine there is an empty one, so that a task can be called as a plain function', async () => {
  const look = task(() => taskContext())
  const { id, name, attempt, labels, signal, clock } = look()
  expect({ id, name, attempt, labels, aborted: signal.aborted }).toEqual({
    id: '',
    name: '',
    attempt: 1,
    labels: {},
    aborted: false,
  })
  expect(Math.abs(clock.now() - Date.now())).toBeLessThan(1000)
  await clock.sleep(0)
})

test('who submits, and who awaits, is not inside of the task', async () => {
  await using engine = new Engine()
  const future = engine.submit(() => taskContext().id)
  expect(taskContext().id).toBe('')
  expect(await future).not.toBe('')
  expect(taskContext().id).toBe('')
})

test('a task called as a function inside of a body belongs to that body', async () => {
  await using engine = new Engine()
  const inner = task({ name: 'inner' }, () => taskContext().name)
  expect(await engine.submit(task({ name: 'outer' }, () => inner()))).toBe('outer')
})

test('listeners and callbacks are outside of all tasks', async () => {
  const names: string[] = []
  const note = (): void => {
    names.push(taskContext().name)
  }
  const recordLogger = { log: note }
  const engine = new Engine({ recordLogger })
  for (const event of ['submitted', 'ready', 'started', 'settled'] as const) engine.on(event, note)
  const outer = task({ name: 'outer' }, async () => {
    const child = engine.submit(task({ name: 'inner' }, () => 1))
    child.addDoneCallback(note)
    await child
  })
  await engine.submit(outer)
  await engine.shutdown()
  expect(names).toHaveLength(11)
  expect(new Set(names)).toEqual(new Set(['']))
})

test("a call that a body gives to the executor itself has no task's context", async () => {
  const executor = new InProcessExecutor()
  await using engine = new Engine({ executor })
  const outer = task({ name: 'outer' }, async () => {
    const call = executor.submit(() => taskContext().name)
    // In an array, so that this body does not wait for it here.
    return { call: [call] }
  })
  const { call } = await engine.submit(outer)
  expect(await call[0]).toBe('')
})

test('the clock is that of the engine', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock })
  const times = engine.submit(async () => {
    const { clock: own } = taskContext()
    const before = own.now()
    await own.sleep(250)
    return own.now() - before
  })
  await clock.advance(249)
  expect(times.done()).toBe(false)
  await clock.advance(1)
  expect(await times).toBe(250)
})

test('timers can be set and cleared on the clock of the context', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock })
  const future = engine.submit(async () => {
    const { clock: own } = taskContext()
    const cleared = own.setTimeout(() => {
      throw new Error('was cleared')
    }, 10)
    own.clearTimeout(cleared)
    return new Promise<string>((resolve) => own.setTimeout(() => resolve('fired'), 20))
  })
  await clock.advance(20)
  expect(await future).toBe('fired')
})

test('clock.sleep ends as soon as the task is cancelled, and leaves no timer', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock })
  const future = engine.submit(() => taskContext().clock.sleep(60_000))
  await quiet()
  expect(clock.pending).toBe(1)
  expect(future.cancel('enough slept')).toBe(false)
  await expect(future).rejects.toMatchObject({ code: 'CANCELLED', cause: 'enough slept' })
  expect(clock.pending).toBe(0)
})

test('clock.sleep of a task that was cancelled before does not begin', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock })
  const release = gate()
  const future = engine.submit(async () => {
    await release.promise
    await taskContext().clock.sleep(60_000)
  })
  await quiet()
  future.cancel()
  release.open()
  await expect(future).rejects.toMatchObject({ code: 'CANCELLED' })
  expect(clock.pending).toBe(0)
})

test('clock.sleep ends as the time of the task is up', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock })
  const slept = gate<unknown>()
  const future = engine.submit(
    task({ timeout: 50 }, () =>
      taskContext()
        .clock.sleep(60_000)
        .catch((error: unknown) => slept.open(error)),
    ),
  )
  await clock.advance(50)
  await expect(future).rejects.toMatchObject({ code: 'TIMEOUT' })
  expect(await slept.promise).toMatchObject({ code: 'TIMEOUT' })
})

test('a body that another executor runs in this process has its context too', async () => {
  const plain: Executor = {
    submit: (fn, ...args) => new Promise((resolve) => queueMicrotask(() => resolve(fn(...args) as never))),
  }
  await using engine = new Engine({ executor: plain })
  const look = task({ name: 'look', labels: 'gpu' }, async () => {
    await null
    const { id, name, labels } = taskContext()
    return { id, name, labels }
  })
  const future = engine.submit(look)
  expect(await future).toEqual({ id: future.info.taskId, name: 'look', labels: { gpu: 1 } })
})
