import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { ConfigError, Engine, task } from '../../src/index.ts'
import { lookUp } from '../../src/task/task-ref.ts'
import { first, moduleUrl, moved, second, square } from './declared-tasks.ts'

const run = promisify(execFile)

describe('the forms of task()', () => {
  test('around a function', async () => {
    const double = task(function double(x: number) {
      return 2 * x
    })
    expect(double(4)).toBe(8)
    expect(double.options).toEqual({})
    expect(double.ref.name).toBe('double')
    expect(await new Engine().submit(double, 4)).toBe(8)
  })

  test('around a function, with options before it', async () => {
    const options = { name: 'twice', priority: 3, labels: ['gpu'] }
    const double = task(options, (x: number) => 2 * x)
    expect(double(4)).toBe(8)
    expect(double.options).toEqual(options)
    expect(double.ref.name).toBe('twice')
    const future = new Engine().submit(double, 4)
    expect(future.info.name).toBe('twice')
    expect(future.info.labels).toEqual({ gpu: 1 })
    expect(await future).toBe(8)
  })

  test('an empty object stands for no options', () => {
    expect(task({}, (x: number) => x)(1)).toBe(1)
    expect(task({ priority: undefined }, (x: number) => x)(1)).toBe(1)
  })
})

describe('a task called directly', () => {
  test('is the plain function: its arguments, its result, its this, its errors', async () => {
    const problem = new Error('no')
    const all = task((...args: unknown[]) => args)
    expect(all()).toEqual([])
    expect(all(1, undefined, [2])).toEqual([1, undefined, [2]])
    const fail = task(() => {
      throw problem
    })
    expect(() => fail()).toThrow(problem)
    const asynchronous = task(async (x: number) => x)
    expect(asynchronous(1)).toBeInstanceOf(Promise)
    expect(await asynchronous(1)).toBe(1)
    const method = task(function (this: { base: number }, x: number) {
      return this.base + x
    } as (x: number) => number)
    expect(method.call({ base: 10 }, 1)).toBe(11)
  })

  test('needs no engine, and knows nothing of options', () => {
    let runs = 0
    const flaky = task({ retries: 5, timeout: 1 }, () => {
      runs++
      throw new Error('once')
    })
    expect(() => flaky()).toThrow('once')
    expect(runs).toBe(1)
  })

  test('does not resolve futures: they are what they are', () => {
    const identity = task(<T>(value: T) => value)
    const future = new Engine().submit(() => 1)
    expect(identity(future)).toBe(future)
  })

  test('has the name and the length of the function, and is a function', () => {
    expect(square.name).toBe('square')
    expect(square.length).toBe(1)
    expect(task({ name: 'other' }, (_a: number, _b: number) => 0).name).toBe('other')
    expect(task((_a: number, _b: number) => 0).length).toBe(2)
    expect(typeof square).toBe('function')
    expect([1, 2, 3].map(square)).toEqual([1, 4, 9])
  })
})

describe('the name of a task', () => {
  test('is the option, else the name of the function, else anonymous', () => {
    expect(task({ name: 'given' }, function own() {}).ref.name).toBe('given')
    expect(task(function own() {}).ref.name).toBe('own')
    const arrow = () => 1
    expect(task(arrow).ref.name).toBe('arrow')
    expect(task(() => 1).ref.name).toBe('anonymous')
  })
})

describe('the reference of a task', () => {
  test('has the URL of the module that declares it', () => {
    expect(square.ref).toEqual({ module: moduleUrl, name: 'square', ordinal: 0 })
    expect(moduleUrl).toMatch(/^file:\/\/\/.*declared-tasks\.ts$/)
  })

  test.each([[[]], [['--enable-source-maps']]])('has it in Node itself too, started with %j', async (flags) => {
    const script = `
      const { square, second } = await import(${JSON.stringify(moduleUrl)})
      console.log(JSON.stringify([square.ref, second.ref]))`
    const { stdout } = await run(process.execPath, [...flags, '--input-type=module', '--eval', script])
    expect(JSON.parse(stdout)).toEqual([square.ref, second.ref])
  })

  test('tells tasks of one name in one module apart by their ordinal, the order of declaration', () => {
    expect(first.ref).toEqual({ module: moduleUrl, name: 'twin', ordinal: 1 })
    expect(second.ref).toEqual({ module: moduleUrl, name: 'twin', ordinal: 2 })
  })

  test('has the module of the option, where one is given', () => {
    expect(moved.ref).toEqual({ module: 'https://example.com/tasks.js', name: 'anonymous', ordinal: 0 })
  })

  test('leads back to the task', () => {
    for (const declared of [square, first, second, moved]) expect(lookUp(declared.ref)).toBe(declared)
    expect(lookUp({ module: moduleUrl, name: 'twin', ordinal: 99 })).toBe(undefined)
    expect(lookUp({ module: 'file:///absent.js', name: 'twin', ordinal: 0 })).toBe(undefined)
  })

  test('and the options cannot be changed', () => {
    const labels = task({ name: 'fixed', priority: 1 }, () => 1)
    expect(Object.isFrozen(labels.ref)).toBe(true)
    expect(Object.isFrozen(labels.options)).toBe(true)
    expect(() => Object.assign(labels.options, { priority: 2 })).toThrow(TypeError)
    expect(() => Object.assign(labels, { options: {} })).toThrow(TypeError)
    expect(() => Object.assign(labels, { ref: {} })).toThrow(TypeError)
  })

  test('changing the object of the options afterwards changes nothing', () => {
    const options = { priority: 1, labels: { gpu: 1 } }
    const declared = task(options, () => 1)
    options.priority = 9
    options.labels.gpu = 9
    expect(declared.options.priority).toBe(1)
    expect(new Engine().submit(declared).info.labels).toEqual({ gpu: 1 })
  })
})

describe('with()', () => {
  test('is the same task with other options: the same reference, the same function', async () => {
    const base = task({ name: 'base', priority: 1, retries: 2 }, (x: number) => x + 1)
    const other = base.with({ priority: 5, labels: 'gpu' })
    expect(other).not.toBe(base)
    expect(other(1)).toBe(2)
    expect(other.ref).toEqual(base.ref)
    expect(other.ref).toBe(base.ref)
    expect(other.name).toBe('base')
    expect(other.options).toEqual({ name: 'base', priority: 5, retries: 2, labels: 'gpu' })
    expect(base.options).toEqual({ name: 'base', priority: 1, retries: 2 })
    expect(new Engine().submit(other, 1).info.labels).toEqual({ gpu: 1 })
  })

  test('can be said again, and takes back with undefined', () => {
    const base = task({ priority: 1 }, () => 1)
    expect(base.with({ labels: 'a' }).with({ retries: 1 }).options).toEqual({ priority: 1, labels: 'a', retries: 1 })
    expect(base.with({ priority: undefined }).options.priority).toBe(undefined)
    expect(base.with({}).options).toEqual(base.options)
  })

  test('declares nothing: the module has no more tasks than before', () => {
    const before = task(() => 1)
    before.with({ priority: 2 })
    const after = task(() => 1)
    expect(after.ref.ordinal).toBe(before.ref.ordinal + 1)
  })

  test('refuses what belongs to the declaration, and what is no option', () => {
    const base = task(() => 1) as { with(options: unknown): unknown }
    expect(() => base.with({ name: 'other' })).toThrow(/with has no option "name"; there are executor, labels, /)
    expect(() => base.with({ module: 'file:///x.js' })).toThrow(ConfigError)
    expect(() => base.with({ onParentFailure: 'settle' })).toThrow(/with cannot set onParentFailure/)
    expect(() => base.with({ retry: 1 })).toThrow(/with has no option "retry"/)
    expect(() => base.with({ priority: 'high' })).toThrow(/with: priority takes a number, not "high"/)
    for (const wrong of [undefined, null, 5, 'fast', []]) expect(() => base.with(wrong)).toThrow(ConfigError)
  })
})

describe('what task() refuses', () => {
  const task_ = task as (...args: unknown[]) => unknown

  test.each([
    ['a number', [5]],
    ['null', [null]],
    ['a string', ['square']],
    ['options and no function', [{ name: 'x' }, undefined]],
    ['options and a string', [{}, 'square']],
    ['undefined and undefined', [undefined, undefined]],
  ])('%s: TypeError', (_, args) => {
    expect(() => task_(...args)).toThrow(TypeError)
    expect(() => task_(...args)).toThrow(/task takes a function/)
  })

  test('options after the function, which would be lost: they come first', () => {
    expect(() => task_(() => 1, { retries: 2 })).toThrow(TypeError)
    expect(() => task_(() => 1, { retries: 2 })).toThrow(/before the function: task\(options, fn\)/)
  })

  test.each<[string, unknown, RegExp]>([
    ['an unknown option', { retry: 1 }, /task has no option "retry"; there are executor, labels, priority, .*retries/],
    ['an option that every object has', JSON.parse('{"toString": 1}'), /task has no option "toString"/],
    ['an option called __proto__', JSON.parse('{"__proto__": 1}'), /task has no option "__proto__"/],
    ['a list', [], /task takes an object with options, not an array/],
    ['an empty name', { name: '' }, /task: name takes a name, not ""/],
    ['a name that is no text', { name: 5 }, /task: name takes a name, not 5/],
    [
      'a module that is no text',
      { module: new URL('file:///x.js') },
      /module takes the URL of a module, not an object/,
    ],
    ['an executor that is no name', { executor: {} }, /executor takes the name of an executor, not an object/],
    ['a priority that is no number', { priority: Number.NaN }, /priority takes a number, not NaN/],
    ['a timeout of 0', { timeout: 0 }, /timeout takes milliseconds above 0, not 0/],
    ['a negative timeout', { timeout: -1 }, /timeout takes milliseconds above 0, not -1/],
    ['a timeout that no timer takes', { timeout: 2 ** 31 }, /timeout takes milliseconds above 0/],
    ['half a retry', { retries: 1.5 }, /retries takes a whole number of at least 0, not 1.5/],
    ['negative retries', { retries: -1 }, /retries takes a whole number of at least 0, not -1/],
    ['retries in words', { retries: 'often' }, /retries takes a number, or \{ limit, delay, .*not "often"/],
    ['retries without a limit', { retries: { delay: 1 } }, /retries takes a number, or \{ limit, delay/],
    ['an unknown option of retries', { retries: { limit: 1, max: 2 } }, /retries has no option "max"; there are limit/],
    ['a jitter above 1', { retries: { limit: 1, jitter: 2 } }, /retries: jitter takes a number from 0 to 1, not 2/],
    ['a negative delay', { retries: { limit: 1, delay: -1 } }, /retries: delay takes milliseconds of at least 0/],
    ['a when that is no function', { retries: { limit: 1, when: true } }, /retries: when takes a function, not true/],
    ['an empty label', { labels: '' }, /labels takes a label, a list of labels, or weights/],
    ['a list of labels with something else', { labels: ['a', 1] }, /labels takes/],
    ['a weight of 0', { labels: { gpu: 0 } }, /labels takes/],
    ['a negative weight', { labels: { gpu: -1 } }, /labels takes/],
    ['a signal that is none', { signal: {} }, /signal takes an AbortSignal, not an object/],
    ['a chunkSize of 0', { chunkSize: 0 }, /chunkSize takes a whole number of at least 1, not 0/],
    ['another onParentFailure', { onParentFailure: 'ignore' }, /onParentFailure takes 'settle', not "ignore"/],
  ])('%s: ConfigError, naming the culprit and what is wanted', (_, options, message) => {
    expect(() => task_(options, () => 1)).toThrow(ConfigError)
    expect(() => task_(options, () => 1)).toThrow(message)
  })

  test('functions may be declared by map, which passes an index and the array too', () => {
    const declare = task_ as (fn: (x: number) => number) => (x: number) => number
    expect([(x: number) => x, (x: number) => -x].map(declare).map((declared) => declared(1))).toEqual([1, -1])
  })

  test('nothing of what it refuses is declared', () => {
    const before = task(() => 1)
    expect(() => task_({ retry: 1 }, () => 1)).toThrow()
    expect(() => task_({}, 5)).toThrow()
    expect(task(() => 1).ref.ordinal).toBe(before.ref.ordinal + 1)
  })

  test('all that is right is taken', () => {
    const options = {
      name: 'all',
      module: 'file:///all.js',
      executor: 'cpu',
      labels: { gpu: 0.5, net: 2 },
      priority: -Infinity,
      timeout: Infinity,
      retries: { limit: Infinity, delay: 0, backoff: 2, jitter: 1, when: () => true },
      signal: new AbortController().signal,
      chunkSize: 10,
      onParentFailure: 'settle' as const,
    }
    expect(task(options, () => 1).options).toEqual(options)
  })
})
