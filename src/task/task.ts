import { NotShippableError } from '../errors.ts'
import { describe } from '../options.ts'
import { type LazyPositions, lazyArguments } from '../transformer/lazy.ts'
import type { Settled } from './inputs.ts'
import {
  type CallOptions,
  checkCallOptions,
  checkTaskOptions,
  labelWeights,
  type RetryPolicy,
  retryPolicy,
  type TaskOptions,
} from './task-options.ts'
import { callerModule, register, type TaskRef } from './task-ref.ts'

// biome-ignore lint/suspicious/noExplicitAny: any function can be a task
type AnyFunction = (...args: any[]) => any

/** A function that an engine can run. Called directly, it is the plain function. */
export interface Task<A extends readonly unknown[], R> {
  /** Runs the plain function here and now. */
  (...args: A): R
  /** How another process finds it. */
  readonly ref: TaskRef
  /** As they were given; frozen. */
  readonly options: TaskOptions
  /** The same task with other options for this call. */
  with(options: CallOptions): Task<A, R>
}

/** A method decorator: `@task() static load(…) {…}`. */
export type TaskDecorator = <This, A extends unknown[], R>(
  method: (this: This, ...args: A) => R,
  context: ClassMethodDecoratorContext<This, (this: This, ...args: A) => R>,
) => Task<A, R>

/** The function behind a task, with all that was derived from it: what a test replaces in one place. */
export interface Body {
  fn: AnyFunction
  /** The class of a static method. */
  owner: unknown
  /** Whether a test has replaced the function. */
  isMock?: boolean
  /** Of a function of another language, which is called with values only: what to say where it cannot run, here for one. */
  readonly foreign?: string
}

/** What an engine goes by when it runs a task: the options, checked and with their defaults. */
export interface TaskSpec {
  /** What to hand to an executor: the task, or a plain function as it came. */
  readonly fn: AnyFunction
  readonly body: Body
  readonly name: string
  readonly options: TaskOptions
  readonly priority: number
  readonly labels: Readonly<Record<string, number>> | undefined
  readonly timeout: number
  readonly retries: RetryPolicy | undefined
  readonly isSettling: boolean
  readonly lazy: LazyPositions
}

const SPEC = Symbol.for('taps-sdk.spec')
const plainFunctions = new WeakMap<AnyFunction, TaskSpec>()

/**
 * Declares a task. Declare it once, at the top level of a module of its own, which workers import: a declaration is kept for
 * the life of the process. A function that is made on the fly can be submitted as it is.
 *
 * @example
 * ```ts
 * const square = task(function square(x: number) { return x * x })
 * const load = task({ name: 'load', retries: 2, timeout: 5_000 }, async (url: string) => (await fetch(url)).text())
 * ```
 * @throws TypeError for what is no function, ConfigError for an unknown or wrong option
 */
export function task<A extends unknown[], R>(fn: (...args: A) => R): Task<A, R>
/** Declares a task whose function is given the outcomes of its parents, failures and cancellations too. */
export function task<A extends unknown[], R>(
  options: TaskOptions & { readonly onParentFailure: 'settle' },
  fn: (...args: A) => R,
): Task<{ [I in keyof A]: Settled<A[I]> }, R>
/** Declares a task with options. */
export function task<A extends unknown[], R>(options: TaskOptions, fn: (...args: A) => R): Task<A, R>
/** Declares a static method as a task, as a standard decorator. */
export function task(options?: TaskOptions): TaskDecorator
export function task(...given: readonly unknown[]): unknown {
  const [first, second] = given
  const fn = typeof first === 'function' ? first : second
  if (first !== undefined && typeof first !== 'function' && (typeof first !== 'object' || first === null)) {
    throw new TypeError(`task takes a function, or options and a function, not ${describe(first)}`)
  }
  if (typeof first === 'function' && typeof second === 'object' && second !== null) {
    throw new TypeError(
      'addInitializer' in second
        ? 'As a decorator, task needs its parentheses: @task()'
        : 'task takes its options before the function: task(options, fn)',
    )
  }
  const options: unknown = typeof first === 'function' ? {} : (first ?? {})
  checkTaskOptions(options)
  if (given.length < 2 && fn === undefined) return decorator(options, options.module ?? callerModule([import.meta.url]))
  if (typeof fn !== 'function') throw new TypeError(`task takes a function, not ${describe(fn)}`)
  return declareTask(
    { fn: fn as AnyFunction, owner: undefined },
    options,
    options.module ?? callerModule([import.meta.url]),
  )
}

function decorator(options: TaskOptions, module: string): TaskDecorator {
  return ((method: AnyFunction, context: ClassMethodDecoratorContext) => {
    if (typeof method !== 'function' || context?.kind !== 'method' || !context.static || context.private) {
      throw new TypeError(
        `@task() is for public static methods; ${String(context?.name ?? 'this')} is none. Wrap the function instead: task(fn)`,
      )
    }
    const body: Body = { fn: method, owner: undefined }
    context.addInitializer(function (this: unknown) {
      body.owner = this
    })
    return declareTask(body, { name: String(context.name), ...options }, module)
  }) as TaskDecorator
}

function declareTask(body: Body, options: TaskOptions, module: string): Task<unknown[], unknown> {
  const name = options.name ?? (body.fn.name === '' ? 'anonymous' : body.fn.name)
  const spec = makeSpec(body, name, options)
  const ref = register(spec.fn, name, module)
  return makeTask(spec, ref)
}

/**
 * A task that stands for a function of another language. It is entered nowhere: whoever runs it finds it by its reference.
 * @param foreign - what to say where it cannot run
 */
export function foreignTask(ref: TaskRef, options: TaskOptions, foreign: string): Task<unknown[], unknown> {
  checkTaskOptions(options)
  const refuse = (): never => {
    throw new NotShippableError(foreign)
  }
  return makeTask(makeSpec({ fn: refuse, owner: undefined, foreign }, options.name ?? ref.name, options), ref)
}

/** The callable of a spec. Its properties cannot be changed, since calls that wait go by them. */
function makeTask(spec: TaskSpec, ref: TaskRef): Task<unknown[], unknown> {
  const { options } = spec
  const callable = spec.fn
  Object.defineProperties(callable, {
    [SPEC]: { value: spec },
    name: { value: spec.name, configurable: true },
    length: { value: spec.body.fn.length, configurable: true },
    ref: { value: Object.freeze(ref), enumerable: true },
    options: { value: Object.freeze({ ...options }), enumerable: true },
    with: {
      value: (more: CallOptions) => {
        checkCallOptions(more)
        return makeTask(makeSpec(spec.body, spec.name, { ...options, ...more }), ref)
      },
    },
  })
  return callable as Task<unknown[], unknown>
}

function makeSpec(
  body: Body,
  name: string,
  options: TaskOptions,
  fn: AnyFunction = caller(body, options.lazy),
): TaskSpec {
  return {
    fn,
    body,
    name,
    options,
    priority: options.priority ?? 0,
    labels: labelWeights(options.labels),
    timeout: options.timeout ?? Infinity,
    retries: retryPolicy(options.retries),
    isSettling: options.onParentFailure === 'settle',
    lazy: options.lazy,
  }
}

function caller(body: Body, lazy: LazyPositions): AnyFunction {
  return function (this: unknown, ...args: unknown[]) {
    return body.fn.apply(body.owner ?? this, lazyArguments(args, lazy) as unknown[])
  }
}

/** Whether a function was declared with `task()`, by whichever copy of this library. */
export function isTask(fn: unknown): fn is Task<unknown[], unknown> {
  return typeof fn === 'function' && (fn as { [SPEC]?: TaskSpec })[SPEC] !== undefined
}

/** What to go by for a task or a plain function, which is remembered. */
export function specOf(fn: unknown): TaskSpec {
  if (typeof fn !== 'function') throw new TypeError(`submit takes a task or a function, not ${describe(fn)}`)
  const spec = (fn as { [SPEC]?: TaskSpec })[SPEC] ?? plainFunctions.get(fn as AnyFunction)
  return spec ?? rememberPlain(fn as AnyFunction)
}

const handedOver = new WeakMap<TaskSpec, TaskSpec>()

/**
 * What to go by for a call that another engine hands over: without what that one sees to itself. Else a task that names an
 * executor would ask for it again, and retries would be multiplied.
 */
export function specOfHandedOver(fn: unknown): TaskSpec {
  const spec = specOf(fn)
  const { executor, retries, signal, ...options } = spec.options
  if ((executor ?? retries ?? signal) === undefined) return spec
  let bare = handedOver.get(spec)
  if (bare === undefined) {
    bare = makeSpec(spec.body, spec.name, options)
    makeTask(bare, (spec.fn as unknown as Task<unknown[], unknown>).ref)
    handedOver.set(spec, bare)
  }
  return bare
}

function rememberPlain(fn: AnyFunction): TaskSpec {
  const body: Body = { fn, owner: undefined }
  const spec = makeSpec(body, fn.name === '' ? 'anonymous' : fn.name, {}, fn)
  plainFunctions.set(fn, spec)
  return spec
}
