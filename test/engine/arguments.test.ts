import vm from 'node:vm'
import { describe, expect, test } from 'vitest'
import { findFutures } from '../../src/engine/arguments.ts'
import {
  CancelledError,
  constant,
  DependencyError,
  Engine,
  futureDict,
  futureList,
  isFuture,
  opaque,
  type TaskFuture,
  task,
} from '../../src/index.ts'
import { deferred, foreignExecutor, reasonOf } from '../future/support.ts'

const engine = new Engine()
const echo = task(function echo<T>(value: T) {
  return value
})
/** A future that is not done when it is submitted. */
const later = <T>(value: T): TaskFuture<T> => engine.submit(() => value) as unknown as TaskFuture<T>

/** What the body of a task is given for these arguments. */
async function received(...args: unknown[]): Promise<unknown[]> {
  let given: unknown[] = []
  await engine.submit(
    (...values: unknown[]) => {
      given = values
    },
    ...args,
  )
  return given
}

/** The same for one argument. */
// biome-ignore lint/suspicious/noExplicitAny: the tests know what they sent
async function receivedOne(arg: unknown): Promise<any> {
  const [value] = await received(arg)
  return value
}

describe('where futures are found', () => {
  test.each<[string, () => unknown, unknown]>([
    ['an argument itself', () => later(1), 1],
    ['an array', () => [0, later(1), later(2)], [0, 1, 2]],
    ['a plain object', () => ({ a: later(1), b: 2 }), { a: 1, b: 2 }],
    ['an object without a prototype', () => Object.assign(Object.create(null), { a: later(1) }), { a: 1 }],
    ['the values of a Map', () => new Map([['a', later(1)]]), new Map([['a', 1]])],
    ['the keys of a Map', () => new Map([[later('a'), 1]]), new Map([['a', 1]])],
    ['a Set', () => new Set([later(1), 2]), new Set([1, 2])],
    [
      'containers in containers',
      () => [{ map: new Map([['k', new Set([[later(1)]])]]) }, [[[{ x: [later(2)] }]]]],
      [{ map: new Map([['k', new Set([[1]])]]) }, [[[{ x: [2] }]]]],
    ],
    [
      'containers that are keys of a Map',
      () => new Map([[[later('k')], [later('v')]]]),
      new Map<unknown, unknown>([[['k'], ['v']]]),
    ],
  ])('%s', async (_, make, wanted) => {
    expect(await receivedOne(make())).toEqual(wanted)
  })

  test('promises and foreign thenables are found in all the same places', async () => {
    const promise = (value: unknown) => Promise.resolve(value)
    const thenable = (value: unknown) => ({
      // biome-ignore lint/suspicious/noThenProperty: a thenable of another library
      then(onFulfilled: (value: unknown) => void) {
        onFulfilled(value)
      },
    })
    for (const make of [promise, thenable]) {
      expect(
        await received(make(1), [make(2)], { a: make(3) }, new Map([[make('k'), make('v')]]), new Set([make(4)]), [
          [{ deep: make(5) }],
        ]),
      ).toEqual([1, [2], { a: 3 }, new Map([['k', 'v']]), new Set([4]), [[{ deep: 5 }]]])
    }
  })

  test('a function that can be awaited counts as a thenable', async () => {
    // biome-ignore lint/suspicious/noThenProperty: a thenable of another library
    const query = Object.assign(() => 'called', { then: (done: (value: number) => void) => done(7) })
    expect(await received(query, [query])).toEqual([7, [7]])
  })

  test('futures and promises of another realm are found, and its plain objects searched', async () => {
    const tree = vm.runInNewContext('({ list: [Promise.resolve(1)], nested: { two: Promise.resolve(2) } })')
    const [given] = await received(tree)
    expect(JSON.stringify(given)).toBe('{"list":[1],"nested":{"two":2}}')
  })

  test('a property named by a symbol is searched too, and stays', async () => {
    const key = Symbol('key')
    const plain = Symbol('plain')
    const given = await receivedOne({ [key]: later(1), [plain]: 2, a: later(3) })
    expect(given).toEqual({ [key]: 1, [plain]: 2, a: 3 })
    expect(await receivedOne({ [key]: later(1) })).toEqual({ [key]: 1 })
  })

  test('a property named __proto__ is a property like any other', async () => {
    const tree = JSON.parse('{ "__proto__": { "polluted": true }, "a": 1 }')
    tree.a = later(2)
    const given = await receivedOne(tree)
    expect(Object.getPrototypeOf(given)).toBe(Object.prototype)
    expect(Object.entries(given)).toEqual([
      ['__proto__', { polluted: true }],
      ['a', 2],
    ])
    const holder = JSON.parse('{ "__proto__": 0 }')
    Object.defineProperty(holder, '__proto__', { value: later('value'), enumerable: true })
    const filled = await receivedOne(holder)
    expect(Object.getPrototypeOf(filled)).toBe(Object.prototype)
    expect(Object.entries(filled)).toEqual([['__proto__', 'value']])
  })

  test('the holes of a sparse array stay holes', async () => {
    const sparse = new Array<unknown>(5)
    sparse[1] = later('one')
    sparse[3] = [later('three')]
    const given = await receivedOne(sparse)
    expect(given).toHaveLength(5)
    expect(Object.keys(given)).toEqual(['1', '3'])
    expect(given[1]).toBe('one')
    expect(given[3]).toEqual(['three'])
  })

  test('frozen arrays and objects are no obstacle', async () => {
    const frozen = Object.freeze([Object.freeze({ a: later(1) }), later(2)])
    expect(await receivedOne(frozen)).toEqual([{ a: 1 }, 2])
  })

  test('a getter is read as its value', async () => {
    const tree = {
      get parent() {
        return later(1)
      },
    }
    expect(await receivedOne(tree)).toEqual({ parent: 1 })
  })

  test('a future nested 100,000 levels deep is found without a stack overflow', async () => {
    let tree: unknown = later('bottom')
    for (let level = 0; level < 100_000; level++) tree = level % 2 === 0 ? [tree] : { tree }
    let given = await receivedOne(tree)
    for (let level = 0; level < 100_000; level++) given = Array.isArray(given) ? given[0] : given.tree
    expect(given).toBe('bottom')
  })

  test('100,000 levels without a future are searched too, and passed as they are', async () => {
    let tree: unknown = []
    for (let level = 0; level < 100_000; level++) tree = new Map([['next', tree]])
    expect(await receivedOne(tree)).toBe(tree)
  })
})

describe('identity', () => {
  test('argument trees without futures are passed as the same objects', async () => {
    const trees = [[1, [2]], { a: { b: [] } }, new Map([['k', new Set([1])]]), Object.freeze({ x: 1 }), () => 1, null]
    const given = await received(...trees)
    given.forEach((value, i) => {
      expect(value).toBe(trees[i])
    })
  })

  test('the parts without futures of a tree with futures are passed as the same objects', async () => {
    const part = { large: [1, 2, 3] }
    const given = await receivedOne({ part, list: [part, later(1)] })
    expect(given.part).toBe(part)
    expect(given.list[0]).toBe(part)
  })

  test('shared references survive', async () => {
    const shared = [later(1)]
    const given = await receivedOne({ a: shared, b: [shared], c: new Map([['k', shared]]) })
    expect(given.a).toEqual([1])
    expect(given.b[0]).toBe(given.a)
    expect(given.c.get('k')).toBe(given.a)
  })

  test('references shared by two arguments survive', async () => {
    const shared = { parent: later(1) }
    const [a, b, [c]] = (await received(shared, shared, [shared])) as [unknown, unknown, unknown[]]
    expect(a).toEqual({ parent: 1 })
    expect(b).toBe(a)
    expect(c).toBe(a)
  })

  test('cycles survive', async () => {
    const list: unknown[] = [later(1)]
    const object: Record<string, unknown> = { list, set: new Set<unknown>() }
    const map = new Map<unknown, unknown>([['object', object]])
    list.push(object)
    object.map = map
    ;(object.set as Set<unknown>).add(list)
    map.set(map, map)
    const given = await receivedOne(list)
    expect(given[0]).toBe(1)
    expect(given[1].list).toBe(given)
    expect(given[1].set.has(given)).toBe(true)
    expect(given[1].map.get('object')).toBe(given[1])
    expect(given[1].map.get(given[1].map)).toBe(given[1].map)
    expect(given).not.toBe(list)
  })

  test('a cycle without a future is passed as it is', async () => {
    const ring: unknown[] = []
    ring.push({ ring })
    expect(await receivedOne(ring)).toBe(ring)
  })

  test('a container that stands in 200,000 others is no problem', async () => {
    const shared = [later(1)]
    const given = await receivedOne(Array.from({ length: 200_000 }, () => [shared]))
    expect(given).toHaveLength(200_000)
    expect(given[0][0]).toEqual([1])
    expect(given[199_999][0]).toBe(given[0][0])
  })

  test('the containers of the caller are not touched, and may be changed after submit', async () => {
    const parent = later(1)
    const inner = { parent, tag: 'inner' }
    const outer = [inner, parent]
    const child = engine.submit((value: unknown) => JSON.stringify(value), outer)
    inner.tag = 'changed'
    outer.length = 0
    expect(await child).toBe('[{"parent":1,"tag":"inner"},1]')
    expect(inner.parent).toBe(parent)
  })

  test('the result of a parent is passed as the same object, and not searched', async () => {
    const value = { list: [later(1)], self: undefined as unknown }
    value.self = value
    const given = await receivedOne([later(value)])
    expect(given[0]).toBe(value)
    expect(isFuture(given[0].list[0])).toBe(true)
  })
})

describe('what is not searched', () => {
  class Box {
    readonly held: unknown
    constructor(held: unknown) {
      this.held = held
    }
  }
  class Bag extends Map<string, unknown> {}
  const parent = later(1)

  test.each<[string, object]>([
    ['a class instance', new Box(parent)],
    ['an instance of a subclass of Map', new Bag([['k', parent]])],
    ['a Date', Object.assign(new Date(0), { held: parent })],
    ['an Error', Object.assign(new Error('e'), { held: parent })],
    ['a function', Object.assign(() => 0, { held: parent })],
    ['a typed array', Object.assign(new Float64Array(4), { held: parent })],
    ['a Buffer', Object.assign(Buffer.from('abc'), { held: parent })],
    ['an ArrayBuffer', Object.assign(new ArrayBuffer(8), { held: parent })],
    ['a WeakMap', Object.assign(new WeakMap(), { held: parent })],
  ])('%s is passed as it is, with what it holds', async (_, instance) => {
    const given = await received(instance, [instance, later(2)])
    expect(given[0]).toBe(instance)
    expect((given[1] as unknown[])[0]).toBe(instance)
    expect((given[0] as { held?: unknown }).held ?? (given[0] as Bag).get('k')).toBe(parent)
  })

  test('the elements of a typed array cost no search: a proxy around one is never asked for them', async () => {
    const asked: PropertyKey[] = []
    const watched = new Proxy(new Uint8Array(1000), {
      get(target, key) {
        asked.push(key)
        return Reflect.get(target, key)
      },
      ownKeys(target) {
        asked.push('ownKeys')
        return Reflect.ownKeys(target)
      },
    })
    expect(await receivedOne(watched)).toBe(watched)
    expect(asked.filter((key) => key === 'ownKeys' || /^\d+$/.test(String(key)))).toEqual([])
  })

  test('constant stands for its value, and makes no task wait', async () => {
    const future = constant({ a: 1 })
    expect(future.done()).toBe(true)
    expect(await future).toEqual({ a: 1 })
    expect(await received(constant(1), [constant(undefined)], { c: constant(null) })).toEqual([
      1,
      [undefined],
      { c: null },
    ])
    const child = engine.submit(echo, constant(3))
    expect(child.info.parentTaskIds).toEqual([])
    expect(await child).toBe(3)
  })

  test('opaque hands its value over unsearched, at any depth', async () => {
    const promise = Promise.resolve(1)
    const tree = { promise, future: parent }
    const [first, [second], third] = (await received(opaque(tree), [opaque(promise)], opaque(parent))) as [
      unknown,
      unknown[],
      unknown,
    ]
    expect(first).toBe(tree)
    expect(second).toBe(promise)
    expect(third).toBe(parent)
  })
})

describe('lists and dictionaries of futures as arguments', () => {
  test('a FutureList stands for the array of its values', async () => {
    const list = engine.map((x: number) => x * x, [1, 2, 3])
    const given = await received(list, [list], { list })
    expect(given).toEqual([[1, 4, 9], [[1, 4, 9]], { list: [1, 4, 9] }])
    expect(Object.getPrototypeOf(given[0])).toBe(Array.prototype)
  })

  test('its futures are the parents, each once', async () => {
    const list = engine.map((x: number) => x, [1, 2])
    const child = engine.submit((xs: number[]) => xs.length, list)
    expect(child.info.parentTaskIds).toEqual(list.map((future) => future.info.taskId))
    await child
  })

  test('a FutureDict stands for the plain object of its values', async () => {
    const dict = futureDict({ a: later(1), b: later('two') })
    const given = await received(dict, [dict])
    expect(given).toEqual([{ a: 1, b: 'two' }, [{ a: 1, b: 'two' }]])
    expect(Object.getPrototypeOf(given[0])).toBe(Object.prototype)
  })

  test('lists may be nested in lists', async () => {
    const inner = futureList([later(1), later(2)])
    expect(await receivedOne([inner, { inner }])).toEqual([[1, 2], { inner: [1, 2] }])
  })
})

describe('duplicates', () => {
  test('the same future twice counts once', async () => {
    const parent = later(2)
    const child = engine.submit((a: number, [b]: [number], { c }: { c: number }) => a + b + c, parent, [parent], {
      c: parent,
    })
    expect(child.info.parentTaskIds).toEqual([parent.info.taskId])
    expect(await child).toBe(6)
  })

  test('one search finds each once, however often it stands there', () => {
    const [parent, other] = [later(1), later(2)]
    const thenable = Promise.resolve(3)
    const found = findFutures([parent, [parent, other, { parent }], new Map([[thenable, [thenable, parent]]])])
    expect(found?.futures).toHaveLength(3)
    // And the next search finds them again.
    expect(findFutures([parent])?.futures).toEqual([parent])
    expect(findFutures([1, [2]])).toBe(undefined)
  })

  test('the same promise twice is awaited once', async () => {
    let awaited = 0
    const thenable = {
      // biome-ignore lint/suspicious/noThenProperty: a thenable of another library
      then(onFulfilled: (value: number) => void) {
        awaited++
        onFulfilled(5)
      },
    }
    expect(await received(thenable, [thenable], new Set([thenable]))).toEqual([5, [5], new Set([5])])
    expect(awaited).toBe(1)
  })
})

describe('thenables that misbehave', () => {
  const problem = new Error('problem')
  /** The error of a task that is given `arg`; the rest of the engine has to go on. */
  async function failureOf(arg: unknown): Promise<DependencyError> {
    const bystander = later('fine')
    const child = engine.submit(echo, arg)
    const error = await reasonOf(child)
    expect(await bystander).toBe('fine')
    expect(error).toBeInstanceOf(DependencyError)
    expect(child.info.status).toBe('blocked')
    return error as DependencyError
  }

  test('a then that throws is a parent that failed', async () => {
    const thenable = {
      // biome-ignore lint/suspicious/noThenProperty: on purpose
      then() {
        throw problem
      },
    }
    expect((await failureOf([thenable])).cause).toBe(problem)
  })

  test('a then getter that throws is a parent that failed', async () => {
    const thenable = {
      // biome-ignore lint/suspicious/noThenProperty: on purpose
      get then() {
        throw problem
      },
    }
    expect((await failureOf({ thenable })).cause).toBe(problem)
  })

  test('of one that settles twice, or throws after it settled, the first outcome counts', async () => {
    const twice = {
      // biome-ignore lint/suspicious/noThenProperty: on purpose
      then(onFulfilled: (value: unknown) => void, onRejected: (reason: unknown) => void) {
        onFulfilled('first')
        onRejected(problem)
        onFulfilled('third')
        throw problem
      },
    }
    expect(await receivedOne(twice)).toBe('first')
    const opposite = {
      // biome-ignore lint/suspicious/noThenProperty: on purpose
      then(onFulfilled: (value: unknown) => void, onRejected: (reason: unknown) => void) {
        onRejected(problem)
        onFulfilled('second')
      },
    }
    expect((await failureOf(opposite)).cause).toBe(problem)
  })

  test('one that answers with another thenable is followed to its end', async () => {
    const thenable = {
      // biome-ignore lint/suspicious/noThenProperty: a thenable of another library
      then(onFulfilled: (value: unknown) => void) {
        onFulfilled(Promise.resolve(later('end')))
      },
    }
    expect(await receivedOne([thenable])).toEqual(['end'])
  })

  test('one that never settles holds up its own child only, which can be cancelled', async () => {
    // biome-ignore lint/suspicious/noThenProperty: on purpose
    const never = { then() {} }
    const child = engine.submit(echo, never)
    expect(await later('fine')).toBe('fine')
    expect(child.info.status).toBe('waiting')
    expect(child.cancel()).toBe(true)
    expect(await reasonOf(child)).toBeInstanceOf(CancelledError)
  })

  test('one that carries the brand of a future, but nothing else of it, fails like any other', async () => {
    const impostor = {
      [Symbol.for('taps-sdk.TaskFuture')]: true,
      // biome-ignore lint/suspicious/noThenProperty: on purpose
      then(_: unknown, onRejected: (reason: unknown) => void) {
        onRejected(problem)
      },
    }
    expect((await failureOf(impostor)).cause).toBe(problem)
  })

  test('a proxy that refuses to be asked for unknown properties is passed as it is', async () => {
    const strict = new Proxy(
      { port: 80 },
      {
        get(target, key) {
          if (key === 'then' || key in target) return Reflect.get(target, key)
          throw new Error(`there is no ${String(key)}`)
        },
      },
    )
    expect((await received(strict))[0]).toBe(strict)
    expect((await receivedOne([strict, later(1)]))[0]).toBe(strict)
    expect(await engine.submit(() => strict)).toBe(strict)
    expect((await engine.submit(() => [strict, later(1)] as const))[0]).toBe(strict)
  })

  test('a foreign promise that rejects stands in the path by the name value, with its reason as the cause', async () => {
    const parent = deferred<number>()
    const child = engine.submit(
      task({ name: 'child' }, (list: number[]) => list.length),
      [parent.promise],
    )
    const grandchild = engine.submit(
      task({ name: 'grandchild' }, (n: number) => n),
      child,
    )
    parent.reject(problem)
    const error = (await reasonOf(grandchild)) as DependencyError
    expect(error.cause).toBe(problem)
    expect(error.path).toEqual([
      { id: grandchild.info.taskId, name: 'grandchild' },
      { id: child.info.taskId, name: 'child' },
      { id: '', name: 'value' },
    ])
    expect(error.message).toContain('grandchild <- child <- value')
  })

  test('the reason of a foreign promise need not be an error', async () => {
    for (const reason of [undefined, null, 0, 'text']) {
      expect((await failureOf(Promise.reject(reason))).cause).toBe(reason)
    }
  })

  test('the promise of a cancelled future cancels the child', async () => {
    const cancelled = engine.submit(echo, new Promise(() => {}))
    const child = engine.submit(echo, cancelled.result())
    cancelled.cancel()
    expect(await reasonOf(child)).toBeInstanceOf(CancelledError)
    expect(child.cancelled()).toBe(true)
  })
})

describe('what an executor is given', () => {
  test('values only, whatever the depth', async () => {
    const executor = foreignExecutor()
    await using engine = new Engine({ executor })
    const parent = engine.submit((n: number) => n + 1, 1)
    await engine.submit((tree: unknown) => JSON.stringify(tree), { list: [parent, Promise.resolve('p')] })
    expect(executor.calls.map(({ args }) => args)).toEqual([[1], [{ list: [2, 'p'] }]])
  })
})
