import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { ExecutorShutdownError, NotShippableError, TimeoutError } from '../errors.ts'
import type { BackendListener } from '../executor/packs/backend.ts'
import type { PackDispatcher } from '../executor/packs/pack-dispatcher.ts'
import { PackExecutor } from '../executor/packs/pack-executor.ts'
import { checkPlatform, POOL_CHECKS } from '../executor/pool/pool-options.ts'
import { checkNamed, isImportable } from '../executor/pool/shipping.ts'
import type { Abroad } from '../executor/pool/task-kind.ts'
import { checkOptions, oneOf } from '../options.ts'
import type { TaskSpec } from '../task/task.ts'
import type { TaskRef } from '../task/task-ref.ts'
import { type PlaneRecipe, planeAbroad } from '../transformer/data-plane.ts'
import { moduleId } from '../worker/module-ids.ts'
import { foldersOf, withoutSecrets } from '../worker/storage.ts'
import { moduleUrls, rootUrl } from './modules.ts'
import { QUEUE_CHECKS, type QueueOptions, queuePlace } from './options.ts'
import { type LocalWorkers, QueueBackend } from './queue-backend.ts'
import { QueueWorker } from './queue-worker.ts'

/** Options of {@link BullMQExecutor}. */
export interface BullMQExecutorOptions extends QueueOptions {
  /** How many local processes run tasks of the queue, besides workers that were started elsewhere: they know the modules of the tasks that this executor was given, and end with it. @defaultValue 0 */
  readonly workers?: number | undefined
  /** How many calls run at the same time in each of the local processes. @defaultValue 1 */
  readonly concurrency?: number | undefined
  /** The folder that ids of modules are relative to: that of the same project where the workers are. @defaultValue that with the next `package.json` */
  readonly root?: string | undefined
  /** More modules for the local processes: those with tasks of other clients of the queue. */
  readonly modules?: readonly string[] | undefined
  /** Milliseconds that a body has to end in after its `timeout`, before its worker is replaced. A task may have its own. @defaultValue 1000 */
  readonly killAfter?: number | undefined
  /** A file that gets what tasks write to standard output and error. */
  readonly outputFile?: string | undefined
}

const { maxWorkers, concurrency, killAfter, outputFile } = POOL_CHECKS

const CHECKS = {
  ...QUEUE_CHECKS,
  workers: oneOf('a whole number of at least 0', (value) => value === 0 || maxWorkers(value) === undefined),
  concurrency,
  root: oneOf('the path of a folder', (value) => typeof value === 'string' && value !== ''),
  modules: oneOf('a list of paths, URLs or names of packages', (value) => Array.isArray(value)),
  killAfter,
  outputFile,
}

/** What to wait for. */
export interface WaitForWorkersOptions {
  /** How many calls workers have to be able to run at the same time. @defaultValue 1 */
  readonly slots?: number
  /** For how long, in ms. @defaultValue Infinity */
  readonly timeout?: number
}

/**
 * Runs tasks through a queue of BullMQ, on workers of any number of machines: see `startWorker` and `npx taps-sdk worker`. As long
 * as there is no worker, calls wait. It needs the packages `bullmq` and `redis`, and connects when it is first used.
 */
export class BullMQExecutor extends PackExecutor {
  readonly #dispatcher: PackDispatcher

  /** @throws ConfigError for an unknown or wrong option, BootstrapError while a worker imports the module that calls this */
  constructor(options: BullMQExecutorOptions) {
    checkOptions('BullMQExecutor', options, CHECKS)
    const place = queuePlace('BullMQExecutor', options)
    const { workers = 0, killAfter = 1000 } = options
    if (workers > 0) checkPlatform('BullMQExecutor with workers of its own')
    const root = rootUrl('BullMQExecutor', options.root)
    const local = new LocalTasks(options, root)
    const backend = new QueueBackend(randomUUID(), {
      place,
      opened: (listener) => (workers > 0 ? local.start(workers, listener) : Promise.resolve(undefined)),
    })
    const moduleOf = (url: string): string => {
      local.learn(url)
      return moduleId(url, root)
    }
    const planeOf = (plane: PlaneRecipe): PlaneRecipe => {
      local.learnFolders(foldersOf(plane))
      return withoutSecrets(planeAbroad(plane, moduleOf), place.url)
    }
    const abroad: Abroad = { moduleOf, planeOf }
    let dispatcher: PackDispatcher | undefined
    const kind = {
      name: 'BullMQExecutor',
      outputFile: options.outputFile,
      backend,
      killAfter,
      foreign: undefined,
      abroad,
      check: (spec: TaskSpec): void => {
        checkNamed(spec)
        // Workers of its own know where its modules are.
        if (workers === 0) checkInside(spec, root)
      },
      made: (made: PackDispatcher): void => {
        dispatcher = made
      },
    }
    super(kind)
    this.#dispatcher = dispatcher as unknown as PackDispatcher
  }

  /** Resolves when there are workers for so many calls. @throws TimeoutError */
  async workersReady({ slots = 1, timeout = Infinity }: WaitForWorkersOptions = {}): Promise<void> {
    if (this.#dispatcher.isClosed) throw new ExecutorShutdownError()
    const error = new TimeoutError(`There were no workers for ${slots} calls within ${timeout} ms`)
    await this.#dispatcher.warmup([], slots, timeout === Infinity ? undefined : { ms: timeout, error })
  }
}

/** @throws NotShippableError for a task of a module that would be known by a path of this machine */
function checkInside({ fn, name }: TaskSpec, root: string): void {
  const { module } = (fn as unknown as { readonly ref: TaskRef }).ref
  if (!moduleId(module, root).startsWith('file:')) return
  throw new NotShippableError(
    `Task ${name} is in ${fileURLToPath(module)}, outside of ${fileURLToPath(root)}, the folder of the project: workers would not know it. Name the folder (root), or give the module an id: task({ module: "my-tasks" }, fn)`,
  )
}

/** The modules of the tasks that an executor was given, and its own workers, which know these. */
class LocalTasks {
  readonly #options: BullMQExecutorOptions
  readonly #root: string
  readonly #modules: Set<string>
  /** Where the engines of this executor keep values. */
  readonly #folders: Set<string> = new Set()
  #worker: QueueWorker | undefined = undefined

  constructor(options: BullMQExecutorOptions, root: string) {
    this.#options = options
    this.#root = root
    this.#modules = new Set(moduleUrls('BullMQExecutor', options.modules ?? [], process.cwd()))
  }

  learn(url: string): void {
    // A name says nothing of where a module is: who uses one says that in `modules`.
    if (this.#modules.has(url) || !isImportable(url)) return
    this.#modules.add(url)
    this.#tell()
  }

  learnFolders(folders: readonly string[]): void {
    if (folders.every((folder) => this.#folders.has(folder))) return
    for (const folder of folders) this.#folders.add(folder)
    this.#tell()
  }

  #tell(): void {
    this.#worker?.setKnown([...this.#modules], [...this.#folders])
  }

  async start(workers: number, listener: BackendListener): Promise<LocalWorkers> {
    const { connection, queue, prefix, concurrency } = this.#options
    const modules = [...this.#modules]
    const worker = new QueueWorker({
      connection,
      queue,
      prefix,
      workers,
      concurrency,
      modules,
      dataDirs: [...this.#folders],
      root: fileURLToPath(this.#root),
    })
    this.#worker = worker
    worker.on('output', (line) => listener.wrote(line))
    return worker.start()
  }
}
