import { availableParallelism } from 'node:os'
import { MessagePort } from 'node:worker_threads'
import { ConfigError } from '../errors.ts'
import { specOf, type Task, type TaskSpec } from '../task/task.ts'
import { Packing } from '../worker/channel.ts'
import { encode } from '../worker/codec.ts'
import { copyOf } from '../worker/packet.ts'
import { Dispatcher, type DispatcherOptions } from './pool/dispatcher.ts'
import type { WorkerPoolOptions } from './pool/pool-options.ts'
import type { WorkerPlan } from './pool/pool-worker.ts'
import { encodeCall } from './pool/shipping.ts'
import { taskMessage } from './pool/task-kind.ts'
import type { StartWorker } from './pool/worker-link.ts'
import { WorkerExecutor, type WorkerKind } from './worker-executor.ts'

/** What tells a thread pool and a process pool apart. */
interface PoolKind {
  readonly name: string
  readonly isThread: boolean
  readonly start: StartWorker
  readonly groups: readonly string[]
  readonly groupOf: (spec: TaskSpec) => string
}

/** What thread pools and process pools have in common; not to be extended by others. */
export abstract class WorkerPool extends WorkerExecutor {
  /** How many calls may run at the same time. */
  readonly concurrency: number

  /** @param given - what tells the pools of this library apart: nothing for users */
  constructor(given: object, options: WorkerPoolOptions) {
    const kind = given as PoolKind
    const { maxWorkers = availableParallelism(), concurrency = 1, outputFile } = options
    const made: WorkerKind = {
      name: kind.name,
      outputFile,
      dispatcher: (events) => new Dispatcher(dispatcherOptions(kind, options, maxWorkers, concurrency), events),
    }
    super(made)
    this.concurrency = maxWorkers * concurrency
  }
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
