import { systemClock } from '../clock.ts'
import { CancelledError, isInstance } from '../errors.ts'
import { type RunningBody, type TaskContext, taskClock } from '../task/task-context.ts'
import { taskId } from '../task/task-id.ts'
import type { DataPlane, PlaneRecipe } from '../transformer/data-plane.ts'
import type { LazyPositions } from '../transformer/lazy.ts'
import type { TaskMessage } from './protocol.ts'

/** A task that a worker knows. */
export class WorkerTask {
  readonly no: number
  readonly module: string
  readonly name: string
  readonly ordinal: number
  readonly idPrefix: string
  readonly labels: Readonly<Record<string, number>>
  /** In ms; 0 if there is no limit. */
  readonly timeout: number
  readonly killAfter: number | null
  /** How to make the data plane of its engine; null where there is none. */
  readonly planeRecipe: PlaneRecipe | null
  plane: DataPlane | undefined = undefined
  fn: ((...args: readonly unknown[]) => unknown) | undefined = undefined
  /** Why there is no function. */
  failure: { readonly error: unknown } | undefined = undefined

  constructor([no, module, name, ordinal, idPrefix, labels, timeout, killAfter, plane]: TaskMessage) {
    this.no = no
    this.module = module
    this.name = name
    this.ordinal = ordinal
    this.idPrefix = idPrefix
    this.labels = labels
    this.timeout = timeout
    this.killAfter = killAfter
    this.planeRecipe = plane
  }

  /** Which arguments it takes as lazy ones. */
  get lazy(): LazyPositions {
    return (this.fn as { options?: { lazy?: LazyPositions } } | undefined)?.options?.lazy
  }

  get isLoaded(): boolean {
    return this.fn !== undefined || this.failure !== undefined
  }
}

/** A body that runs in a worker. */
export class WorkerBody implements RunningBody {
  readonly task: WorkerTask
  /** Where it runs; -1 once it has ended. */
  lane: number
  readonly #seq: number
  readonly #attempt: number
  #context: TaskContext | undefined = undefined
  #controller: AbortController | undefined = undefined
  #abort: { readonly reason: unknown } | undefined = undefined

  constructor(task: WorkerTask, seq: number, attempt: number, lane: number) {
    this.task = task
    this.lane = lane
    this.#seq = seq
    this.#attempt = attempt
  }

  /** Empty where the call comes from no engine. */
  get id(): string {
    return this.task.idPrefix === '' ? '' : taskId(this.task.idPrefix, this.#seq)
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      // Made only when somebody asks: most tasks never do.
      this.#controller = new AbortController()
      if (this.#abort !== undefined) this.#controller.abort(this.#abort.reason)
    }
    return this.#controller.signal
  }

  /** What to tell of an error: that the body stopped because it was told to, if so. */
  failureOf(error: unknown): unknown {
    if (this.#abort === undefined) return error
    const { reason } = this.#abort
    const { name, cause } = (isInstance(error, Error) ? error : {}) as { name?: unknown; cause?: unknown }
    const isStop = error === reason || cause === reason || name === 'AbortError' || isInstance(error, CancelledError)
    return isStop ? new CancelledError(undefined, { cause: reason }) : error
  }

  abort(reason: unknown): void {
    this.#abort ??= { reason }
    this.#controller?.abort(reason)
  }

  /** Before it begins: it may have been told to stop while its arguments were fetched. */
  throwIfAborted(): void {
    if (this.#abort !== undefined) throw this.#abort.reason
  }

  get context(): TaskContext {
    this.#context ??= this.#makeContext()
    return this.#context
  }

  #makeContext(): TaskContext {
    const signal = (): AbortSignal => this.signal
    return {
      id: this.id,
      name: this.task.name,
      attempt: this.#attempt,
      labels: this.task.labels,
      clock: taskClock(systemClock, signal),
      get signal() {
        return signal()
      },
    }
  }

  /** A worker lends nothing: who waits in it waits for tasks of other engines. */
  awaits(): undefined {
    return undefined
  }
}
