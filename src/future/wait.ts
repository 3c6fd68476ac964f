import { type Clock, systemClock } from '../clock.ts'
import { TimeoutError } from '../errors.ts'
import { describe, oneOf } from '../options.ts'
import { beginWait, type HowLong } from '../task/task-context.ts'
import { timeoutOf } from './deadline.ts'
import type { BaseFuture, Observer } from './future.ts'
import { checkFuture, toBase } from './future-list.ts'
import { BLOCKED, FAILED } from './state.ts'
import type { TaskFuture, TimeoutOptions } from './task-future.ts'

/** When `wait` returns. */
export type ReturnWhen = 'FIRST_COMPLETED' | 'FIRST_EXCEPTION' | 'ALL_COMPLETED'

const RETURN_WHEN = oneOf('FIRST_COMPLETED, FIRST_EXCEPTION or ALL_COMPLETED', (value) =>
  ['FIRST_COMPLETED', 'FIRST_EXCEPTION', 'ALL_COMPLETED'].includes(value as string),
)

/** Options of {@link wait}. */
export interface WaitOptions extends TimeoutOptions {
  /** `FIRST_EXCEPTION` returns at the first failure (a cancellation is none), or when all are done. @defaultValue 'ALL_COMPLETED' */
  readonly returnWhen?: ReturnWhen | undefined
}

/** What {@link wait} found. */
export interface WaitResult<F extends TaskFuture<unknown> = TaskFuture<unknown>> {
  /** Succeeded, failed or cancelled. */
  readonly done: Set<F>
  /** All others. */
  readonly notDone: Set<F>
}

/** A future that is done, and its place among those that were given. */
export interface Completed<F extends TaskFuture<unknown> = TaskFuture<unknown>> {
  /** Succeeded, failed or cancelled. */
  readonly future: F
  /** Where it stands among the futures that were given; of one given twice, the first place. */
  readonly index: number
}

/** A group of futures that are waited for together, until a deadline. */
class Group<F extends TaskFuture<unknown>> implements Observer {
  readonly futures: readonly F[]
  readonly #bases: ReadonlyMap<BaseFuture<unknown>, number>
  /** Those that have not told yet that they are done. */
  readonly #open: Set<BaseFuture<unknown>>
  readonly #clock: Clock
  readonly #onSettled: (future: BaseFuture<unknown>, index: number) => void
  #timer: unknown
  #isClosed = false

  constructor(
    futures: Iterable<F>,
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
    const seen = new Set<F>()
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

  /** Lends the slots of a body that waits for those that are left. */
  lend(howLong: HowLong): (goOn: () => void) => void {
    return beginWait(this.#open, this.#timer === undefined ? howLong : 'in time')
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
export function wait<F extends TaskFuture<unknown>>(
  futures: Iterable<F>,
  options: WaitOptions = {},
): Promise<WaitResult<F>> {
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
    const resume = group.lend(returnWhen === 'ALL_COMPLETED' ? 'for all' : 'for any')
    finish = () => {
      finish = () => {}
      group.close()
      resume(() => resolve(split(group.futures)))
    }
    if (missing === 0) finish()
    else group.observe()
  })
}

function split<F extends TaskFuture<unknown>>(futures: readonly F[]): WaitResult<F> {
  const done = new Set<F>()
  const notDone = new Set<F>()
  for (const future of futures) (future.done() ? done : notDone).add(future)
  return { done, notDone }
}

/**
 * The futures as they are done, those first that are done already; each once, failed and cancelled ones too. With the
 * index of each, never bare: `for await` would unwrap it.
 * The iteration throws `TimeoutError` when the time, counted from this call, is over and futures are not done.
 */
export function asCompleted<F extends TaskFuture<unknown>>(
  futures: Iterable<F>,
  options: TimeoutOptions = {},
): AsyncIterableIterator<Completed<F>> {
  return new Completions(futures, timeoutOf('asCompleted', options))
}

class Completions<F extends TaskFuture<unknown>> implements AsyncIterableIterator<Completed<F>> {
  readonly #group: Group<F>
  readonly #finished: Completed<F>[] = []
  #given = 0
  #isOver = false
  #timedOut = false
  #waiting: (() => void)[] = []

  constructor(futures: Iterable<F>, timeout: number | undefined) {
    this.#group = new Group(
      futures,
      timeout,
      'asCompleted',
      (_, index) => {
        this.#finished.push({ future: this.#group.futures[index] as F, index })
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

  async next(): Promise<IteratorResult<Completed<F>>> {
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
      const resume = this.#group.lend('for any')
      this.#waiting.push(() => resume(resolve))
    })
  }

  /** All calls of `next` look again, in order. */
  #tell(): void {
    for (const goOn of this.#waiting.splice(0)) goOn()
  }

  async return(): Promise<IteratorResult<Completed<F>>> {
    this.#isOver = true
    this.#group.close()
    this.#tell()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
