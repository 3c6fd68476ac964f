import { expect, test, vi } from 'vitest'
import { ConfigError, Engine, InProcessExecutor, type TaskOptions, task, taskContext } from '../../src/index.ts'
import { type Gate, gate } from '../support/gate.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { quiet } from '../support/quiet.ts'

/** Bodies that hold what they have until a test lets them go, and count how many there are at once. */
class Crowd {
  readonly gates: Gate[] = []
  readonly names: string[] = []
  weight = 0
  most = 0

  member(name: string, options: TaskOptions, weight = 1) {
    return task({ name, ...options }, async () => {
      const release = gate()
      this.names.push(name)
      this.gates.push(release)
      this.weight += weight
      this.most = Math.max(this.most, this.weight)
      await release.promise
      this.weight -= weight
      return name
    })
  }

  /** Lets the one go that has been there longest, and waits for what follows from it. */
  async next(): Promise<void> {
    this.gates.shift()?.open()
    await quiet()
  }

  async all(): Promise<void> {
    while (this.gates.length > 0) await this.next()
  }
}

// --- Slots

test('no more tasks with a label run at once than it has slots', async () => {
  await using engine = new Engine({ limits: { gpu: 2 } })
  const crowd = new Crowd()
  const futures = engine.map(
    crowd.member('user', { labels: 'gpu' }) as unknown as (i: number) => Promise<string>,
    [1, 2, 3, 4, 5],
  )
  await quiet()
  expect(crowd.weight).toBe(2)
  await crowd.all()
  expect(await futures).toHaveLength(5)
  expect(crowd.most).toBe(2)
})

test('{ slots } is the same as a number', async () => {
  await using engine = new Engine({ limits: { gpu: { slots: 1 } } })
  const crowd = new Crowd()
  const first = engine.submit(crowd.member('a', { labels: 'gpu' }))
  const second = engine.submit(crowd.member('b', { labels: 'gpu' }))
  await quiet()
  expect(crowd.names).toEqual(['a'])
  await crowd.all()
  expect(await Promise.all([first, second])).toEqual(['a', 'b'])
})

test('tasks without the label are not held up', async () => {
  await using engine = new Engine({ limits: { gpu: 1 }, executor: new InProcessExecutor({ concurrency: 2 }) })
  const crowd = new Crowd()
  const using = crowd.member('gpu', { labels: 'gpu' })
  const first = engine.submit(using)
  const second = engine.submit(using)
  expect(await engine.submit(() => 'free')).toBe('free')
  expect(await engine.submit(task({ labels: 'other' }, () => 'another label'))).toBe('another label')
  await crowd.all()
  await Promise.all([first, second])
  expect(crowd.most).toBe(1)
})

test('the weight of a task counts', async () => {
  await using engine = new Engine({ limits: { memory: 10 } })
  const crowd = new Crowd()
  const futures = [4, 4, 4, 2].map((weight) =>
    engine.submit(crowd.member(`${weight}`, { labels: { memory: weight } }, weight)),
  )
  await quiet()
  // The third one does not fit; the last one would, and does not overtake it.
  expect(crowd.names).toEqual(['4', '4'])
  await crowd.all()
  await Promise.all(futures)
  expect(crowd.names).toEqual(['4', '4', '4', '2'])
  expect(crowd.most).toBe(10)
})

test('fractions of a slot add up', async () => {
  await using engine = new Engine({ limits: { gpu: 1 } })
  const crowd = new Crowd()
  const half = crowd.member('half', { labels: { gpu: 0.5 } }, 0.5)
  const futures = [1, 2, 3].map(() => engine.submit(half))
  await quiet()
  expect(crowd.names).toHaveLength(2)
  await crowd.all()
  await Promise.all(futures)
  expect(crowd.most).toBe(1)
})

test('a heavy task is not starved by light ones that keep coming', async () => {
  await using engine = new Engine({ limits: { memory: 2 } })
  const crowd = new Crowd()
  const light = crowd.member('light', { labels: 'memory' })
  const before = [engine.submit(light), engine.submit(light)]
  await quiet()
  const heavy = engine.submit(crowd.member('heavy', { labels: { memory: 2 } }, 2))
  const after = [engine.submit(light), engine.submit(light)]
  await crowd.next()
  expect(crowd.names).toEqual(['light', 'light'])
  await crowd.next()
  expect(crowd.names).toEqual(['light', 'light', 'heavy'])
  await crowd.all()
  await Promise.all([...before, heavy, ...after])
})

test('a cancelled task that waits for its share does not hold up those behind it', async () => {
  await using engine = new Engine({ limits: { memory: 2 } })
  const crowd = new Crowd()
  const light = crowd.member('light', { labels: 'memory' })
  const first = engine.submit(light)
  await quiet()
  const heavy = engine.submit(crowd.member('heavy', { labels: { memory: 2 } }, 2))
  await quiet()
  expect(heavy.cancel()).toBe(true)
  const second = engine.submit(light)
  await quiet()
  expect(crowd.names).toEqual(['light', 'light'])
  await crowd.all()
  await Promise.all([first, second])
})

test('a cancelled task lets those go on at once that waited behind it', async () => {
  await using engine = new Engine({ limits: { memory: 2 } })
  const crowd = new Crowd()
  const light = crowd.member('light', { labels: 'memory' })
  const first = engine.submit(light)
  await quiet()
  const heavy = engine.submit(crowd.member('heavy', { labels: { memory: 2 } }, 2))
  const second = engine.submit(light)
  await quiet()
  expect(crowd.names).toEqual(['light'])
  heavy.cancel()
  await quiet()
  expect(crowd.names).toEqual(['light', 'light'])
  await crowd.all()
  await Promise.all([first, second])
})

test('of several labels a task gets all or nothing, so that two tasks cannot block each other', async () => {
  await using engine = new Engine({ limits: { a: 1, b: 1 } })
  const crowd = new Crowd()
  const held = engine.submit(crowd.member('a', { labels: 'a' }))
  await quiet()
  const both = engine.submit(crowd.member('a+b', { labels: ['a', 'b'] }))
  const reversed = engine.submit(crowd.member('b+a', { labels: ['b', 'a'] }))
  await quiet()
  expect(crowd.names).toEqual(['a'])
  await crowd.all()
  expect(await Promise.all([held, both, reversed])).toEqual(['a', 'a+b', 'b+a'])
  expect(crowd.most).toBe(1)
})

test('who lacks one of its labels does not keep the other ones from those behind it', async () => {
  await using engine = new Engine({ limits: { a: 1, b: 1 } })
  const crowd = new Crowd()
  const held = engine.submit(crowd.member('a', { labels: 'a' }))
  await quiet()
  const both = engine.submit(crowd.member('a+b', { labels: ['a', 'b'] }))
  const other = engine.submit(crowd.member('b', { labels: 'b' }))
  await quiet()
  expect(crowd.names).toEqual(['a', 'b'])
  await crowd.all()
  await Promise.all([held, both, other])
})

test('a task that fails gives its share back, and so does one that is cancelled while it runs', async () => {
  await using engine = new Engine({ limits: { gpu: 1 } })
  const failed = engine.submit(
    task({ labels: 'gpu' }, () => {
      throw new Error('broken')
    }),
  )
  await failed.exception()
  const stopped = engine.submit(task({ labels: 'gpu' }, () => taskContext().clock.sleep(60_000)))
  await new Promise<void>((resolve) => engine.once('started', () => resolve()))
  stopped.cancel()
  expect(await engine.submit(task({ labels: 'gpu' }, () => 'free again'))).toBe('free again')
  expect(stopped.cancelled()).toBe(true)
})

test('a task that is joined holds no share', async () => {
  await using engine = new Engine({ limits: { gpu: 1 } })
  const outer = task({ labels: 'gpu' }, () => engine.submit(task({ labels: 'gpu' }, () => 'inner')))
  expect(await engine.submit(outer)).toBe('inner')
})

test('a limit holds across all executors of an engine', async () => {
  await using engine = new Engine({
    limits: { gpu: 1 },
    executors: { here: new InProcessExecutor(), there: new InProcessExecutor() },
  })
  const crowd = new Crowd()
  const futures = [undefined, 'here', 'there', 'here'].map((executor) =>
    engine.submit(crowd.member(`${executor}`, { labels: 'gpu', executor })),
  )
  await quiet()
  expect(crowd.names).toHaveLength(1)
  await crowd.all()
  await Promise.all(futures)
  expect(crowd.most).toBe(1)
})

test('limits hold behind executors of others too', async () => {
  const crowd = new Crowd()
  await using engine = new Engine({
    limits: { gpu: 1 },
    executor: { submit: (fn, ...args) => Promise.resolve().then(() => fn(...args)) as never },
  })
  const user = crowd.member('user', { labels: 'gpu' })
  const futures = [engine.submit(user), engine.submit(user)]
  await quiet()
  expect(crowd.names).toHaveLength(1)
  await crowd.all()
  await Promise.all(futures)
  expect(crowd.most).toBe(1)
})

test('elements of a chunk come under limits one by one', async () => {
  await using engine = new Engine({ limits: { gpu: 1 } })
  let running = 0
  let most = 0
  const user = task({ labels: 'gpu', chunkSize: 2 }, async (i: number) => {
    most = Math.max(most, ++running)
    await null
    running--
    return i
  })
  expect(await engine.map(user, [1, 2, 3, 4, 5])).toEqual([1, 2, 3, 4, 5])
  expect(most).toBe(1)
})

// --- Rates

/** When each of some tasks starts, in ms after the first moment. */
function timed(clock: ManualClock, options: TaskOptions) {
  const begin = clock.now()
  const starts: number[] = []
  const run = task(options, () => {
    starts.push(clock.now() - begin)
  })
  return { run, starts }
}

test('a rate lets so many start at once, and more only as the first ones are a second old', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock, limits: { api: { perSecond: 3 } } })
  const { run, starts } = timed(clock, { labels: 'api' })
  for (let i = 0; i < 8; i++) engine.submit(run)
  await clock.advance(5000)
  expect(starts).toEqual([0, 0, 0, 1000, 1000, 1000, 2000, 2000])
})

test('the window slides: in no period of a second do more start than the rate says', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock, limits: { api: { perSecond: 2 } } })
  const { run, starts } = timed(clock, { labels: 'api' })
  engine.submit(run)
  await clock.advance(900)
  for (let i = 0; i < 4; i++) engine.submit(run)
  await clock.advance(5000)
  // A window that is reset each second would have let two start at 1000, three within 100 ms.
  expect(starts).toEqual([0, 900, 1000, 1900, 2000])
})

test('a rate counts starts, not tasks that run', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock, limits: { api: { perSecond: 1 } } })
  const crowd = new Crowd()
  const slow = crowd.member('slow', { labels: 'api' })
  const futures = [engine.submit(slow), engine.submit(slow)]
  await clock.advance(1000)
  expect(crowd.weight).toBe(2)
  await crowd.all()
  await Promise.all(futures)
})

test('a rate below 1 is one start in several seconds', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock, limits: { api: { perSecond: 0.25 } } })
  const { run, starts } = timed(clock, { labels: 'api' })
  for (let i = 0; i < 3; i++) engine.submit(run)
  await clock.advance(10_000)
  expect(starts).toEqual([0, 4000, 8000])
})

test('a very low rate asks for no longer timer than there is', async () => {
  const clock = new ManualClock()
  const engine = new Engine({ clock, limits: { api: { perSecond: 1e-7 } } })
  const { run } = timed(clock, { labels: 'api' })
  await engine.submit(run)
  engine.submit(run)
  await quiet()
  expect(clock.delays).toHaveLength(1)
  expect(clock.delays[0]).toBeLessThan(2 ** 31)
  await engine.shutdown({ cancelFutures: true })
})

test('weights count against a rate', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock, limits: { api: { perSecond: 10 } } })
  const { run, starts } = timed(clock, { labels: { api: 4 } })
  for (let i = 0; i < 5; i++) engine.submit(run)
  await clock.advance(5000)
  expect(starts).toEqual([0, 0, 1000, 1000, 2000])
})

test('a label can have slots and a rate', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock, limits: { api: { slots: 1, perSecond: 2 } } })
  const crowd = new Crowd()
  const user = crowd.member('user', { labels: 'api' })
  const futures = [1, 2, 3].map(() => engine.submit(user))
  await quiet()
  expect(crowd.names).toHaveLength(1)
  await crowd.next()
  expect(crowd.names).toHaveLength(2)
  await crowd.next()
  expect(crowd.names).toHaveLength(2)
  await clock.advance(1000)
  expect(crowd.names).toHaveLength(3)
  await crowd.all()
  await Promise.all(futures)
})

test('each attempt of a task counts against its rate', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock, limits: { api: { perSecond: 1 } } })
  const begin = clock.now()
  const starts: number[] = []
  const future = engine.submit(
    task({ labels: 'api', retries: 2 }, () => {
      starts.push(clock.now() - begin)
      if (starts.length < 3) throw new Error('again')
    }),
  )
  await clock.advance(5000)
  await future
  expect(starts).toEqual([0, 1000, 2000])
})

test('a rate that has room again sets no timer, and tasks without it never do', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock, limits: { api: { perSecond: 1 } } })
  const { run } = timed(clock, { labels: 'api' })
  await engine.submit(run)
  await clock.advance(1000)
  await engine.submit(run)
  await engine.submit(() => 1)
  expect(clock.delays).toEqual([])
})

test('what waits for a rate is cancelled like everything that is queued', async () => {
  const clock = new ManualClock()
  await using engine = new Engine({ clock, limits: { api: { perSecond: 1 } } })
  const { run, starts } = timed(clock, { labels: 'api' })
  await engine.submit(run)
  const second = engine.submit(run)
  const third = engine.submit(run)
  await quiet()
  expect(second.cancel()).toBe(true)
  await clock.advance(1000)
  await third
  expect(starts).toEqual([0, 1000])
})

// --- What is refused

test.each<[string, unknown]>([
  ['0', 0],
  ['a negative number', -1],
  ['NaN', Number.NaN],
  ['Infinity', Infinity],
  ['half a slot', 0.5],
  ['a string', '3'],
  ['null', null],
  ['an empty object', {}],
  ['slots: 0', { slots: 0 }],
  ['slots: -1', { slots: -1 }],
  ['perSecond: 0', { perSecond: 0 }],
  ['perSecond: -1', { perSecond: -1 }],
  ['perSecond: NaN', { perSecond: Number.NaN }],
  ['perSecond: Infinity', { perSecond: Infinity }],
  ['an unknown option', { perMinute: 3 }],
])('a limit of %s is refused, with the label in the message', (_, limit) => {
  const create = (): Engine => new Engine({ limits: { gpu: limit as number } })
  expect(create).toThrow(ConfigError)
  expect(create).toThrow(/"gpu"/)
})

test('limits that are no object are refused', () => {
  expect(() => new Engine({ limits: [1] as never })).toThrow(ConfigError)
  expect(() => new Engine({ limits: 3 as never })).toThrow('Engine: limits takes limits by label, not 3')
})

test.each([
  ['slots', 2, { gpu: 3 }],
  ['a rate', { perSecond: 2 }, { gpu: 3 }],
  ['a rate below 1', { perSecond: 0.5 }, { gpu: 2 }],
] as const)(
  'a weight above its limit of %s is refused by submit, because it could never run',
  async (_, limit, labels) => {
    await using engine = new Engine({ limits: { gpu: limit } })
    const heavy = task({ name: 'heavy', labels }, () => 1)
    expect(() => engine.submit(heavy)).toThrow(ConfigError)
    expect(() => engine.submit(heavy)).toThrow(/Task heavy has the weight \d for the label gpu, above its limit/)
    expect(engine.tasksExecuted).toBe(0)
    expect(await engine.submit(task({ labels: 'gpu' }, () => 'the rest goes on'))).toBe('the rest goes on')
  },
)

test('a map with a weight above its limit is refused as a whole', async () => {
  await using engine = new Engine({ limits: { gpu: 1 } })
  const heavy = task({ labels: { gpu: 2 } }, (i: number) => i)
  expect(() => engine.map(heavy, [1, 2])).toThrow(ConfigError)
  expect(engine.tasksExecuted).toBe(0)
  expect(engine.graph().nodes).toEqual([])
})

test.each<[string, unknown]>([
  ['an empty label', ''],
  ['an empty label in a list', ['gpu', '']],
  ['a number', 3],
  ['a weight of 0', { gpu: 0 }],
  ['a negative weight', { gpu: -1 }],
  ['a weight of NaN', { gpu: Number.NaN }],
  ['a weight of Infinity', { gpu: Infinity }],
  ['a weight that is a string', { gpu: '1' }],
])('labels: %s is refused where the task is declared', (_, labels) => {
  expect(() => task({ labels: labels as string }, () => 1)).toThrow(ConfigError)
  expect(() => task(() => 1).with({ labels: labels as string })).toThrow(ConfigError)
})

test('fractions of a label add up to nothing when all are given back', async () => {
  await using engine = new Engine({ limits: { gpu: 10 } })
  const weigh = task({ name: 'weigh' }, (weight: number) => weight)
  for (let round = 0; round < 3; round++) {
    await engine.map(weigh.with({ labels: { gpu: 0.1 + 0.2 * round } }), [1, 2, 3, 4, 5, 6, 7])
    expect(await engine.submit(weigh.with({ labels: { gpu: 10 } }), round)).toBe(round)
  }
})

test('a call that its executor has stopped gives its share back, even if its promise never settles', async () => {
  const stopped: unknown[] = []
  const executor = {
    submit: (fn: (...args: readonly unknown[]) => unknown, ...args: readonly unknown[]) =>
      fn.name === 'hang'
        ? Object.assign(new Promise(() => {}), { cancel: (reason: unknown) => stopped.push(reason) > 0 })
        : Promise.resolve(fn(...args)),
  }
  const clock = new ManualClock()
  await using engine = new Engine({ executor, limits: { gpu: 1 }, clock })
  const hang = task({ name: 'hang', labels: 'gpu' }, () => {})
  const cancelled = engine.submit(hang)
  await quiet()
  expect(cancelled.cancel('enough')).toBe(true)
  expect(await engine.submit(task({ labels: 'gpu' }, () => 'next'))).toBe('next')
  const late = engine.submit(hang.with({ timeout: 100 }))
  await clock.advance(100)
  await expect(late).rejects.toMatchObject({ code: 'TIMEOUT' })
  expect(await engine.submit(task({ labels: 'gpu' }, () => 'last'))).toBe('last')
  expect(stopped).toHaveLength(2)
})

test('a rate leaves no timer behind when its engine shuts down', async () => {
  const clock = new ManualClock()
  const engine = new Engine({ limits: { api: { perSecond: 0.1 } }, clock })
  const call = task({ labels: 'api' }, () => 1)
  await engine.submit(call)
  const waiting = engine.submit(call)
  await quiet()
  expect(clock.pending).toBe(1)
  waiting.cancel()
  await engine.shutdown()
  expect(clock.pending).toBe(0)
})

test('a rate goes by fake timers', async () => {
  vi.useFakeTimers()
  try {
    const engine = new Engine({ limits: { api: { perSecond: 2 } } })
    let calls = 0
    engine.map(
      task({ labels: 'api' }, (_: number) => calls++),
      [1, 2, 3, 4],
    )
    await vi.advanceTimersByTimeAsync(0)
    expect(calls).toBe(2)
    await vi.advanceTimersByTimeAsync(1005)
    expect(calls).toBe(4)
  } finally {
    vi.useRealTimers()
  }
})
