import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Engine, type EngineEvents, InProcessExecutor, MemoryRecordLogger, task, taskContext } from '../../src/index.ts'
import { gate } from '../support/gate.ts'
import { quiet } from '../support/quiet.ts'

const identity = task({ name: 'identity' }, (value: unknown) => value)
const failing = task({ name: 'failing' }, () => {
  throw new Error('broken')
})
const TASK_EVENTS = ['submitted', 'ready', 'started', 'retried', 'settled'] as const

/** What an engine tells of its tasks, as text. */
function heard(engine: Engine): string[] {
  const log: string[] = []
  for (const event of TASK_EVENTS)
    engine.on(event, ({ name, status }: { name: string; status: string }) => log.push(`${event} ${name} ${status}`))
  return log
}

let onConsole: ReturnType<typeof vi.spyOn>

beforeEach(() => {
  onConsole = vi.spyOn(console, 'warn').mockImplementation(() => {})
})

afterEach(() => {
  onConsole.mockRestore()
})

// --- Events

test('the events of a task come in the order of its life', async () => {
  const engine = new Engine()
  const log = heard(engine)
  await engine.submit(identity, 1)
  await engine.shutdown()
  expect(log).toEqual([
    'submitted identity waiting',
    'ready identity ready',
    'started identity running',
    'settled identity succeeded',
  ])
})

test('a parent has settled before its child is told to have started', async () => {
  const engine = new Engine()
  const log = heard(engine)
  const parent = engine.submit(task({ name: 'parent' }, () => 1))
  await engine.submit(
    task({ name: 'child' }, (x: number) => x),
    parent,
  )
  await engine.shutdown()
  expect(log.filter((line) => line.includes('parent') || line.startsWith('started'))).toEqual([
    'submitted parent waiting',
    'ready parent ready',
    'started parent running',
    'settled parent succeeded',
    'started child running',
  ])
})

test('failed, blocked, cancelled and retried tasks are told of', async () => {
  const engine = new Engine()
  const log = heard(engine)
  const failed = engine.submit(failing)
  const blocked = engine.submit(
    task({ name: 'blocked' }, (value: unknown) => value),
    failed,
  )
  const cancelled = engine.submit(
    task({ name: 'cancelled' }, (value: unknown) => value),
    new Promise(() => {}),
  )
  cancelled.cancel()
  const flaky = engine.submit(
    task({ name: 'flaky', retries: 1 }, () => {
      if (taskContext().attempt === 1) throw new Error('again')
    }),
  )
  await Promise.allSettled([failed, blocked, cancelled, flaky])
  await engine.shutdown()
  const of = (name: string): string[] => log.filter((line) => line.split(' ')[1] === name)
  expect(of('failing')).toEqual([
    'submitted failing waiting',
    'ready failing ready',
    'started failing running',
    'settled failing failed',
  ])
  expect(of('blocked')).toEqual(['submitted blocked waiting', 'settled blocked blocked'])
  expect(of('cancelled')).toEqual(['submitted cancelled waiting', 'settled cancelled cancelled'])
  expect(of('flaky')).toEqual([
    'submitted flaky waiting',
    'ready flaky ready',
    'started flaky running',
    'retried flaky waiting',
    'ready flaky ready',
    'started flaky running',
    'settled flaky succeeded',
  ])
})

test('every event names the parents of its task', async () => {
  const engine = new Engine()
  const parents: [string, readonly string[]][] = []
  for (const event of ['submitted', 'ready', 'started', 'settled'] as const) {
    engine.on(event, ({ name, parentTaskIds }) => name === 'child' && parents.push([event, parentTaskIds]))
  }
  const parent = engine.submit(identity, 1)
  await engine.submit(
    task({ name: 'child' }, (value: unknown) => value),
    parent,
  )
  await engine.shutdown()
  const ids = [parent.info.taskId]
  expect(parents).toEqual([
    ['submitted', ids],
    ['ready', ids],
    ['started', ids],
    ['settled', ids],
  ])
})

test('settled is told before those go on who await the task', async () => {
  await using engine = new Engine()
  const log: string[] = []
  engine.on('settled', () => log.push('settled'))
  await engine.submit(identity, 1)
  log.push('awaited')
  expect(log).toEqual(['settled', 'awaited'])
})

test('what has happened is told before the next body starts', async () => {
  await using engine = new Engine({ executor: new InProcessExecutor({ concurrency: 1 }) })
  const log: string[] = []
  engine.on('settled', ({ labels }) => log.push(`settled ${Object.keys(labels)}`))
  for (const label of ['a', 'b', 'c']) engine.submit(task({ labels: label }, () => log.push(`body ${label}`)))
  await engine.shutdown()
  expect(log).toEqual(['body a', 'settled a', 'body b', 'settled b', 'body c', 'settled c'])
})

test('listeners are called in the order of registration, each as often as it was registered', async () => {
  const engine = new Engine()
  const log: string[] = []
  const first = (): void => void log.push('first')
  engine.on('settled', first)
  engine.on('settled', () => log.push('second'))
  engine.on('settled', first)
  await engine.submit(identity, 1)
  await engine.shutdown()
  expect(log).toEqual(['first', 'second', 'first'])
})

test('once is once, and off is off', async () => {
  const engine = new Engine()
  const log: string[] = []
  const off = (): void => void log.push('off')
  engine.once('settled', () => log.push('once'))
  engine.on('settled', off).on('submitted', off).off('settled', off)
  await engine.submit(identity, 1)
  await engine.submit(identity, 2)
  await engine.shutdown()
  expect(log).toEqual(['off', 'once', 'off'])
})

test('a listener that was registered once can be taken off before', async () => {
  const engine = new Engine()
  const listener = vi.fn()
  engine.once('settled', listener).off('settled', listener)
  await engine.submit(identity, 1)
  await engine.shutdown()
  expect(listener).not.toHaveBeenCalled()
})

test('to take off what was never registered changes nothing', async () => {
  await using engine = new Engine()
  engine.off('settled', () => {})
  expect(await engine.submit(identity, 1)).toBe(1)
})

test.each([undefined, null, {}, 'settled'])('a listener that is %s is refused', async (listener) => {
  await using engine = new Engine()
  expect(() => engine.on('settled', listener as never)).toThrow(TypeError)
  expect(() => engine.once('settled', listener as never)).toThrow(TypeError)
})

test('no listener runs inside of submit, map or cancel', async () => {
  const engine = new Engine({ recordLogger: new MemoryRecordLogger() })
  const log = heard(engine)
  engine.submit(identity, 1)
  engine.map(identity, [1, 2])
  const future = engine.submit(identity, new Promise(() => {}))
  future.addDoneCallback(() => log.push('callback'))
  future.cancel()
  expect(log).toEqual([])
  await engine.shutdown()
  expect(log).toContain('callback')
  expect(log.filter((line) => line.startsWith('settled'))).toHaveLength(4)
})

test('a listener may submit tasks', async () => {
  const engine = new Engine()
  const results: unknown[] = []
  engine.once('settled', () =>
    engine.submit(identity, 'more').addDoneCallback(async (done) => results.push(await done)),
  )
  await engine.submit(identity, 1)
  await engine.shutdown()
  expect(results).toEqual(['more'])
})

// --- Listeners that fail

test.each<[string, () => unknown]>([
  [
    'throws',
    () => {
      throw new Error('listener')
    },
  ],
  [
    'rejects',
    async () => {
      throw new Error('listener')
    },
  ],
])('a listener that %s stops no other one and changes no outcome; it is a warning', async (_, listener) => {
  const engine = new Engine()
  const warnings: [string, unknown][] = []
  engine.on('warning', (message, error) => warnings.push([message, (error as Error).message]))
  const after = vi.fn()
  for (const event of ['submitted', 'ready', 'started', 'settled'] as const) {
    engine.on(event, listener as EngineEvents['submitted'])
    engine.on(event, after)
  }
  expect(await engine.submit(identity, 1)).toBe(1)
  await engine.shutdown()
  expect(after).toHaveBeenCalledTimes(4)
  expect(warnings).toEqual(
    ['submitted', 'ready', 'started', 'settled'].map((event) => [`A listener of ${event} threw`, 'listener']),
  )
})

test('without a listener for warnings they are printed', async () => {
  const engine = new Engine()
  const error = new Error('listener')
  engine.on('settled', () => {
    throw error
  })
  await engine.submit(identity, 1)
  await engine.shutdown()
  expect(onConsole.mock.calls).toEqual([['taps-sdk: A listener of settled threw', error]])
})

test.each<[string, () => unknown]>([
  [
    'throws',
    () => {
      throw new Error('listener')
    },
  ],
  [
    'rejects',
    async () => {
      throw new Error('listener')
    },
  ],
])('a listener of warnings that %s is printed, and not told of itself', async (_, listener) => {
  const engine = new Engine()
  const broken = vi.fn(listener)
  engine.on('settled', broken)
  engine.on('warning', broken)
  expect(await engine.submit(identity, 1)).toBe(1)
  await engine.shutdown()
  await quiet()
  // Of the task, and of what this call threw.
  expect(broken).toHaveBeenCalledTimes(2)
  expect(onConsole.mock.calls.map((args: unknown[]) => args[0])).toEqual(['taps-sdk: A listener of warning threw'])
})

test.each<[string, () => unknown]>([
  [
    'throws',
    () => {
      throw new Error('logger')
    },
  ],
  [
    'rejects',
    async () => {
      throw new Error('logger')
    },
  ],
])('a record logger that %s changes no outcome; it is a warning for each record', async (_, log) => {
  const engine = new Engine({ recordLogger: { log } })
  const warnings: unknown[] = []
  engine.on('warning', (message, error) => warnings.push([message, (error as Error).message]))
  const parent = engine.submit(identity, 1)
  expect(await engine.submit(identity, parent)).toBe(1)
  await engine.shutdown()
  expect(warnings).toEqual(Array(2).fill(['The record logger failed', 'logger']))
})

// --- Done callbacks

test('done callbacks run in the order of registration, once, with the future', async () => {
  await using engine = new Engine()
  const log: unknown[] = []
  const future = engine.submit(identity, 1)
  const callback = (done: unknown): void => void log.push(['a', done === future])
  future.addDoneCallback(callback)
  future.addDoneCallback((done) => log.push(['b', done === future]))
  future.addDoneCallback(callback)
  await future
  await quiet()
  expect(log).toEqual([
    ['a', true],
    ['b', true],
    ['a', true],
  ])
})

test('promises and callbacks of a future are served in the order of registration', async () => {
  await using engine = new Engine()
  const log: string[] = []
  const future = engine.submit(identity, 1)
  future.then(() => log.push('first promise'))
  future.then(() => log.push('second promise'))
  await future
  expect(log).toEqual(['first promise', 'second promise'])
})

test('a callback added to a finished future runs at once', async () => {
  await using engine = new Engine()
  const future = engine.submit(identity, 1)
  await future
  const callback = vi.fn()
  future.addDoneCallback(callback)
  expect(callback).toHaveBeenCalledExactlyOnceWith(future)
})

test('a callback that a callback adds runs too', async () => {
  await using engine = new Engine()
  const log: string[] = []
  const future = engine.submit(identity, 1)
  future.addDoneCallback((done) => {
    log.push('outer')
    done.addDoneCallback(() => log.push('inner'))
  })
  await future
  expect(log).toEqual(['outer', 'inner'])
})

test('failed, blocked and cancelled futures call back too', async () => {
  await using engine = new Engine()
  const states: string[] = []
  const failed = engine.submit(failing)
  const blocked = engine.submit(identity, failed)
  const cancelled = engine.submit(identity, new Promise(() => {}))
  for (const future of [failed, blocked, cancelled]) future.addDoneCallback(({ info }) => states.push(info.status))
  cancelled.cancel()
  await Promise.allSettled([failed, blocked, cancelled])
  expect(states.sort()).toEqual(['blocked', 'cancelled', 'failed'])
})

test.each<[string, () => unknown]>([
  [
    'throws',
    () => {
      throw new Error('callback')
    },
  ],
  [
    'rejects',
    async () => {
      throw new Error('callback')
    },
  ],
])('a callback that %s stops no other one and changes no outcome; it is a warning', async (_, callback) => {
  const engine = new Engine()
  const warnings: unknown[] = []
  engine.on('warning', (message, error) => warnings.push([message, (error as Error).message]))
  const after = vi.fn()
  const future = engine.submit(identity, 1)
  future.addDoneCallback(callback as () => void)
  future.addDoneCallback(after)
  expect(await future).toBe(1)
  expect(after).toHaveBeenCalledTimes(1)
  await engine.shutdown()
  expect(warnings).toEqual([['A done callback of identity threw', 'callback']])
})

test('a callback of a finished future that throws does not throw at who adds it', async () => {
  const engine = new Engine()
  const future = engine.submit(identity, 1)
  await future
  future.addDoneCallback(() => {
    throw new Error('callback')
  })
  await engine.shutdown()
  expect(onConsole).toHaveBeenCalledTimes(1)
})

test.each([undefined, null, {}, 'callback'])('a callback that is %s is refused', async (callback) => {
  await using engine = new Engine()
  const future = engine.submit(identity, 1)
  expect(() => future.addDoneCallback(callback as never)).toThrow(TypeError)
})

// --- Failures that nobody asked for

test('shutdown reports failures that nobody observed: one event, one warning, a few examples', async () => {
  const engine = new Engine()
  const told: unknown[] = []
  engine.on('unobserved', (count, sample) => told.push([count, sample.length, sample[0]?.exception?.message]))
  engine.map(
    task((i: number) => {
      throw new Error(`number ${i}`)
    }),
    Array.from({ length: 50 }, (_, i) => i),
  )
  await engine.shutdown()
  expect(told).toEqual([[50, 10, 'number 0']])
  expect(onConsole).toHaveBeenCalledTimes(1)
  expect(onConsole.mock.calls[0]?.[0]).toMatch(/^taps-sdk: 50 failed tasks that nobody awaited: .*number 0.*; …$/)
})

test('failures that somebody observed are not reported', async () => {
  const engine = new Engine()
  const told = vi.fn()
  engine.on('unobserved', told)
  const failed = [1, 2, 3, 4].map(() => engine.submit(failing))
  failed[0]?.catch(() => {})
  await failed[1]?.exception()
  failed[2]?.addDoneCallback(() => {})
  const child = engine.submit(identity, failed[3])
  await child.exception()
  await engine.shutdown()
  expect(told).not.toHaveBeenCalled()
  expect(onConsole).not.toHaveBeenCalled()
})

test('cancelled tasks are no failures to report', async () => {
  const engine = new Engine()
  const release = gate()
  engine.submit(identity, release.promise).cancel()
  await engine.shutdown()
  expect(onConsole).not.toHaveBeenCalled()
})
