import { appendFileSync, mkdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname } from 'node:path'
import { MessagePort } from 'node:worker_threads'
import { EventEmitter } from 'eventemitter3'
import { contain } from '../contain.ts'
import { ConfigError, ExecutorShutdownError } from '../errors.ts'
import type { TaskFuture } from '../future/task-future.ts'
import { ValueFuture } from '../future/values.ts'
import { describe } from '../options.ts'
import type { Joined } from '../task/inputs.ts'
import { isTask, specOf, type Task, type TaskSpec } from '../task/task.ts'
import { Packing } from '../worker/channel.ts'
import { encode } from '../worker/codec.ts'
import { copyOf } from '../worker/packet.ts'
import { checkShutdownOptions, connectable, type Executor, type ShutdownOptions } from './executor.ts'
import { OwnCalls } from './own-calls.ts'
import { Dispatcher, type DispatcherOptions } from './pool/dispatcher.ts'
import { PoolCall } from './pool/pool-call.ts'
import type { WorkerPoolOptions } from './pool/pool-options.ts'
import type { OutputLine, PoolWorker, WorkerPlan } from './pool/pool-worker.ts'
import { checkBootstrap, encodeCall } from './pool/shipping.ts'
import { taskMessage } from './pool/task-kind.ts'
import type { StartWorker } from './pool/worker-link.ts'

/** What a pool of workers tells. */
export interface WorkerPoolEvents {
  /**
   * A task, or what runs in a worker besides, wrote a line. While nobody listens, it goes to this process's own streams. What a
   * child process of a task writes comes without the task; on a thread it goes to this process's own streams, and behind a
   * prefix it counts as standard error.
   */
  output: [line: OutputLine]
  /** A worker is there. */
  workerStarted: [worker: { readonly id: number }]
  /** A worker has ended; `how`, in words: `exited with code 0`, `was killed by SIGKILL`. */
  workerExited: [worker: { readonly id: number; readonly how: string }]
}

/** What tells a thread pool and a process pool apart. */
export interface PoolKind {
  readonly name: string
  readonly isThread: boolean
  readonly start: StartWorker
  readonly groups: readonly string[]
  readonly groupOf: (spec: TaskSpec) => string
}

/** What thread pools and process pools have in common; not to be extended by others. */
export abstract class WorkerPool implements Executor {
  /** How many calls may run at the same time. */
  readonly concurrency: number
  readonly #calls: OwnCalls<PoolCall> = new OwnCalls()
  readonly #dispatcher: Dispatcher
  readonly #kind: PoolKind
  readonly #events: EventEmitter<WorkerPoolEvents> = new EventEmitter()
  readonly #outputFile: string | undefined
  #isFileLost = false
  #closing: Promise<void> | undefined

  /** @param given - what tells the pools of this library apart: nothing for users */
  constructor(given: object, options: WorkerPoolOptions) {
    const kind = given as PoolKind
    checkBootstrap(`new ${kind.name}`)
    const { maxWorkers = availableParallelism(), concurrency = 1, outputFile } = options
    this.#kind = kind
    this.concurrency = maxWorkers * concurrency
    this.#outputFile = outputFile
    if (outputFile !== undefined) createFile(outputFile)
    this.#dispatcher = new Dispatcher(dispatcherOptions(kind, options, maxWorkers, concurrency), {
      wrote: (line) => this.#wrote(line),
      workerStarted: ({ link: { id } }) => this.#tell('workerStarted', { id }),
      workerExited: ({ link: { id } }: PoolWorker, how) => this.#tell('workerExited', { id, how }),
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
      call = new PoolCall(spec, encodeCall(spec, args, this.#kind.isThread))
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
    for (const task of tasks) encodeCall(specOf(task), [], this.#kind.isThread)
    await this.#dispatcher.warmup(tasks.map((task) => this.#dispatcher.kindOf(specOf(task))))
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
    if (this.#outputFile !== undefined) this.#append(this.#outputFile, inFile(line))
    if (this.#events.listenerCount('output') > 0) this.#tell('output', line)
    else if (this.#outputFile === undefined) process[line.stream].write(`${line.line}\n`)
  }

  #append(outputFile: string, text: string): void {
    if (this.#isFileLost) return
    try {
      appendFileSync(outputFile, text)
    } catch (error) {
      // Tasks go on without it.
      this.#isFileLost = true
      console.warn(`What tasks write is lost: ${outputFile} can be written no more:`, error)
    }
  }

  #tell<E extends keyof WorkerPoolEvents>(event: E, ...args: WorkerPoolEvents[E]): void {
    for (const listener of this.#events.listeners(event))
      contain(
        () => (listener as (...all: unknown[]) => void)(...args),
        (error) => console.warn(`A listener of ${event} threw:`, error),
      )
  }
}

function createFile(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true })
    appendFileSync(path, '')
  } catch (cause) {
    throw new ConfigError(`outputFile ${path} cannot be written: ${(cause as Error).message}`, { cause })
  }
}

/** Cancels a call as soon as the signal is aborted. */
function cancelWith(signal: AbortSignal, call: PoolCall): void {
  const abort = (): void => void call.cancel(signal.reason)
  if (signal.aborted) return abort()
  signal.addEventListener('abort', abort, { once: true })
  call.addDependent({ parentSettled: () => signal.removeEventListener('abort', abort) })
}

function inFile({ stream, line, task, taskId, worker }: OutputLine): string {
  const who = [task, taskId].filter((part) => part !== '').join(' ')
  return `${new Date().toISOString()} ${stream} ${who === '' ? `worker ${worker}` : who}: ${line}\n`
}

function dispatcherOptions(
  { isThread, start, groups, groupOf }: PoolKind,
  options: WorkerPoolOptions,
  maxWorkers: number,
  lanes: number,
): DispatcherOptions {
  const { idleTimeout = Infinity, maxTasksPerWorker = Infinity, killAfter = 1000 } = options
  const initializer = initializerPlan(options, isThread)
  return {
    isThread,
    maxWorkers,
    idleTimeout,
    maxTasksPerWorker,
    killAfter,
    groups,
    groupOf,
    plan: (group): WorkerPlan => {
      const { message, args, packing } = initializer()
      const init = {
        lanes,
        library: import.meta.url,
        initializer: message,
        initializerArgs: args,
        packets: packing.counts,
      }
      return { start, group, init, beside: () => packing.beside }
    },
  }
}

type InitializerArgs = WorkerPlan['init']['initializerArgs']

/** Its arguments are copied now; each worker gets a copy of that. */
function initializerPlan({ initializer, initializerArgs = [] }: WorkerPoolOptions, isThread: boolean) {
  if (initializer === undefined)
    return () => ({ message: undefined, args: [] as InitializerArgs, packing: new Packing() })
  const spec = specOf(initializer)
  // For the check of the task alone: its errors would call them the arguments of a call.
  encodeCall(spec, [], isThread)
  const encoded = encode(initializerArgs, 'initializerArgs', isThread)
  if (typeof encoded !== 'string' && encoded.beside.some((object) => object instanceof MessagePort))
    throw new ConfigError('initializerArgs takes no MessagePort: it could go to one worker only')
  const { ref } = initializer as Task<unknown[], unknown>
  const message = taskMessage(0, ref, spec, Infinity, { idPrefix: '', plane: undefined })
  return () => {
    const packing = new Packing()
    const args: InitializerArgs = typeof encoded === 'string' ? JSON.parse(encoded) : packing.add(copyOf(encoded))
    return { message, args, packing }
  }
}
