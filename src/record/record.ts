/**
 * The life of a task: `waiting` for parents or for a retry, `ready` to run, `running` (also while a result that is a
 * future is joined); final are `succeeded`, `failed`, `blocked` (a parent failed, it never ran) and `cancelled`.
 */
export type TaskStatus = 'waiting' | 'ready' | 'running' | 'succeeded' | 'failed' | 'blocked' | 'cancelled'

/** What a task failed with, as it is written down. */
export interface ExceptionInfo {
  /** The class of the error. */
  readonly type: string
  /** Its message; of what is no error, the value as text. */
  readonly message: string
  /** The stack, where there is one. */
  readonly traceback: string
}

/** When the parts of an execution began and ended: milliseconds since the epoch, measured where the task ran. */
export interface ExecutionInfo {
  /** The machine. */
  readonly hostname: string
  /** All of it began. */
  readonly executionStartTime: number
  /** All of it ended. */
  readonly executionEndTime: number
  /** The body began. */
  readonly taskStartTime: number
  /** The body ended. */
  readonly taskEndTime: number
  /** Resolving the arguments began. */
  readonly inputTransformStartTime: number
  /** Resolving the arguments ended. */
  readonly inputTransformEndTime: number
  /** Transforming the result began. */
  readonly resultTransformStartTime: number
  /** Transforming the result ended. */
  readonly resultTransformEndTime: number
}

/** Where the time of a task went, in milliseconds; all attempts together. */
export interface TaskTimes {
  /** For parents, or for the delay before a retry. */
  readonly waitingMs: number
  /** Ready, for a free slot, worker or limit. */
  readonly queuedMs: number
  /** To a worker and back. */
  readonly transferMs: number
  /** In the body. */
  readonly runMs: number
}

/** What is known of a task; complete, as its record, once the task is done. */
export interface TaskInfo {
  /** Unique, and sortable by the order of submission. */
  readonly taskId: string
  /** The name of the task. */
  readonly name: string
  /** The tasks whose futures are among the arguments; each once. */
  readonly parentTaskIds: readonly string[]
  /** When it was submitted: milliseconds since the epoch. */
  readonly submitTime: number
  /** When its outcome was known; `null` until then. */
  readonly receivedTime: number | null
  /** `null` until it is done. */
  readonly success: boolean | null
  /** What it failed with; `null` unless it failed, was blocked or cancelled. */
  readonly exception: ExceptionInfo | null
  /** `null` unless it succeeded, as in TaPS; `times` is there for failed ones too. */
  readonly execution: ExecutionInfo | null
  /** How far it is. */
  readonly status: TaskStatus
  /** How often its body was started. */
  readonly attempts: number
  /** Where its time went. */
  readonly times: TaskTimes
  /** The name of the executor that it is for. */
  readonly executor: string
  /** The machine that its last attempt ran on; `null` before it began, or, of a worker, before it has answered. */
  readonly host: string | null
  /** The worker there, such as `process 4711` or `thread 3`; `null` where the executor has none, or names none. */
  readonly worker: string | null
  /** Weights by label. */
  readonly labels: Readonly<Record<string, number>>
  /** Bytes moved by reference. */
  readonly bytes: number
}

/** Writes down what is known of each task after it ended. */
export interface RecordLogger {
  /**
   * Called once for every submitted task, also a cancelled or blocked one, as it settles and before anybody who awaits
   * it goes on. What it throws, or a promise that it returns rejects with, is reported as a `warning` and changes nothing.
   */
  log(record: TaskInfo): unknown
  /** Called once, when the engine has shut down. Everything is written when it returns, or when its promise is fulfilled. */
  close?(): unknown
}
