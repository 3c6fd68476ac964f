/** How each library runs functions on workers. Each is loaded only in the process that measures it. */
import { fileURLToPath } from 'node:url'
import type { ExecutorLike, Task, TaskFuture } from 'taps-sdk'
import { openLimit } from './limits.ts'

export const WORKERS = 2

export type Kind = 'threads' | 'processes'
export const kinds: readonly Kind[] = ['threads', 'processes']

/** What stands in workers/functions.mjs. */
export interface Functions {
  noop(i: number): number
  next(i: number): number
  sum(values: readonly number[]): number
  burn(ms: number): number
  touch(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>
  countWords(text: string): Readonly<Record<string, number>>
  hold(ms: number): Promise<number>
}
export type FunctionName = keyof Functions
export type Call<N extends FunctionName> = (
  argument: Parameters<Functions[N]>[0],
) => PromiseLike<Awaited<ReturnType<Functions[N]>>>

export interface Pool {
  /** What runs a function of that name, looked up once, as a program would. */
  bind<N extends FunctionName>(name: N): Call<N>
  /** `touch`, with the bytes moved there and back, where the library can. */
  readonly move: Call<'touch'> | undefined
  /** Waits for many. */
  gather<T>(calls: PromiseLike<T>[]): PromiseLike<readonly T[]>
}

export interface Setup {
  readonly workers: number
  /** Whether values are binary: processes of peers must be told then not to use JSON. */
  readonly isBinary: boolean
}

/** Loads a library; what it returns opens a pool. */
type Load = () => Promise<(setup: Setup) => Pool>

type Bind = (name: FunctionName) => (argument: unknown) => PromiseLike<unknown>
type Move = (bytes: Uint8Array<ArrayBuffer>) => PromiseLike<unknown>

/** Gives a pool its types, which no library knows. */
function poolOf(bind: Bind, move?: Move): Pool {
  return { bind: bind as Pool['bind'], move: move as Pool['move'], gather: (calls) => Promise.all(calls) }
}

// JavaScript, as programs are run: compiling TypeScript would count in the start of each worker.
const urlOf = (name: string): URL => new URL(`workers/${name}.mjs`, import.meta.url)
const fileOf = (name: string): string => fileURLToPath(urlOf(name))

type Tasks = { readonly [N in FunctionName]: Task<Parameters<Functions[N]>, ReturnType<Functions[N]>> }

/** The functions as tasks. */
export async function loadTasks(): Promise<Tasks> {
  return import(urlOf('taps-sdk').href)
}

/** The tasks for callers that know no types. */
async function loadAnyTasks(): Promise<Readonly<Record<FunctionName, Task<unknown[], unknown>>>> {
  return (await loadTasks()) as unknown as Record<FunctionName, Task<unknown[], unknown>>
}

/** An executor of ours. */
export async function loadExecutor(kind: Kind) {
  const { ProcessPoolExecutor, ThreadPoolExecutor } = await import('taps-sdk/node')
  const Executor = kind === 'threads' ? ThreadPoolExecutor : ProcessPoolExecutor
  // Peers pass on all options of Node; ours are given none unless told. These are needed by `profile.ts`.
  const execArgv = process.execArgv.filter((arg) => arg.startsWith('--cpu-prof'))
  return (workers = WORKERS) => new Executor({ maxWorkers: workers, execArgv })
}

type Gather = <T>(calls: PromiseLike<T>[]) => PromiseLike<readonly T[]>

/** How to wait for many futures of ours. */
async function loadGather(): Promise<Gather> {
  const { futureList } = await import('taps-sdk')
  return <T>(calls: PromiseLike<T>[]) => futureList(calls as TaskFuture<T>[]) as PromiseLike<readonly T[]>
}

const tapsSdk =
  (kind: Kind, how: 'futureList' | 'Promise.all'): Load =>
  async () => {
    const open = await loadExecutor(kind)
    const { transfer } = await import('taps-sdk/node')
    const gather = how === 'futureList' ? await loadGather() : (calls: PromiseLike<never>[]) => Promise.all(calls)
    const tasks = await loadAnyTasks()
    const { touchAndMove } = await import(urlOf('taps-sdk-moving').href)
    return ({ workers }) => {
      const executor = open(workers)
      const move: Move = (bytes) => executor.submit(touchAndMove, transfer(bytes))
      const bind: Bind = (name) => (value) => executor.submit(tasks[name], value)
      return { ...poolOf(bind, kind === 'threads' ? move : undefined), gather: gather as Gather }
    }
  }

/** Through an engine, which waits for many with `futureList`. */
const tapsEngine =
  (load: () => Promise<((workers: number) => ExecutorLike) | undefined>): Load =>
  async () => {
    const { Engine } = await import('taps-sdk')
    const gather = await loadGather()
    const open = await load()
    const tasks = await loadAnyTasks()
    return ({ workers }) => {
      const engine = open === undefined ? new Engine() : new Engine({ executor: open(workers) })
      return {
        ...poolOf((name) => (value) => engine.submit(tasks[name], value)),
        gather,
      }
    }
  }

/** The settings of many that were fastest with no-ops. */
const PISCINA_TUNED = { concurrentTasksPerWorker: 256, recordTiming: false }

const piscina =
  (isTuned: boolean): Load =>
  async () => {
    const { FixedQueue, Piscina } = await import('piscina')
    return ({ workers }) => {
      const pool = new Piscina({
        filename: fileOf('functions'),
        minThreads: workers,
        maxThreads: workers,
        ...(isTuned ? { ...PISCINA_TUNED, taskQueue: new FixedQueue() } : {}),
      })
      const moving = { filename: fileOf('piscina-moving'), name: 'touchAndMove' }
      return poolOf(runsByName(pool), (bytes) => pool.run(bytes, { ...moving, transferList: [bytes.buffer] }))
    }
  }

const tinypool =
  (kind: Kind): Load =>
  async () => {
    const { Tinypool } = await import('tinypool')
    return ({ workers, isBinary }) => {
      const pool = new Tinypool({
        runtime: kind === 'threads' ? 'worker_threads' : 'child_process',
        filename: fileOf('functions'),
        minThreads: workers,
        maxThreads: workers,
        ...(isBinary ? { serialization: 'advanced' } : {}),
      })
      const moving = { filename: fileOf('tinypool-moving'), name: 'touchAndMove' }
      const move: Move = (bytes) => pool.run(bytes, { ...moving, transferList: [bytes.buffer] })
      return poolOf(runsByName(pool), kind === 'threads' ? move : undefined)
    }
  }

interface RunsByName {
  run(value: unknown, options: { name: string }): Promise<unknown>
}

function runsByName(pool: RunsByName): Bind {
  return (name) => {
    const options = { name }
    return (value) => pool.run(value, options)
  }
}

const workerpool =
  (kind: Kind): Load =>
  async () => {
    const { default: library } = await import('workerpool')
    return ({ workers, isBinary }) => {
      const pool = library.pool(fileOf('workerpool'), {
        workerType: kind === 'threads' ? 'thread' : 'process',
        maxWorkers: workers,
        ...(isBinary && kind === 'processes' ? { forkOpts: { serialization: 'advanced' } } : {}),
      })
      const move: Move = (bytes) => pool.exec('touchAndMove', [bytes], { transfer: [bytes.buffer] })
      return poolOf((name) => (value) => pool.exec(name, [value]), kind === 'threads' ? move : undefined)
    }
  }

/** How poolifier comes: as it is, with a queue per worker that hands over many at once, or with one worker at first. */
type Poolifier = 'fixed' | 'tuned' | 'dynamic'

const poolifier =
  (kind: Kind, how: Poolifier): Load =>
  async () => {
    const { DynamicClusterPool, DynamicThreadPool, FixedClusterPool, FixedThreadPool } = await import('poolifier')
    const file = fileOf(`poolifier-${kind}`)
    return ({ workers, isBinary }) => {
      const queue = how === 'tuned' ? { enableTasksQueue: true, tasksQueueOptions: { concurrency: 64 } } : {}
      const open = () => {
        if (kind === 'threads')
          return how === 'dynamic'
            ? new DynamicThreadPool(1, workers, file, queue)
            : new FixedThreadPool(workers, file, queue)
        const options = { ...queue, ...(isBinary ? { settings: { serialization: 'advanced' as const } } : {}) }
        return how === 'dynamic'
          ? new DynamicClusterPool(1, workers, file, options)
          : new FixedClusterPool(workers, file, options)
      }
      const pool = open()
      return poolOf((name) => (value) => pool.execute(value, name))
    }
  }

const jestWorker =
  (kind: Kind): Load =>
  async () => {
    const { Worker } = await import('jest-worker')
    return ({ workers }) => {
      const pool = new Worker(fileOf('functions'), {
        enableWorkerThreads: kind === 'threads',
        numWorkers: workers,
        exposedMethods: ['noop', 'next', 'burn', 'touch', 'countWords', 'hold'] satisfies FunctionName[],
      })
      const methods = pool as unknown as Readonly<Record<FunctionName, (value: unknown) => Promise<unknown>>>
      return poolOf((name) => methods[name])
    }
  }

export const OURS = 'taps-sdk'
export const ENGINE = 'taps-sdk, Engine'
/** Straight to the executor, too; waited for like promises. */
export const OURS_AS_PROMISES = 'taps-sdk, Promise.all'

/** The peers by name. */
const peers: Readonly<Record<Kind, Readonly<Record<string, Load>>>> = {
  threads: {
    Piscina: piscina(false),
    'Piscina, tuned': piscina(true),
    tinypool: tinypool('threads'),
    workerpool: workerpool('threads'),
    poolifier: poolifier('threads', 'fixed'),
    'poolifier, tuned': poolifier('threads', 'tuned'),
    'poolifier, dynamic': poolifier('threads', 'dynamic'),
    'jest-worker': jestWorker('threads'),
  },
  processes: {
    tinypool: tinypool('processes'),
    workerpool: workerpool('processes'),
    poolifier: poolifier('processes', 'fixed'),
    'poolifier, tuned': poolifier('processes', 'tuned'),
    'poolifier, dynamic': poolifier('processes', 'dynamic'),
    'jest-worker': jestWorker('processes'),
  },
}

/** How the names of rows begin that are for scale: one worker, and nothing but its channel. */
export const LIMIT = 'limit: '

/** A post or a frame for each call. */
export const limitNames: Readonly<Record<Kind, string>> = {
  threads: `${LIMIT}bare MessagePort`,
  processes: `${LIMIT}bare pipe`,
}

const loads: Readonly<Record<Kind, Readonly<Record<string, Load>>>> = {
  threads: {
    [OURS]: tapsSdk('threads', 'futureList'),
    [OURS_AS_PROMISES]: tapsSdk('threads', 'Promise.all'),
    [ENGINE]: tapsEngine(() => loadExecutor('threads')),
    ...peers.threads,
    [limitNames.threads]: async () => () => openLimit('threads'),
  },
  processes: {
    [OURS]: tapsSdk('processes', 'futureList'),
    [OURS_AS_PROMISES]: tapsSdk('processes', 'Promise.all'),
    [ENGINE]: tapsEngine(() => loadExecutor('processes')),
    ...peers.processes,
    [limitNames.processes]: async () => () => openLimit('processes'),
  },
}

export const peerNames = (kind: Kind): string[] => Object.keys(peers[kind])

/** Loads a library by its name; what comes back opens a pool. */
export async function loadPool(kind: Kind, name: string): Promise<(setup?: Partial<Setup>) => Pool> {
  const open = await (loads[kind][name] as Load)()
  return (setup) => open({ workers: WORKERS, isBinary: false, ...setup })
}

/** An engine that runs everything in this process. */
export async function openInProcess(): Promise<Pool> {
  const open = await tapsEngine(async () => undefined)()
  return open({ workers: 0, isBinary: false })
}
