import { ConfigError } from '../errors.ts'
import { beginWait } from '../task/task-context.ts'
import { BaseFuture, type Observer } from './future.ts'
import { settledValue, together } from './reference.ts'
import { SUCCEEDED } from './state.ts'
import { FUTURE_CONTAINER, isFuture, type TaskFuture } from './task-future.ts'
import { ValueFuture } from './values.ts'

/**
 * An array of futures. Awaited, it gives the values, or rejects at the first failure and cancels nothing. Iterated with
 * `for await`, it gives the values in order; a failure or a `break` there cancels what has not started.
 * As an argument of a task it stands for the array of values. Its `map`, `filter` and `slice` make plain arrays.
 */
export class FutureList<T> extends Array<TaskFuture<T>> implements PromiseLike<T[]>, AsyncIterable<T> {
  /** What methods like `map` make. */
  static override get [Symbol.species](): ArrayConstructor {
    return Array
  }

  /** Like `Promise.prototype.then`. */
  // biome-ignore lint/suspicious/noThenProperty: a list of futures can be awaited
  then<F = T[], R = never>(
    onFulfilled?: ((values: T[]) => F | PromiseLike<F>) | null,
    onRejected?: ((reason: unknown) => R | PromiseLike<R>) | null,
  ): Promise<F | R> {
    return gather(this).then(onFulfilled, onRejected)
  }

  /** Like `Promise.prototype.catch`. */
  catch<R = never>(onRejected?: ((reason: unknown) => R | PromiseLike<R>) | null): Promise<T[] | R> {
    return gather(this).catch(onRejected)
  }

  /** Like `Promise.prototype.finally`. */
  finally(onFinally?: (() => void) | null): Promise<T[]> {
    return gather(this).finally(onFinally)
  }

  /** The values, in order. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    let isComplete = false
    try {
      for (const future of this) yield await future
      isComplete = true
    } finally {
      if (!isComplete) for (const future of this) if (!future.running()) future.cancel()
    }
  }
}
Object.defineProperty(FutureList.prototype, FUTURE_CONTAINER, { value: true })

/** What a future resolves to. */
export type FutureValue<F> = F extends TaskFuture<infer T> ? T : never

/** The futures of an iterable, as a list that can be awaited as a whole. @throws TypeError if an element is no future */
export function futureList<F extends TaskFuture<unknown>>(futures: Iterable<F>): FutureList<FutureValue<F>> {
  const list = new FutureList<FutureValue<F>>()
  for (const future of futures) {
    checkFuture(future, `element ${list.length} of futureList`)
    list.push(future as TaskFuture<FutureValue<F>>)
  }
  return list
}

/** A dictionary of futures: awaited, it gives the values by key; as an argument of a task it stands for them. */
export type FutureDict<T extends object> = { readonly [K in keyof T]: TaskFuture<T[K]> } & PromiseLike<T>

const dictPrototype = {
  [FUTURE_CONTAINER]: true,
  toString: () => '[a dictionary of futures, not their values: await it, or pass it as it is to submit()]',
  // biome-ignore lint/suspicious/noThenProperty: a dictionary of futures can be awaited
  then(this: Record<string, TaskFuture<unknown>>, ...handlers: Parameters<Promise<unknown>['then']>): Promise<unknown> {
    const keys = Object.keys(this)
    return gather(Object.values(this))
      .then((values) => Object.fromEntries(keys.map((key, i) => [key, values[i]])))
      .then(...handlers)
  },
}

/** The futures of an object, as a dictionary that can be awaited as a whole. @throws TypeError if a property is no future */
export function futureDict<T extends object>(futures: { readonly [K in keyof T]: TaskFuture<T[K]> }): FutureDict<T> {
  const dict = Object.create(dictPrototype)
  for (const [key, future] of Object.entries(futures)) {
    if (key === 'then')
      throw new ConfigError('futureDict: a future cannot be called "then", because the dictionary can be awaited')
    checkFuture(future, `${JSON.stringify(key)} of futureDict`)
    Object.defineProperty(dict, key, { value: future, enumerable: true, configurable: true, writable: true })
  }
  return dict
}

export function checkFuture(value: unknown, place: string): asserts value is TaskFuture<unknown> {
  if (!isFuture(value)) throw new TypeError(`${place} is no future: wrap a value in constant()`)
}

/** A future as this copy of the library has it. */
export function toBase<T>(future: TaskFuture<T>): BaseFuture<unknown> {
  return future instanceof BaseFuture ? future : ValueFuture.adopt(future)
}

/** All values, or the first failure: one waiter for all of them, which is much less than `Promise.all` costs. */
function gather<T>(futures: readonly TaskFuture<T>[]): Promise<T[]> {
  return new Promise((resolve, reject) => new Gathering(futures, resolve, reject).start())
}

class Gathering<T> implements Observer {
  readonly #futures: readonly BaseFuture<unknown>[]
  readonly #resolve: (values: T[]) => void
  readonly #reject: (error: unknown) => void
  #missing: number
  #isOver = false
  #resume: ((goOn: () => void) => void) | undefined

  constructor(futures: readonly TaskFuture<T>[], resolve: (values: T[]) => void, reject: (error: unknown) => void) {
    const all: BaseFuture<unknown>[] = []
    for (const future of futures) all.push(toBase(future))
    this.#futures = all
    this.#missing = all.length
    this.#resolve = resolve
    this.#reject = reject
  }

  start(): void {
    this.#resume = beginWait(this.#futures)
    if (this.#missing === 0) this.#resolve([])
    for (const future of this.#futures) future.observe(this)
  }

  settled(future: BaseFuture<unknown>): void {
    this.#missing--
    if (this.#isOver) return
    if (future.state !== SUCCEEDED) this.#end(() => this.#reject(future.outcome))
    else if (this.#missing === 0) this.#end(() => this.#resolve(settledValue(together(this.#values())) as T[]))
  }

  #values(): T[] {
    const values: T[] = []
    for (const { outcome } of this.#futures) values.push(outcome as T)
    return values
  }

  #end(finish: () => void): void {
    this.#isOver = true
    this.#resume?.(finish)
  }
}
