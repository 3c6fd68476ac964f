/**
 * The life of a task: `waiting` for parents or for a retry, `ready` to run, `running` (also while a result that is a
 * future is joined); final are `succeeded`, `failed`, `blocked` (a parent failed, it never ran) and `cancelled`.
 */
export type TaskStatus = 'waiting' | 'ready' | 'running' | 'succeeded' | 'failed' | 'blocked' | 'cancelled'

/** What a task failed with, as it is written down. */
export interface ExceptionInfo {
  /** The class of the error. */
  readonly type: string
  readonly message: string
  /** The stack, where there is one. */
  readonly traceback: string
}

/** When the parts of an execution began and ended: milliseconds since the epoch, measured where the task ran. */
export interface ExecutionInfo {
  readonly hostname: string
  readonly executionStartTime: number
  readonly executionEndTime: number
  readonly taskStartTime: number
  readonly taskEndTime: number
  readonly inputTransformStartTime: number
  readonly inputTransformEndTime: number
  readonly resultTransformStartTime: number
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
  readonly name: string
  /** The tasks whose futures are among the arguments; each once. */
  readonly parentTaskIds: readonly string[]
  /** When it was submitted: milliseconds since the epoch. */
  readonly submitTime: number
  /** When its outcome was known; `null` until then. */
  readonly receivedTime: number | null
  /** `null` until it is done. */
  readonly success: boolean | null
  readonly exception: ExceptionInfo | null
  /** `null` unless it succeeded, as in TaPS; `times` is there for failed ones too. */
  readonly execution: ExecutionInfo | null
  readonly status: TaskStatus
  /** How often its body was started. */
  readonly attempts: number
  readonly times: TaskTimes
  /** The name of the executor that it is for. */
  readonly executor: string
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
