import { describe } from '../options.ts'
import { type Body, isTask, specOf, type Task } from '../task/task.ts'

/** What a mocked task was called with. */
export interface MockCall<A extends readonly unknown[]> {
  /** What the body was given. */
  readonly args: A
}

/** A replaced body: until it is restored, or the end of a `using` block. */
export interface TaskMock<A extends readonly unknown[]> extends Disposable {
  /** The calls so far, oldest first; retries count. */
  readonly calls: readonly MockCall<A>[]
  /** Puts back what was there before. */
  restore(): void
}

interface Layer {
  readonly body: Body
  readonly fn: Body['fn']
  restore(): void
}

/** The mocks in force, oldest first; the last one of a body is what runs. */
const layers: Layer[] = []
const originals = new WeakMap<Body, Body['fn']>()

/**
 * Replaces the body of a task, in every engine of this process and where it is called directly; its name, options and
 * parents stay.
 * @param impl - called in its place; `taskContext()` works in it
 * @example
 * ```ts
 * using mocked = mockTask(download, (url) => `<html>${url}</html>`)
 * ```
 */
export function mockTask<A extends readonly unknown[], R>(
  task: Task<A, R>,
  impl: (...args: A) => R | Awaited<R>,
): TaskMock<A> {
  if (!isTask(task)) throw new TypeError(`mockTask takes a task, made with task(), not ${describe(task)}`)
  if (typeof impl !== 'function') throw new TypeError(`mockTask takes a function to run instead, not ${describe(impl)}`)
  const { body } = specOf(task)
  if (!originals.has(body)) originals.set(body, body.fn)
  const calls: MockCall<A>[] = []
  const fn = function (this: unknown, ...args: unknown[]): unknown {
    calls.push({ args: args as unknown as A })
    return Reflect.apply(impl, this, args)
  }
  const layer: Layer = { body, fn, restore: () => remove(layer) }
  layers.push(layer)
  body.fn = fn
  body.isMock = true
  return { calls, restore: layer.restore, [Symbol.dispose]: layer.restore }
}

function remove(layer: Layer): void {
  const i = layers.indexOf(layer)
  if (i === -1) return
  layers.splice(i, 1)
  const below = layers.findLast(({ body }) => body === layer.body)
  layer.body.fn = below?.fn ?? (originals.get(layer.body) as Body['fn'])
  layer.body.isMock = below !== undefined
}

/** Restores all mocked tasks: for an `afterEach`. */
export function restoreTasks(): void {
  for (const layer of [...layers]) layer.restore()
}
