/** How an error is taken apart and made again. */
import { types } from 'node:util'
import * as ownErrors from '../errors.ts'
import { customClass, customErrorClass } from './custom-classes.ts'
import { className } from './describe.ts'
import type { ErrorContent, Part } from './packet.ts'
import { shared } from './shared.ts'

type ErrorClass = new (message?: string, name?: string) => Error
type ErrorPart = Extract<Part, readonly [kind: 'error', ...unknown[]]>

const BUILT_IN: Readonly<Record<string, ErrorClass>> = {
  Error,
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
  EvalError,
  URIError,
  AggregateError: AggregateError as unknown as ErrorClass,
  DOMException: DOMException as unknown as ErrorClass,
}

/** This library's classes, by their codes. An error of another copy of this library is told by name and code. */
const OWN: Readonly<Record<ownErrors.TapsErrorCode, keyof typeof ownErrors>> = {
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

/** Own or inherited, these are kept even if they are not enumerable. */
const HIDDEN = ['code', 'cause', 'errors']
/** Every error has them: they are no properties of one error. */
const COMMON = new Set(['name', 'message', 'stack'])

/** What is said of an error at once; see {@link errorContent} for the rest. Never throws. */
export function errorPart(error: object): ErrorPart {
  const type = builtInType(error)
  const identifier = attempt(() => (Object.hasOwn(BUILT_IN, className(error)) ? undefined : customErrorClass(error)))
  return ['error', type, nameOf(error, type), textOf(error, 'message'), textOf(error, 'stack'), identifier]
}

/** The properties of an error. One that cannot be read is described. Never throws. */
export function errorContent(error: object): ErrorContent {
  return { shown: shownProperties(error), hidden: hiddenProperties(error) }
}

function shownProperties(error: object): object {
  const shown = {}
  for (const key of attempt(() => Object.keys(error)) ?? [])
    if (!COMMON.has(key)) define(shown, key, read(error, key), true)
  return shown
}

function hiddenProperties(error: object): object {
  const hidden = {}
  for (const key of HIDDEN) {
    const isShown = attempt(() => Object.prototype.propertyIsEnumerable.call(error, key))
    if (isShown || isDomException(error)) continue
    const value = read(error, key)
    if (value !== undefined) define(hidden, key, value, true)
  }
  return hidden
}

/** The nearest class that the other side has too. */
function builtInType(error: object): string {
  return attempt(() => ownType(error) ?? nearestBuiltIn(error)) ?? 'Error'
}

function ownType(error: object): string | undefined {
  if (
    !prototypes(error).some(
      (prototype) => Object.hasOwn(prototype, 'name') && textOf(prototype, 'name') === 'TapsError',
    )
  )
    return undefined
  return OWN[(error as ownErrors.TapsError).code] ?? 'TapsError'
}

function nearestBuiltIn(error: object): string {
  if (isDomException(error)) return 'DOMException'
  const names = prototypes(error).map(className)
  return names.find((name) => Object.hasOwn(BUILT_IN, name)) ?? 'Error'
}

function isDomException(error: object): boolean {
  return attempt(() => error instanceof DOMException) ?? false
}

function prototypes(object: object): object[] {
  const chain: object[] = []
  for (
    let at: object | null = Object.getPrototypeOf(object);
    at !== null && chain.length < 100;
    at = Object.getPrototypeOf(at)
  )
    chain.push(at)
  return chain
}

/** A class that forgot to set the name of its errors is known by its own name. */
function nameOf(error: object, type: string): string {
  const name = textOf(error, 'name')
  const ownName = className(error)
  return name === type || name === '' ? ownName : name
}

function textOf(error: object, key: string): string {
  const value = read(error, key)
  return typeof value === 'string' ? value : (attempt(() => (value === undefined ? '' : String(value))) ?? UNREADABLE)
}

const UNREADABLE = '(cannot be read)'

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

/** The error of a part, without its properties. */
export function makeError([, type, name, message, stack, identifier]: ErrorPart): Error {
  const error = type === 'DOMException' ? new DOMException(message, name) : bareError(classOf(type))
  const registered = identifier === undefined ? undefined : customClass(identifier)
  if (typeof registered === 'function') Object.setPrototypeOf(error, registered.prototype as object)
  if (error.message !== message) define(error, 'message', message, false)
  if (error.name !== name) define(error, 'name', name, false)
  define(error, 'stack', stack, false)
  return error
}

/** Not by the constructors of this library: they make messages of their own. */
function bareError(errorClass: ErrorClass): Error {
  return ownErrors.withoutStack(() => Reflect.construct(Error, [], errorClass) as Error)
}

function classOf(type: string): ErrorClass {
  const ownClasses = shared().errorClasses ?? ownErrors
  const candidates: Readonly<Record<string, unknown>> = Object.hasOwn(BUILT_IN, type)
    ? BUILT_IN
    : (ownClasses as Readonly<Record<string, unknown>>)
  const found = candidates[type]
  return isErrorClass(found) ? found : Error
}

function isErrorClass(value: unknown): value is ErrorClass {
  return (typeof value === 'function' && value.prototype instanceof Error) || value === Error
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

/** Whether a failure can be told as an error. */
export function isError(value: unknown): value is Error {
  return types.isNativeError(value) || ownErrors.isInstance(value, Error)
}
