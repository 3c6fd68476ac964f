import { EventEmitter } from 'eventemitter3'
import { contain } from '../contain.ts'
import { ExecutorShutdownError } from '../errors.ts'
import type { TaskFuture } from '../future/task-future.ts'
import { ValueFuture } from '../future/values.ts'
import { describe } from '../options.ts'
import type { Joined } from '../task/inputs.ts'
import { isTask, specOf, type Task, type TaskSpec } from '../task/task.ts'
import type { Encoded } from '../worker/packet.ts'
import {
  checkShutdownOptions,
  connectable,
  type Executor,
  type RemoteSource,
  type ShutdownOptions,
  type Waker,
} from './executor.ts'
import { OutputFile, type OutputLine } from './output-file.ts'
import { OwnCalls } from './own-calls.ts'
import { PoolCall } from './pool/pool-call.ts'
import { checkBootstrap } from './pool/shipping.ts'

/** A worker, in events. */
export interface WorkerInfo {
  /** The id of the thread or process; 0 where it is not known. */
  readonly id: number
  /** The machine. */
  readonly host: string
}

/** What an executor with workers tells. */
export interface WorkerPoolEvents {
  /**
   * A task, or what runs in a worker besides, wrote a line. While nobody listens, it goes to this process's own streams. What a
   * child process of a task writes comes without the task; on a thread it goes to this process's own streams, and behind a
   * prefix it counts as standard error.
   */
  output: [line: OutputLine]
  /** A worker is there. */
  workerStarted: [worker: WorkerInfo]
  /** A worker has ended; `how`, in words: `exited with code 0`, `was killed by SIGKILL`. */
  workerExited: [worker: WorkerInfo & { readonly how: string }]
}

/** Whom workers tell what happens to them. */
export interface WorkerEvents {
  wrote(line: OutputLine): void
  workerStarted(worker: WorkerInfo): void
  workerExited(worker: WorkerInfo, how: string): void
}

/** What gives calls to workers. */
export interface WorkerDispatcher extends Waker {
  isClosed: boolean
  connect(source: RemoteSource): Waker
  /** @throws NotShippableError */
  check(spec: TaskSpec): void
  /** @throws NotShippableError, SerializationError */
  encode(spec: TaskSpec, args: readonly unknown[]): Encoded
  /** Starts all workers there may be, with the modules of these tasks imported. */
  warmup(specs: readonly TaskSpec[]): Promise<void>
  /** Once there is nothing to do. */
  quiet(): Promise<void>
  close(): Promise<void>
  cancelWaiting(): void
}

/** What tells executors with workers apart. */
export interface WorkerKind {
  readonly name: string
  readonly outputFile: string | undefined
  readonly dispatcher: (events: WorkerEvents) => WorkerDispatcher
}

/** What all executors have in common that run tasks in workers; not to be extended by others. */
export abstract class WorkerExecutor implements Executor {
  readonly #calls: OwnCalls<PoolCall> = new OwnCalls()
  readonly #dispatcher: WorkerDispatcher
  readonly #events: EventEmitter<WorkerPoolEvents> = new EventEmitter()
  readonly #outputFile: OutputFile | undefined
  #closing: Promise<void> | undefined

  /** @param given - what tells the executors of this library apart: nothing for users */
  constructor(given: object) {
    const { name, outputFile, dispatcher } = given as WorkerKind
    checkBootstrap(`new ${name}`)
    this.#outputFile = outputFile === undefined ? undefined : new OutputFile(outputFile)
    this.#dispatcher = dispatcher({
      wrote: (line) => this.#wrote(line),
      workerStarted: (worker) => this.#tell('workerStarted', worker),
      workerExited: (worker, how) => this.#tell('workerExited', { ...worker, how }),
    })
    this.#dispatcher.connect(this.#calls)
    connectable(this, (source) => this.#dispatcher.connect(source))
  }

  /**
   * Runs a task in a worker. Its arguments are copied now, or moved (see `transfer`). A function that is no task cannot leave
   * the process (`NotShippableError`), nor can some values (`SerializationError`, with the path): the future rejects.
   * @throws TypeError for what is no function, BootstrapError where a worker imports the module that calls this
   */
  submit<A extends readonly unknown[], R>(task: (...args: A) => R, ...args: A): TaskFuture<Joined<R>> {
    if (typeof task !== 'function') throw new TypeError(`submit takes a task, not ${describe(task)}`)
    checkBootstrap('submit')
    return this.#submit(specOf(task), args) as unknown as TaskFuture<Joined<R>>
  }

  #submit(spec: TaskSpec, args: readonly unknown[]): TaskFuture<unknown> {
    if (this.#dispatcher.isClosed) return ValueFuture.failed(new ExecutorShutdownError())
    let call: PoolCall
    try {
      call = new PoolCall(spec, this.#dispatcher.encode(spec, args))
    } catch (error) {
      return ValueFuture.failed(error)
    }
    this.#calls.push(call)
    this.#dispatcher.wake()
    const { signal } = spec.options
    if (signal !== undefined) cancelWith(signal, call)
    return call
  }

  /** Starts all workers there may be, and imports the modules of these tasks in each. */
  // biome-ignore lint/suspicious/noExplicitAny: tasks of any type
  async warmup(...tasks: Task<any, unknown>[]): Promise<void> {
    if (this.#dispatcher.isClosed) throw new ExecutorShutdownError()
    for (const task of tasks) if (!isTask(task)) throw new TypeError(`warmup takes tasks, not ${describe(task)}`)
    for (const task of tasks) this.#dispatcher.check(specOf(task))
    await this.#dispatcher.warmup(tasks.map((task) => specOf(task)))
  }

  /** Calls a listener whenever it happens; what that throws is contained. */
  on<E extends keyof WorkerPoolEvents>(event: E, listener: (...args: WorkerPoolEvents[E]) => void): this {
    this.#events.on(event, listener as never)
    return this
  }

  /** Takes a listener back. */
  off<E extends keyof WorkerPoolEvents>(event: E, listener: (...args: WorkerPoolEvents[E]) => void): this {
    this.#events.off(event, listener as never)
    return this
  }

  /** Waits for the calls that were submitted, with `cancelFutures` for those that were sent to a worker; then ends the workers. */
  shutdown(options: ShutdownOptions = {}): Promise<void> {
    checkShutdownOptions(options)
    const { wait = true, cancelFutures = false } = options
    this.#dispatcher.isClosed = true
    if (cancelFutures) {
      this.#calls.cancelAll()
      this.#dispatcher.cancelWaiting()
    }
    this.#closing ??= this.#close()
    return wait ? this.#closing : Promise.resolve()
  }

  async #close(): Promise<void> {
    await this.#dispatcher.quiet()
    await this.#dispatcher.close()
  }

  /** Shuts down, and waits. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown()
  }

  #wrote(line: OutputLine): void {
    this.#outputFile?.append(line)
    if (this.#events.listenerCount('output') > 0) this.#tell('output', line)
    else if (this.#outputFile === undefined) process[line.stream].write(`${line.line}\n`)
  }

  #tell<E extends keyof WorkerPoolEvents>(event: E, ...args: WorkerPoolEvents[E]): void {
    for (const listener of this.#events.listeners(event))
      contain(
        () => (listener as (...all: unknown[]) => void)(...args),
        (error) => console.warn(`A listener of ${event} threw:`, error),
      )
  }
}

/** Cancels a call as soon as the signal is aborted. */
function cancelWith(signal: AbortSignal, call: PoolCall): void {
  const abort = (): void => void call.cancel(signal.reason)
  if (signal.aborted) return abort()
  signal.addEventListener('abort', abort, { once: true })
  call.addDependent({ parentSettled: () => signal.removeEventListener('abort', abort) })
}
