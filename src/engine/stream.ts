import type { BaseFuture } from '../future/future.ts'
import { toBase } from '../future/future-list.ts'
import { isThenable } from '../future/task-future.ts'
import { checkOptions, describe, isSignal } from '../options.ts'
import { beginWait } from '../task/task-context.ts'
import type { Scheduler } from './scheduler.ts'

/** Options of `Engine.stream`. */
export interface StreamOptions {
  /** How many results may be on their way, or wait to be read. @defaultValue twice the slots of the executor; 64 if it has no limit */
  readonly window?: number | undefined
  /** Whether results come in the order of the source, or as they are done. @defaultValue true */
  readonly ordered?: boolean | undefined
  /** Cancels the rest when it is aborted, and ends the iteration with its reason. */
  readonly signal?: AbortSignal | undefined
}

/** The window over an executor that has no limit of its own. */
const DEFAULT_WINDOW = 64

type Source = Iterable<unknown> | AsyncIterable<unknown>

/** Checks at once, and starts with the first `next`. */
export function streamOf(
  scheduler: Scheduler,
  fn: unknown,
  source: Source,
  options: StreamOptions,
): AsyncIterableIterator<unknown> {
  checkOptions('stream', options, {
    window: (value) => (Number.isInteger(value) && (value as number) >= 1 ? undefined : 'a whole number of at least 1'),
    ordered: (value) => (typeof value === 'boolean' ? undefined : 'true or false'),
    signal: (value) => (isSignal(value) ? undefined : 'an AbortSignal'),
  })
  const { [Symbol.asyncIterator]: async, [Symbol.iterator]: sync } = (source ?? {}) as Partial<
    AsyncIterable<unknown> & Iterable<unknown>
  >
  if (typeof async !== 'function' && typeof sync !== 'function')
    throw new TypeError(`stream takes an iterable, not ${describe(source)}`)
  const slots = scheduler.slotsOf(fn)
  const window = options.window ?? (Number.isFinite(slots) ? 2 * slots : DEFAULT_WINDOW)
  return new Stream((item) => scheduler.submit(fn, [item]), source, window, options)
}

class Stream implements AsyncIterableIterator<unknown> {
  readonly #submit: (item: unknown) => BaseFuture<unknown>
  readonly #source: Source
  readonly #window: number
  readonly #isOrdered: boolean
  readonly #signal: AbortSignal | undefined
  #iterator: Iterator<unknown> | AsyncIterator<unknown> | undefined
  /** In the order of the source. */
  readonly #flying: Set<BaseFuture<unknown>> = new Set()
  /** Unordered: what is done, and was not read. */
  readonly #landed: BaseFuture<unknown>[] = []
  #isPulling = false
  #isExhausted = false
  #sourceFailure: { readonly error: unknown } | undefined
  #isOver = false
  #wake: (() => void) | undefined
  /** One `next` after the other, as in a generator. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(submit: (item: unknown) => BaseFuture<unknown>, source: Source, window: number, options: StreamOptions) {
    this.#submit = submit
    this.#source = source
    this.#window = window
    this.#isOrdered = options.ordered ?? true
    this.#signal = options.signal
  }

  next(): Promise<IteratorResult<unknown>> {
    const result = this.#last.then(() => this.#next())
    this.#last = result.catch(() => {})
    return result
  }

  async return(): Promise<IteratorResult<unknown>> {
    this.#close()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async #next(): Promise<IteratorResult<unknown>> {
    if (this.#isOver) return { done: true, value: undefined }
    try {
      this.#open()
      const next = await this.#nextFuture()
      if (next === undefined) {
        this.#close()
        return { done: true, value: undefined }
      }
      const value = await next.future
      this.#pull()
      return { done: false, value }
    } catch (error) {
      this.#close()
      throw error
    }
  }

  #open(): void {
    this.#signal?.throwIfAborted()
    if (this.#iterator === undefined) {
      const { [Symbol.asyncIterator]: async } = this.#source as Partial<AsyncIterable<unknown>>
      this.#iterator =
        typeof async === 'function' ? async.call(this.#source) : (this.#source as Iterable<unknown>)[Symbol.iterator]()
      this.#signal?.addEventListener('abort', this.#onAbort, { once: true })
    }
    this.#pull()
  }

  readonly #onAbort = (): void => {
    this.#wake?.()
    for (const future of this.#flying) future.cancel(this.#signal?.reason)
  }

  /** The next one that is done, never bare: a promise would unwrap it. Undefined at the end. Throws what the source threw, after all that came before it. */
  async #nextFuture(): Promise<{ readonly future: BaseFuture<unknown> } | undefined> {
    for (;;) {
      if (this.#isOver) return undefined
      this.#signal?.throwIfAborted()
      const [first] = this.#isOrdered ? this.#flying : this.#landed
      if (first?.done()) {
        this.#flying.delete(first)
        if (!this.#isOrdered) this.#landed.shift()
        return { future: first }
      }
      if (this.#flying.size === 0 && this.#landed.length === 0) {
        if (this.#sourceFailure !== undefined) throw this.#sourceFailure.error
        if (this.#isExhausted) return undefined
      }
      await this.#news()
    }
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      const goOn = beginWait(this.#flying, 'for any')
      this.#wake = () => {
        this.#wake = undefined
        goOn(resolve)
      }
    })
  }

  /** Submits items while there is room in the window. */
  #pull(): void {
    if (this.#isPulling) return
    this.#isPulling = true
    try {
      while (this.#hasRoom()) {
        const step: unknown = (this.#iterator as Iterator<unknown>).next()
        if (isThenable(step)) {
          // Goes on by itself: results are read while the source takes its time.
          void Promise.resolve(step)
            .then((result) => this.#take(result as IteratorResult<unknown>))
            .then(
              () => this.#pullOn(),
              (error) => this.#failSource(error),
            )
          return
        }
        this.#take(step as IteratorResult<unknown>)
      }
      this.#isPulling = false
    } catch (error) {
      this.#failSource(error)
    }
  }

  #pullOn(): void {
    this.#isPulling = false
    this.#pull()
  }

  #hasRoom(): boolean {
    return !this.#isExhausted && !this.#isOver && this.#flying.size + this.#landed.length < this.#window
  }

  #take(result: IteratorResult<unknown>): void {
    if (this.#isOver) return
    if (result.done) {
      this.#isExhausted = true
      this.#wake?.()
      return
    }
    const future = toBase(this.#submit(result.value))
    this.#flying.add(future)
    future.observe({ settled: () => this.#land(future) })
  }

  #land(future: BaseFuture<unknown>): void {
    if (!this.#isOrdered && this.#flying.delete(future)) this.#landed.push(future)
    this.#wake?.()
  }

  #failSource(error: unknown): void {
    this.#isExhausted = true
    this.#isPulling = false
    this.#sourceFailure = { error }
    this.#wake?.()
  }

  #close(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#signal?.removeEventListener('abort', this.#onAbort)
    for (const future of [...this.#flying]) future.cancel(new Error('The stream has ended'))
    this.#flying.clear()
    if (!this.#isExhausted) this.#returnSource()
    this.#isExhausted = true
    this.#wake?.()
  }

  /** Not awaited: a source that hangs must not hold up who leaves the loop. */
  #returnSource(): void {
    Promise.resolve()
      .then(() => (this.#iterator as AsyncIterator<unknown> | undefined)?.return?.())
      .catch(() => {})
  }
}
