/** The codes of this library's errors, to branch on. Each belongs to one class, but for `ILLEGAL_STATE` and `JOIN_CYCLE`, which are plain `TapsError`s. */
export type TapsErrorCode =
  | 'BOOTSTRAP'
  | 'CANCELLED'
  | 'CONFIG'
  | 'DEPENDENCY_FAILED'
  | 'EXECUTOR_SHUTDOWN'
  | 'ILLEGAL_STATE'
  | 'JOIN_CYCLE'
  | 'MISSING_PEER'
  | 'NOT_SHIPPABLE'
  | 'SERIALIZATION'
  | 'TASK_NOT_FOUND'
  | 'TIMEOUT'
  | 'TRANSFORM'
  | 'WORKER_CRASHED'

/** The base of every error this library makes: a `code` to branch on, and a `cause` wherever there is one. */
export class TapsError extends Error {
  /** What kind of error it is; stable, unlike the message. */
  readonly code: TapsErrorCode

  constructor(code: TapsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Like `instanceof`, which throws for what cannot be asked: a revoked proxy may be thrown too. */
export function isInstance<E extends Error>(
  error: unknown,
  errorClass: abstract new (...args: never[]) => E,
): error is E {
  try {
    return error instanceof errorClass
  } catch {
    return false
  }
}

/** What an error says: of anything that was thrown, also of what cannot be asked. */
export function messageOf(error: unknown): string {
  try {
    return String(isInstance(error, Error) ? error.message : error)
  } catch {
    return 'an error that cannot be read'
  }
}

/** For an error of a cascade: its stack would be that of the engine, which says nothing and costs much. */
export function withoutStack<E extends Error>(make: () => E): E {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return make()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** A task as it is named in an error: `id` is empty for what is no task of an engine, such as a foreign promise. */
export interface TaskName {
  /** The task id, as in the record. */
  readonly id: string
  /** The name of the task. */
  readonly name: string
}

/** The task never ran, because a parent failed. */
export class DependencyError extends TapsError {
  /**
   * The way from this task (first) up to the one that failed (last). Longer ones are shortened in the middle, where
   * one entry with an empty `id` says how many are left out.
   */
  readonly path: readonly TaskName[]

  /** @param cause - what the task at the end of the path failed with: the original object */
  constructor(path: readonly TaskName[], cause: unknown) {
    super('DEPENDENCY_FAILED', `Not run, because a parent failed: ${path.map((task) => task.name).join(' <- ')}`, {
      cause,
    })
    this.path = path
  }
}

/** The task was cancelled. What was given to `cancel(reason)` is the `cause`. */
export class CancelledError extends TapsError {
  constructor(message = 'The task was cancelled', options?: ErrorOptions) {
    super('CANCELLED', message, options)
  }
}

/** A time limit has passed: a task's own `timeout`, or the one of a call that waits. */
export class TimeoutError extends TapsError {
  constructor(message: string, options?: ErrorOptions) {
    super('TIMEOUT', message, options)
  }
}

/** The engine or the executor takes no more tasks. */
export class ExecutorShutdownError extends TapsError {
  constructor(message = 'cannot schedule new futures after shutdown', options?: ErrorOptions) {
    super('EXECUTOR_SHUTDOWN', message, options)
  }
}

/** The function cannot leave this process: a closure, a bound or an unregistered function. */
export class NotShippableError extends TapsError {
  constructor(message: string, options?: ErrorOptions) {
    super('NOT_SHIPPABLE', message, options)
  }
}

/** A worker imported the module of a task, and the task was not in it; or the import failed. */
export class TaskNotFoundError extends TapsError {
  constructor(message: string, options?: ErrorOptions) {
    super('TASK_NOT_FOUND', message, options)
  }
}

/** Workers were started while a worker imports a module. */
export class BootstrapError extends TapsError {
  constructor(message: string, options?: ErrorOptions) {
    super('BOOTSTRAP', message, options)
  }
}

/** The worker that ran the task ended without an answer. */
export class WorkerCrashedError extends TapsError {
  /** What became of earlier attempts, a line for each: of the last 20, the oldest first. Empty if this was the only one. */
  readonly history: readonly string[]

  constructor(
    message: string,
    { history = [], ...options }: ErrorOptions & { readonly history?: readonly string[] } = {},
  ) {
    super('WORKER_CRASHED', message, options)
    this.history = history
  }
}

/** A value cannot travel. The message has the path to it. */
export class SerializationError extends TapsError {
  constructor(message: string, options?: ErrorOptions) {
    super('SERIALIZATION', message, options)
  }
}

/** A value could not be transformed into an identifier, or an identifier not resolved. */
export class TransformError extends TapsError {
  constructor(message: string, options?: ErrorOptions) {
    super('TRANSFORM', message, options)
  }
}

/** An option is wrong. Thrown at once; the message names the option and what it takes. */
export class ConfigError extends TapsError {
  constructor(message: string, options?: ErrorOptions) {
    super('CONFIG', message, options)
  }
}

/** An optional package is not installed. The message says which one to install. */
export class MissingPeerError extends TapsError {
  constructor(message: string, options?: ErrorOptions) {
    super('MISSING_PEER', message, options)
  }
}

// On the prototypes, so that the first line of `stack` has the name too; spelt out, because minifiers rename classes.
const classes = {
  TapsError,
  DependencyError,
  CancelledError,
  TimeoutError,
  ExecutorShutdownError,
  NotShippableError,
  TaskNotFoundError,
  BootstrapError,
  WorkerCrashedError,
  SerializationError,
  TransformError,
  ConfigError,
  MissingPeerError,
}
for (const [name, { prototype }] of Object.entries(classes))
  Object.defineProperty(prototype, 'name', { value: name, configurable: true, writable: true })
