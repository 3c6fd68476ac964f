import { afterEach, describe, expect, test } from 'vitest'
import {
  CancelledError,
  DependencyError,
  Engine,
  FutureDependencyExecutor,
  InProcessExecutor,
  MemoryRecordLogger,
  type TaskFuture,
  task,
} from '../../src/index.ts'
import { deferred, foreignExecutor, reasonOf } from '../future/support.ts'

const LINKS = 100_000

const increment = task(function increment(n: number) {
  return n + 1
})
const count = task(function count(numbers: readonly number[]) {
  return numbers.length
})

/** A chain of children, of which the first one is a child of `first`. */
function chain(engine: { submit: Engine['submit'] }, first: TaskFuture<number>): TaskFuture<number>[] {
  const links: TaskFuture<number>[] = []
  let last = first
  for (let i = 0; i < LINKS; i++) {
    last = engine.submit(increment, last)
    links.push(last)
  }
  return links
}

// A cascade must not change how the errors of others look.
const { stackTraceLimit } = Error
afterEach(() => {
  expect(Error.stackTraceLimit).toBe(stackTraceLimit)
})

describe('a chain of 100,000 links', () => {
  test('succeeds', async () => {
    await using engine = new Engine()
    expect(await chain(engine, engine.submit(increment, -1)).at(-1)).toBe(LINKS)
  })

  test('succeeds when it is built after its first link has finished', async () => {
    await using engine = new Engine()
    const first = engine.submit(increment, -1)
    await first
    expect(await chain(engine, first).at(-1)).toBe(LINKS)
  })

  test('succeeds under a limit of one at a time, and behind a foreign executor', async () => {
    await using limited = new Engine({ executor: new InProcessExecutor({ concurrency: 1 }) })
    expect(await chain(limited, limited.submit(increment, -1)).at(-1)).toBe(LINKS)
    await using wrapped = new FutureDependencyExecutor(foreignExecutor())
    expect(await chain(wrapped, wrapped.submit(increment, -1)).at(-1)).toBe(LINKS)
  })

  test('fails to its end when its first link fails, with one record for each', async () => {
    const recordLogger = new MemoryRecordLogger()
    await using engine = new Engine({ recordLogger })
    const gate = deferred<number>()
    const first = engine.submit(() => gate.promise)
    const links = chain(engine, first)
    const error = new Error('the root')
    gate.reject(error)
    const last = await reasonOf(links.at(-1) as TaskFuture<number>)
    expect(last).toBeInstanceOf(DependencyError)
    expect((last as DependencyError).cause).toBe(error)
    expect(links.every((link) => link.info.status === 'blocked')).toBe(true)
    expect(recordLogger.records).toHaveLength(LINKS + 1)
  })

  test('fails to its end when it is built after its first link has failed', async () => {
    await using engine = new Engine()
    const error = new Error('the root')
    const first = engine.submit((): number => {
      throw error
    })
    await first.exception()
    const last = await reasonOf(chain(engine, first).at(-1) as TaskFuture<number>)
    expect((last as DependencyError).cause).toBe(error)
  })

  test('the error of its end is no larger than that of a short chain, and names both ends', async () => {
    await using engine = new Engine()
    const first = engine.submit(
      task({ name: 'root' }, (): number => {
        throw new Error('no')
      }),
    )
    const links = chain(engine, first)
    const errors = (await Promise.all([30, LINKS - 1].map((i) => links[i]?.exception()))) as DependencyError[]
    for (const error of errors) {
      expect(error.path.length).toBeLessThanOrEqual(25)
      expect(error.message.length).toBeLessThan(500)
      expect(error.stack?.length).toBeLessThan(1000)
      expect(error.path.at(-1)).toEqual({ id: first.info.taskId, name: 'root' })
    }
    const { path } = errors[1] as DependencyError
    expect(path[0]).toEqual({ id: links.at(-1)?.info.taskId, name: 'increment' })
    expect(path[1]?.id).toBe(links.at(-2)?.info.taskId)
    const gaps = path.filter(({ id }) => id === '')
    expect(gaps).toHaveLength(1)
    // All that were on the way are there, or counted.
    expect(gaps[0]?.name).toContain(String(LINKS + 1 - (path.length - 1)))
  })

  test('is cancelled to its end when its first link is cancelled', async () => {
    const recordLogger = new MemoryRecordLogger()
    await using engine = new Engine({ recordLogger })
    const first = engine.submit(increment, new Promise<number>(() => {}))
    const links = chain(engine, first)
    expect(first.cancel('enough')).toBe(true)
    expect(links.every((link) => link.cancelled())).toBe(true)
    const error = (await reasonOf(links.at(-1) as TaskFuture<number>)) as CancelledError
    expect(error).toBeInstanceOf(CancelledError)
    expect(error.cause).toBe('enough')
    expect(error.message.length).toBeLessThan(200)
    expect(recordLogger.records).toHaveLength(LINKS + 1)
  })

  test('is cancelled from its middle to its end, and succeeds up to there', async () => {
    await using engine = new Engine()
    const gate = deferred<number>()
    const links = chain(
      engine,
      engine.submit(() => gate.promise),
    )
    const middle = LINKS / 2
    expect(links[middle]?.cancel()).toBe(true)
    gate.resolve(0)
    expect(await links[middle - 1]).toBe(middle)
    expect(links.slice(middle).every((link) => link.cancelled())).toBe(true)
  })

  test('of tasks that settle goes on after a failure', async () => {
    await using engine = new Engine()
    const next = task({ onParentFailure: 'settle' }, (parent: PromiseSettledResult<number>) =>
      parent.status === 'fulfilled' ? parent.value + 1 : 0,
    )
    let last = engine.submit((): number => {
      throw new Error('no')
    })
    for (let i = 0; i <= LINKS; i++) last = engine.submit(next, last)
    expect(await last).toBe(LINKS)
  })

  test('of tasks that return the future of the next one is joined', async () => {
    await using engine = new Engine()
    const countDown = task((n: number): unknown => (n === 0 ? 'end' : engine.submit(countDown, n - 1)))
    expect(await engine.submit(countDown, LINKS)).toBe('end')
  })
})

describe('100,000 views of views', () => {
  /** Each a view of the one before. */
  function views(first: TaskFuture<number>): TaskFuture<number> {
    let last = first
    for (let i = 0; i < LINKS; i++) last = last.map((n) => n + 1)
    return last
  }

  test('of a pending future are filled in', async () => {
    await using engine = new Engine()
    const last = views(engine.submit(increment, -1))
    expect(await last).toBe(LINKS)
  })

  test('of a finished future are filled in', async () => {
    await using engine = new Engine()
    const first = engine.submit(increment, -1)
    await first
    expect(await views(first)).toBe(LINKS)
  })

  test('fail with the task, as it does', async () => {
    await using engine = new Engine()
    const error = new Error('no')
    const first = engine.submit((): number => {
      throw error
    })
    const last = views(first)
    const child = engine.submit(increment, last)
    expect(await reasonOf(last)).toBe(error)
    expect(((await reasonOf(child)) as DependencyError).path.map(({ id }) => id)).toEqual([
      child.info.taskId,
      first.info.taskId,
    ])
  })

  test('cancel the task, and know what it is', async () => {
    await using engine = new Engine()
    const first = engine.submit(increment, new Promise<number>(() => {}))
    const last = views(first)
    expect(last.info.taskId).toBe(first.info.taskId)
    expect(String(last)).toContain('increment')
    expect(last.running()).toBe(false)
    expect(last.cancel()).toBe(true)
    expect(last.cancelled()).toBe(true)
  })

  test('of properties read to the end', async () => {
    interface Node {
      readonly next?: Node
      readonly depth: number
    }
    let value: Node = { depth: 0 }
    for (let depth = 1; depth <= LINKS; depth++) value = { next: value, depth }
    await using engine = new Engine()
    const first = engine.submit(() => value)
    let last: TaskFuture<Node> = first
    for (let i = 0; i < LINKS; i++) last = last.pick('next') as TaskFuture<Node>
    expect((await last).depth).toBe(0)
  })
})

describe('100,000 at once', () => {
  test('parents of one child', async () => {
    await using engine = new Engine()
    const parents = engine.map(
      increment,
      Array.from({ length: LINKS }, (_, i) => i),
    )
    const child = engine.submit(count, parents)
    expect(child.info.parentTaskIds).toHaveLength(LINKS)
    expect(await child).toBe(LINKS)
    expect(await engine.submit((...all: number[]) => all.length, ...parents)).toBe(LINKS)
  })

  test('children of one parent, when it succeeds', async () => {
    await using engine = new Engine()
    const parent = engine.submit(increment, 0)
    const children = engine.map(increment, new Array<TaskFuture<number>>(LINKS).fill(parent))
    expect(new Set(await children)).toEqual(new Set([2]))
  })

  test('children of one parent, when it fails or is cancelled', async () => {
    await using engine = new Engine()
    const failing = engine.submit((): number => {
      throw new Error('no')
    })
    const waiting = engine.submit(increment, new Promise<number>(() => {}))
    const blocked = engine.map(increment, new Array<TaskFuture<number>>(LINKS).fill(failing))
    const cancelled = engine.map(increment, new Array<TaskFuture<number>>(LINKS).fill(waiting))
    waiting.cancel()
    await reasonOf(blocked)
    expect(blocked.every((child) => child.info.status === 'blocked')).toBe(true)
    expect(cancelled.every((child) => child.cancelled())).toBe(true)
  })

  test('parents that fail under one child', async () => {
    await using engine = new Engine()
    const parents = engine.map(
      (n: number): number => {
        throw new Error(`no ${n}`)
      },
      Array.from({ length: LINKS }, (_, i) => i),
    )
    const error = (await reasonOf(engine.submit(count, parents))) as DependencyError
    expect((error.cause as Error).message).toBe('no 0')
    expect(error.path).toHaveLength(2)
  })

  test('a tree of reduces', async () => {
    await using engine = new Engine()
    const add = task((a: number, b: number) => a + b)
    let level: TaskFuture<number>[] = engine.map(increment, new Array<number>(LINKS).fill(0))
    while (level.length > 1) {
      const next: TaskFuture<number>[] = []
      for (let i = 0; i + 1 < level.length; i += 2)
        next.push(engine.submit(add, level[i] as TaskFuture<number>, level[i + 1] as TaskFuture<number>))
      if (level.length % 2 === 1) next.push(level.at(-1) as TaskFuture<number>)
      level = next
    }
    expect(await level[0]).toBe(LINKS)
  })
})
