import type { FUTURE, TaskFuture } from '../future/task-future.ts'
import type { Lazy } from '../transformer/lazy.ts'

/** What is never searched for futures, in types as at run time. */
export type Atom =
  | string
  | number
  | bigint
  | boolean
  | symbol
  | null
  | undefined
  | Date
  | RegExp
  | URL
  | Error
  | ArrayBuffer
  | SharedArrayBuffer
  | ArrayBufferView
  // biome-ignore lint/suspicious/noExplicitAny: every function
  | ((...args: any[]) => unknown)

/** One level deeper. Recursive types (`Json`) never end without a counter. */
export type Deeper<Depth extends 0[]> = [...Depth, 0]

/**
 * What stands where a task wants a `T`: the value, a future or a promise of it, and the same inside of arrays, tuples,
 * plain objects, Maps and Sets (5 levels in the types, any depth at run time); for a `Lazy` parameter, what it is made of.
 */
export type Input<T, Depth extends 0[] = []> =
  | T
  | TaskFuture<T>
  | PromiseLike<T>
  | LazyInput<T>
  | (Depth['length'] extends 5 ? never : NestedInput<T, Deeper<Depth>>)

/** A task that takes a lazy value is submitted with the value, or a future of it. */
export type LazyInput<T> = [T] extends [Lazy<infer V>] ? V | TaskFuture<V> | PromiseLike<V> : never

/** The inside of a value of {@link Input}. */
export type NestedInput<T, Depth extends 0[]> = T extends Atom | { readonly [FUTURE]: true } | Lazy<unknown>
  ? never
  : T extends ReadonlyMap<infer K, infer V>
    ? ReadonlyMap<Input<K, Depth>, Input<V, Depth>>
    : T extends ReadonlySet<infer V>
      ? ReadonlySet<Input<V, Depth>>
      : T extends object
        ? { [K in keyof T]: Input<T[K], Depth> }
        : never

/** The arguments of `submit` for a task with the parameters `A`. */
export type Inputs<A extends readonly unknown[]> = { [I in keyof A]: Input<A[I]> }

/** What a future of a task resolves to that returns `R`: awaited, and with the futures of a top-level array resolved. */
export type Joined<R> =
  Awaited<R> extends infer V
    ? V extends readonly unknown[]
      ? { [K in keyof V]: V[K] extends TaskFuture<infer U> ? U : V[K] }
      : V
    : never

/** A parameter of a task with `onParentFailure: 'settle'`: a future stands for its own outcome. */
export type Settled<T, Depth extends 0[] = []> =
  // One member of the union at a time: a rejected outcome says nothing of the type of the value.
  T extends PromiseFulfilledResult<infer V>
    ? T | TaskFuture<V>
    : T extends PromiseRejectedResult | Atom | { readonly [FUTURE]: true }
      ? T
      : Depth['length'] extends 5
        ? T
        : SettledInside<T, Deeper<Depth>>

/** The inside of a value of {@link Settled}. */
export type SettledInside<T, Depth extends 0[]> =
  T extends ReadonlyMap<infer K, infer V>
    ? T | ReadonlyMap<Settled<K, Depth>, Settled<V, Depth>>
    : T extends ReadonlySet<infer V>
      ? T | ReadonlySet<Settled<V, Depth>>
      : T extends object
        ? { [K in keyof T]: Settled<T[K], Depth> }
        : T
