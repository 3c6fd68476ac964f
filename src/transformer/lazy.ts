import { type Step, walk, whenThere } from '../future/reference.ts'

/** The brand of lazy values, in every copy of this library that a program may have loaded. */
export const LAZY: unique symbol = Symbol.for('taps-sdk.Lazy') as never

/**
 * A value that a task takes without waiting for it, and gets when it needs it: a parameter of this type, and the option
 * `lazy` of the task, in which its position stands. Passed on to another task, or returned, it moves no data.
 *
 * @example
 * ```ts
 * export const head = task({ lazy: [0] }, async (text: Lazy<string>, wanted: boolean) =>
 *   wanted ? (await text.get()).slice(0, 100) : '')
 * engine.submit(head, longText, true)
 * ```
 */
export interface Lazy<T> {
  /** The brand. */
  readonly [LAZY]: true
  /** The value. The first call begins to fetch it, unless it is there already. Rejects with `TransformError`. */
  get(): Promise<T>
}

export class LazyValue<T> implements Lazy<T> {
  /** Undefined for a value that was at hand. */
  readonly identifier: unknown
  readonly path: readonly Step[]
  readonly #fetch: () => unknown
  #value: Promise<T> | undefined

  constructor(fetch: () => unknown, identifier?: unknown, path: readonly Step[] = []) {
    this.#fetch = fetch
    this.identifier = identifier
    this.path = path
  }

  get [LAZY](): true {
    return true
  }

  get(): Promise<T> {
    this.#value ??= this.#get()
    return this.#value
  }

  /** Begins to fetch it. A failure is told to who gets it. */
  start(): this {
    this.get().catch(() => {})
    return this
  }

  async #get(): Promise<T> {
    return walk(await this.#fetch(), this.path) as T
  }
}

/** Whether a value is a lazy one, of whichever copy of this library. */
export function isLazy(value: unknown): value is Lazy<unknown> {
  try {
    return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[LAZY] === true
  } catch {
    return false
  }
}

/** A value that is at hand as a lazy one: to call a task with the option `lazy` directly. */
export function lazy<T>(value: T): Lazy<T> {
  return new LazyValue<T>(() => value)
}

/** What a lazy value stands for, or the value itself. */
export function extract(value: unknown): unknown {
  return whenThere(value, (there) => (isLazy(there) ? there.get() : there))
}

/** The positions of the arguments that a task takes as lazy ones; `true` for all. */
export type LazyPositions = true | readonly number[] | undefined

/** Arguments as a task takes them: values that were at hand become lazy ones too. */
export function lazyArguments(args: readonly unknown[], positions: LazyPositions): readonly unknown[] {
  if (positions === undefined) return args
  return args.map((arg, i) => (isLazyAt(positions, i) && !isLazy(arg) ? lazy(arg) : arg))
}

/** Whether an argument is to be lazy. */
export function isLazyAt(positions: LazyPositions, index: number): boolean {
  return positions === true || positions?.includes(index) === true
}
