import { type Clock, systemClock } from '../clock.ts'
import { TimeoutError } from '../errors.ts'
import { currentBody } from '../task/task-context.ts'
import { describe, oneOf } from '../task/task-options.ts'
import { timeoutOf } from './deadline.ts'
import type { BaseFuture, Observer } from './future.ts'
import { checkFuture, toBase } from './future-list.ts'
import { BLOCKED, FAILED } from './state.ts'
import type { TaskFuture, WaitOptions } from './task-future.ts'

/** When `wait` returns. */
export type ReturnWhen = 'FIRST_COMPLETED' | 'FIRST_EXCEPTION' | 'ALL_COMPLETED'

const RETURN_WHEN = oneOf('FIRST_COMPLETED, FIRST_EXCEPTION or ALL_COMPLETED', (value) =>
  ['FIRST_COMPLETED', 'FIRST_EXCEPTION', 'ALL_COMPLETED'].includes(value as string),
)

/** Options of {@link wait}. */
export interface WaitForOptions extends WaitOptions {
  /** `FIRST_EXCEPTION` returns at the first failure (a cancellation is none), or when all are done. @defaultValue 'ALL_COMPLETED' */
  readonly returnWhen?: ReturnWhen | undefined
}

/** What {@link wait} found. */
export interface WaitResult<T> {
  /** Succeeded, failed or cancelled. */
  readonly done: Set<TaskFuture<T>>
  /** All others. */
  readonly notDone: Set<TaskFuture<T>>
}

/** A future that is done, and its place among those that were given. */
export interface Completed<T> {
  /** Succeeded, failed or cancelled. */
  readonly future: TaskFuture<T>
  /** Where it stands among the futures that were given; of one given twice, the first place. */
  readonly index: number
}

/** A group of futures that are waited for together, until a deadline. */
class Group<T> implements Observer {
  readonly futures: readonly TaskFuture<T>[]
  readonly #bases: ReadonlyMap<BaseFuture<unknown>, number>
  /** Those that have not told yet that they are done. */
  readonly #open: Set<BaseFuture<unknown>>
  readonly #clock: Clock
  readonly #onSettled: (future: BaseFuture<unknown>, index: number) => void
  #timer: unknown
  #isClosed = false

  constructor(
    futures: Iterable<TaskFuture<T>>,
    timeout: number | undefined,
    caller: string,
    onSettled: (future: BaseFuture<unknown>, index: number) => void,
    onTimeout: () => void,
  ) {
    this.#onSettled = onSettled
    if (typeof (futures as Partial<Iterable<unknown>> | undefined)?.[Symbol.iterator] !== 'function')
      throw new TypeError(`${caller} takes an iterable of futures, not ${describe(futures)}`)
    this.futures = [...futures]
    const bases = new Map<BaseFuture<unknown>, number>()
    const seen = new Set<TaskFuture<T>>()
    this.futures.forEach((future, i) => {
      checkFuture(future, `element ${i} of ${caller}`)
      if (!seen.has(future)) bases.set(toBase(future), i)
      seen.add(future)
    })
    this.#bases = bases
    this.#open = new Set(bases.keys())
    this.#clock = [...bases.keys()].find((base) => base.clock !== systemClock)?.clock ?? systemClock
    if (timeout !== undefined) this.#timer = this.#clock.setTimeout(onTimeout, timeout)
  }

  get size(): number {
    return this.#bases.size
  }

  /** Lends the slots of a body that waits: for all of them, or once more for any. */
  lend(isForAny: boolean): ((goOn: () => void) => void) | undefined {
    return currentBody()?.awaits(this.#open, isForAny)
  }

  observe(): void {
    for (const base of this.#bases.keys()) {
      // Over already, by one that was done: nothing may be left behind at the others.
      if (this.#isClosed) base.markObserved()
      else base.observe(this)
    }
  }

  settled(future: BaseFuture<unknown>): void {
    this.#open.delete(future)
    this.#onSettled(future, this.#bases.get(future) as number)
  }

  close(): void {
    this.#isClosed = true
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    for (const base of this.#bases.keys()) base.unobserve(this)
  }
}

/**
 * Waits for futures. Never rejects: after the timeout it tells what is done by then.
 * @throws TypeError at once if an element is no future; ConfigError for a wrong option
 */
export function wait<T>(futures: Iterable<TaskFuture<T>>, options: WaitForOptions = {}): Promise<WaitResult<T>> {
  const timeout = timeoutOf('wait', options, { returnWhen: RETURN_WHEN })
  const { returnWhen = 'ALL_COMPLETED' } = options
  let finish = (): void => {}
  let missing = 0
  const group = new Group(
    futures,
    timeout,
    'wait',
    ({ state }) => {
      missing--
      const isFailure = state === FAILED || state === BLOCKED
      if (missing === 0 || returnWhen === 'FIRST_COMPLETED' || (isFailure && returnWhen === 'FIRST_EXCEPTION')) finish()
    },
    () => finish(),
  )
  missing = group.size
  return new Promise((resolve) => {
    const resume = missing === 0 ? undefined : group.lend(false)
    finish = () => {
      finish = () => {}
      group.close()
      const tell = (): void => resolve(split(group.futures))
      if (resume === undefined) tell()
      else resume(tell)
    }
    if (missing === 0) finish()
    else group.observe()
  })
}

function split<T>(futures: readonly TaskFuture<T>[]): WaitResult<T> {
  const done = new Set<TaskFuture<T>>()
  const notDone = new Set<TaskFuture<T>>()
  for (const future of futures) (future.done() ? done : notDone).add(future)
  return { done, notDone }
}

/**
 * The futures as they are done, those first that are done already; each once, failed and cancelled ones too. With the
 * index of each, never bare: `for await` would unwrap it.
 * The iteration throws `TimeoutError` when the time, counted from this call, is over and futures are not done.
 */
export function asCompleted<T>(
  futures: Iterable<TaskFuture<T>>,
  options: WaitOptions = {},
): AsyncIterableIterator<Completed<T>> {
  return new Completions(futures, timeoutOf('asCompleted', options))
}

class Completions<T> implements AsyncIterableIterator<Completed<T>> {
  readonly #group: Group<T>
  readonly #finished: Completed<T>[] = []
  #given = 0
  #isOver = false
  #timedOut = false
  #waiting: (() => void)[] = []

  constructor(futures: Iterable<TaskFuture<T>>, timeout: number | undefined) {
    this.#group = new Group(
      futures,
      timeout,
      'asCompleted',
      (_, index) => {
        this.#finished.push({ future: this.#group.futures[index] as TaskFuture<T>, index })
        if (this.#finished.length === this.#group.size) this.#group.close()
        this.#tell()
      },
      () => {
        this.#timedOut = true
        this.#tell()
      },
    )
    this.#group.observe()
  }

  async next(): Promise<IteratorResult<Completed<T>>> {
    for (;;) {
      if (this.#isOver) return { done: true, value: undefined }
      const completed = this.#finished[this.#given]
      if (completed !== undefined) {
        this.#given++
        return { done: false, value: completed }
      }
      if (this.#given === this.#group.size) await this.return()
      else if (this.#timedOut) {
        await this.return()
        throw new TimeoutError(`${this.#group.size - this.#given} (of ${this.#group.size}) futures unfinished`)
      } else await this.#news()
    }
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      const resume = this.#group.lend(true)
      this.#waiting.push(() => {
        if (resume === undefined) resolve()
        else resume(resolve)
      })
    })
  }

  /** All calls of `next` look again, in order. */
  #tell(): void {
    for (const goOn of this.#waiting.splice(0)) goOn()
  }

  async return(): Promise<IteratorResult<Completed<T>>> {
    this.#isOver = true
    this.#group.close()
    this.#tell()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
