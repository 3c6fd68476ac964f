import { expect, test } from 'vitest'
import { ConfigError, Engine, type EngineOptions, InProcessExecutor, TapsError } from '../../src/index.ts'

function refusal(create: () => unknown): TapsError {
  try {
    create()
  } catch (error) {
    return error as TapsError
  }
  throw new Error('was not refused')
}

const executor = new InProcessExecutor()

test.each<[string, unknown, RegExp]>([
  ['executor: null', { executor: null }, /Engine: executor takes an executor, with a submit method, not null/],
  ['executor: {}', { executor: {} }, /executor takes an executor, with a submit method, not an object/],
  ['executor: a class', { executor: InProcessExecutor }, /executor takes an executor, .* not a function/],
  ['executors: 3', { executors: 3 }, /executors takes executors by name, not 3/],
  ['executors: null', { executors: null }, /executors takes executors by name, not null/],
  ['executors: an array', { executors: [executor] }, /executors takes executors by name, not an array/],
  ['executors: one that is none', { executors: { gpu: {} } }, /executors\.gpu takes an executor, .* not an object/],
  ['executors: undefined', { executors: { gpu: undefined } }, /executors\.gpu takes an executor, .* not undefined/],
  ['limits: null', { limits: null }, /limits takes limits by label, not null/],
  ['limits: an array', { limits: [] }, /limits takes limits by label, not an array/],
  ['recordLogger: {}', { recordLogger: {} }, /recordLogger takes a record logger, with a log method, not an object/],
  ['recordLogger: null', { recordLogger: null }, /recordLogger takes a record logger, .* not null/],
  ['history: -1', { history: -1 }, /history takes a whole number of at least 0, not -1/],
  ['history: 1.5', { history: 1.5 }, /history takes a whole number of at least 0, not 1.5/],
  ['history: NaN', { history: Number.NaN }, /history takes a whole number of at least 0, not NaN/],
  ['history: "10"', { history: '10' }, /history takes a whole number of at least 0, not "10"/],
  ['signal: {}', { signal: {} }, /signal takes an AbortSignal, not an object/],
  ['signal: a controller', { signal: new AbortController() }, /signal takes an AbortSignal, not an object/],
  ['clock: Date', { clock: Date }, /clock takes a clock, with now, setTimeout and clearTimeout, not a function/],
  ['clock: half of one', { clock: { now: () => 0 } }, /clock takes a clock, with now, setTimeout and clearTimeout/],
  ['random: 4', { random: 4 }, /random takes a function, not 4/],
  ['an unknown option', { concurency: 4 }, /Engine has no option "concurency"; there are executor, executors, limits/],
  ['an option of Object.prototype', { toString: 1 }, /Engine has no option "toString"/],
  ['null', null, /Engine takes an object with options, not null/],
  ['an executor in the place of options', executor, /Engine/],
  ['an array', [], /Engine takes an object with options, not an array/],
  ['a string', 'thread-pool', /Engine takes an object with options, not "thread-pool"/],
])('%s is refused, saying what is wanted', (_, options, message) => {
  const error = refusal(() => new Engine(options as EngineOptions))
  expect(error).toBeInstanceOf(ConfigError)
  expect(error).toBeInstanceOf(TapsError)
  expect(error.code).toBe('CONFIG')
  expect(error.message).toMatch(message)
})

test('options that are undefined are not given', async () => {
  const options: Record<keyof EngineOptions, undefined> = {
    executor: undefined,
    executors: undefined,
    limits: undefined,
    filter: undefined,
    transformer: undefined,
    recordLogger: undefined,
    history: undefined,
    signal: undefined,
    clock: undefined,
    order: undefined,
    random: undefined,
  }
  await using engine = new Engine(options)
  expect(await engine.submit(() => 1)).toBe(1)
})

test('an engine without options runs', async () => {
  await using engine = new Engine()
  expect(await engine.submit(() => 1)).toBe(1)
})

test('what is given as an executor may be a function with a submit method', async () => {
  const callable = Object.assign(() => {}, {
    submit: (fn: (...args: unknown[]) => unknown, ...args: unknown[]) => Promise.resolve(fn(...args)),
  })
  await using engine = new Engine({ executor: callable as never })
  expect(await engine.submit(() => 1)).toBe(1)
})

test('a signal of another realm or a polyfill is taken by its shape', async () => {
  const signal = { aborted: true, reason: 'foreign', addEventListener: () => {}, removeEventListener: () => {} }
  await using engine = new Engine({ signal: signal as never })
  await expect(engine.submit(() => 1)).rejects.toMatchObject({ code: 'CANCELLED', cause: 'foreign' })
})

test.each([undefined, null, 3, 'work', {}, []])(
  'submit refuses %s, which is no function, and goes on',
  async (work) => {
    await using engine = new Engine()
    const error = refusal(() => engine.submit(work as never))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toMatch(/^submit takes a task or a function, not /)
    expect(engine.tasksExecuted).toBe(0)
    expect(await engine.submit(() => 'the rest goes on')).toBe('the rest goes on')
  },
)

test('options given to an engine are read once: a later change has no effect', async () => {
  const options = { history: 1, limits: { gpu: 1 } }
  await using engine = new Engine(options)
  options.history = 0
  options.limits.gpu = 0
  await engine.submit(() => 1)
  expect(engine.graph().nodes).toHaveLength(1)
})

test('wrong use of shutdown does not close the engine', async () => {
  await using engine = new Engine()
  for (const options of [null, 3, { wait: 'yes' }, { cancel: true }]) {
    expect(refusal(() => engine.shutdown(options as never))).toBeInstanceOf(ConfigError)
  }
  expect(await engine.submit(() => 'still open')).toBe('still open')
})
