/** How an error is taken apart and made again. */
import * as errors from '../errors.ts'
import { shared } from '../shared.ts'
import { type Custom, classOf, identifierOf, transformCustom } from './custom-classes.ts'
import { className, prototypes } from './describe.ts'
import type { ErrorContent, ErrorPart } from './packet.ts'

type ErrorClass = new (message?: string, name?: string) => Error

const BUILT_IN: Readonly<Record<string, unknown>> = {
  Error,
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
  EvalError,
  URIError,
  AggregateError,
  DOMException,
}

/** This library's classes, by their codes: the name of a class may be that of a user's class, or minified. */
const OWN: Readonly<Record<errors.TapsErrorCode, keyof typeof errors>> = {
  BOOTSTRAP: 'BootstrapError',
  CANCELLED: 'CancelledError',
  CONFIG: 'ConfigError',
  DEPENDENCY_FAILED: 'DependencyError',
  EXECUTOR_SHUTDOWN: 'ExecutorShutdownError',
  ILLEGAL_STATE: 'TapsError',
  JOIN_CYCLE: 'TapsError',
  MISSING_PEER: 'MissingPeerError',
  NOT_SHIPPABLE: 'NotShippableError',
  SERIALIZATION: 'SerializationError',
  TASK_NOT_FOUND: 'TaskNotFoundError',
  TIMEOUT: 'TimeoutError',
  TRANSFORM: 'TransformError',
  WORKER_CRASHED: 'WorkerCrashedError',
}

/** Every error has these: they are no properties of one error. */
export const COMMON: ReadonlySet<string> = new Set(['name', 'message', 'stack'])
/** Kept even if they are not enumerable, or inherited. */
const HIDDEN = ['code', 'cause', 'errors']
const UNREADABLE = '(cannot be read)'

/** What is said of an error at once; see {@link errorContent} for the rest. Never throws. */
export function errorPart(error: object): ErrorPart {
  const type = attempt(() => ownType(error) ?? builtInType(error)) ?? 'Error'
  const identifier = attempt(() => (isOfUsersClass(error) ? identifierOf(error) : undefined))
  return ['error', type, nameOf(error, type), textOf(error, 'message'), textOf(error, 'stack'), identifier ?? '']
}

/** The properties of an error. Never throws: one that cannot be read says so. */
export function errorContent(error: object): ErrorContent {
  return { shown: shownProperties(error), hidden: hiddenProperties(error) }
}

/** What stands for an error for which the user registered a transformer. */
export function customError(error: object): Custom | undefined {
  return attempt(() => (isOfUsersClass(error) ? transformCustom(error) : undefined))
}

/** Only then superjson may know it: to ask takes long, once. */
export function isOfUsersClass(error: object): boolean {
  return !Object.hasOwn(BUILT_IN, className(error)) && ownType(error) === undefined
}

/** The name of a class of this library, told by code, because a program may have several copies of it. */
function ownType(error: object): string | undefined {
  const isOwn = prototypes(error).some((it) => Object.hasOwn(it, 'name') && textOf(it, 'name') === 'TapsError')
  return isOwn ? (OWN[(error as errors.TapsError).code] ?? 'TapsError') : undefined
}

function builtInType(error: object): string {
  if (isDomException(error)) return 'DOMException'
  return (
    prototypes(error)
      .map(className)
      .find((name) => Object.hasOwn(BUILT_IN, name)) ?? 'Error'
  )
}

function isDomException(error: object): boolean {
  return attempt(() => error instanceof DOMException) ?? false
}

/** A class that does not name its errors is known by its own name; this library's may have got another from a bundler. */
function nameOf(error: object, type: string): string {
  const name = textOf(error, 'name')
  return Object.hasOwn(BUILT_IN, type) && (name === type || name === '') ? className(error) : name
}

function shownProperties(error: object): object {
  const shown = {}
  for (const key of attempt(() => Object.keys(error)) ?? []) {
    if (!COMMON.has(key)) define(shown, key, read(error, key), true)
  }
  return shown
}

function hiddenProperties(error: object): object {
  const hidden: Record<string, unknown> = {}
  if (isDomException(error)) return hidden
  for (const key of HIDDEN) {
    const isShown = attempt(() => Object.prototype.propertyIsEnumerable.call(error, key))
    const value = isShown ? undefined : read(error, key)
    if (value !== undefined) hidden[key] = value
  }
  return hidden
}

function textOf(error: object, key: string): string {
  const value = read(error, key)
  if (value === undefined) return ''
  return attempt(() => String(value)) ?? UNREADABLE
}

function read(object: object, key: string): unknown {
  try {
    return (object as Record<string, unknown>)[key]
  } catch {
    return UNREADABLE
  }
}

function attempt<R>(fn: () => R): R | undefined {
  try {
    return fn()
  } catch {
    return undefined
  }
}

/** The error of a part, still without its properties. */
export function makeError([, type, name, message, stack, identifier]: ErrorPart): Error {
  const error = type === 'DOMException' ? (new DOMException(message, name) as unknown as Error) : bareError(type)
  const usersClass = identifier === '' ? undefined : classOf(identifier)
  if (typeof usersClass === 'function') Object.setPrototypeOf(error, usersClass.prototype as object)
  if (error.message !== message) define(error, 'message', message, false)
  if (error.name !== name) define(error, 'name', name, false)
  define(error, 'stack', stack, false)
  return error
}

/** Not by the constructors of the classes: this library's make messages of their own. */
function bareError(type: string): Error {
  return errors.withoutStack(() => Reflect.construct(Error, [], errorClass(type)) as Error)
}

function errorClass(type: string): ErrorClass {
  const own: Readonly<Record<string, unknown>> = shared().errorClasses ?? errors
  const found = Object.hasOwn(BUILT_IN, type) ? BUILT_IN[type] : own[type]
  const isClass = typeof found === 'function' && (found === Error || found.prototype instanceof Error)
  return isClass ? (found as ErrorClass) : Error
}

/** Gives an error its properties. */
export function fillError(error: object, { shown, hidden }: ErrorContent): void {
  for (const [key, value] of Object.entries(shown)) define(error, key, value, true)
  for (const [key, value] of Object.entries(hidden)) define(error, key, value, false)
}

/** Not an assignment: `__proto__` is a name like any other here. */
export function define(object: object, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(object, key, { value, enumerable, writable: true, configurable: true })
}
