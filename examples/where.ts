// Where tasks run: that is all that a program has to choose. Its tasks and its graph stay the same.
import { availableParallelism } from 'node:os'
import { type Executor, InProcessExecutor } from 'taps-sdk'
import { BullMQExecutor } from 'taps-sdk/bullmq'
import { ProcessPoolExecutor, ThreadPoolExecutor } from 'taps-sdk/node'
import { DaskExecutor, ParslExecutor, PythonExecutor, RayExecutor } from 'taps-sdk/python'

/** What can be said on the command line. */
export interface Where {
  /** @defaultValue 'in-process' */
  readonly executor?: ExecutorName
  /** How many threads or processes. @defaultValue as many as the machine can run at the same time */
  readonly workers?: number | undefined
  /** How many tasks run at the same time in this process, or in each worker. */
  readonly concurrency?: number | undefined
  /** The server of the queue, which `bullmq` needs. */
  readonly redis?: string | undefined
  /** The name of the queue. */
  readonly queue?: string | undefined
  /** The Python that has the packages of `dask`, `ray` or `parsl`. */
  readonly python?: string | undefined
  /** That of a cluster of Dask or Ray which runs already. @defaultValue one that starts and ends with the program */
  readonly address?: string | undefined
}

const CREATE = {
  'in-process': ({ concurrency }: Where) => new InProcessExecutor({ concurrency }),
  threads: ({ workers, concurrency }: Where) => new ThreadPoolExecutor({ maxWorkers: workers, concurrency }),
  processes: ({ workers, concurrency }: Where) => new ProcessPoolExecutor({ maxWorkers: workers, concurrency }),
  bullmq: ({ redis = '', queue = 'examples', workers, concurrency }: Where) =>
    new BullMQExecutor({ connection: redis, queue, workers, concurrency }),
  'python-pool': ({ python, workers }: Where) =>
    new PythonExecutor({
      python,
      factory: 'concurrent.futures:ProcessPoolExecutor',
      options: { max_workers: workers },
    }),
  dask: ({ python, address, workers }: Where) => new DaskExecutor({ python, scheduler: address, workers }),
  ray: ({ python, address, workers }: Where) => new RayExecutor({ python, address, numCpus: workers }),
  parsl: ({ python, workers }: Where) => new ParslExecutor({ python, workers }),
} satisfies Readonly<Record<string, (where: Where) => Executor>>

export type ExecutorName = keyof typeof CREATE
export const EXECUTORS = Object.keys(CREATE) as readonly ExecutorName[]

export function createExecutor(where: Where): Executor {
  return CREATE[where.executor ?? 'in-process'](where)
}

const PYTHONS = ['python-pool', 'dask', 'ray', 'parsl'] as const
/** Which executors an option is for. */
const FITS = {
  workers: EXECUTORS.filter((name) => name !== 'in-process'),
  concurrency: ['in-process', 'threads', 'processes', 'bullmq'],
  redis: ['bullmq'],
  queue: ['bullmq'],
  python: PYTHONS,
  address: ['dask', 'ray'],
} as const satisfies Readonly<Record<string, readonly ExecutorName[]>>

type Option = keyof typeof FITS

const text = { type: 'string' } as const
/** The options, as `parseArgs` takes them. */
export const WHERE_OPTIONS = {
  executor: text,
  workers: text,
  concurrency: text,
  redis: text,
  queue: text,
  python: text,
  address: text,
}

/** @param concurrency - the default, in words */
export const whereHelp = (
  concurrency: string,
): string => `  --executor <where>      where tasks run (default: in-process):
                          ${EXECUTORS.join(', ')}
  --workers <n>           how many threads or processes (default: as many as this machine can run at once);
                          with bullmq 0 leaves the work to workers that were started elsewhere
  --concurrency <n>       how many tasks run at the same time, in this process or in each worker
                          (default: ${concurrency})
  --redis <url>           the server of the queue, for bullmq (default: TAPS_SDK_REDIS)
  --queue <name>          the name of the queue (default: examples)
  --python <path>         the Python that has the package, for ${PYTHONS.join(', ')}
  --address <address>     of a cluster that runs already, for dask and ray (default: one of its own)`

/** An option is wrong, in words that follow the name of the program. */
export class WhereError extends Error {}

type Given = Readonly<Partial<Record<keyof typeof WHERE_OPTIONS, string | undefined>>>

/** @throws WhereError for a wrong value, or an option that is not for this executor */
export function readWhere(given: Given): Where {
  const executor = nameOfExecutor(given.executor ?? 'in-process')
  for (const option of Object.keys(FITS) as Option[]) checkFit(option, given[option], executor)
  const { redis = process.env.TAPS_SDK_REDIS, queue, python, address } = given
  if (executor === 'bullmq' && redis === undefined)
    throw new WhereError('--executor bullmq needs --redis redis://host:port, or TAPS_SDK_REDIS')
  const workers = toNumber('workers', given.workers, executor === 'bullmq' ? 0 : 1)
  const ownWorkers = executor === 'bullmq' ? (workers ?? availableParallelism()) : workers
  const concurrency = toNumber('concurrency', given.concurrency, 1)
  return { executor, workers: ownWorkers, concurrency, redis, queue, python, address }
}

function nameOfExecutor(name: string): ExecutorName {
  const known = EXECUTORS.find((each) => each === name)
  if (known === undefined) throw new WhereError(`--executor takes ${EXECUTORS.join(', ')}, not ${JSON.stringify(name)}`)
  return known
}

function checkFit(option: Option, value: string | undefined, executor: ExecutorName): void {
  const fitting: readonly ExecutorName[] = FITS[option]
  if (value !== undefined && !fitting.includes(executor))
    throw new WhereError(`--${option} is for --executor ${fitting.join(', ')}, not ${executor}`)
}

function toNumber(option: Option, value: string | undefined, least: number): number | undefined {
  if (value === undefined) return undefined
  if (!/^(?:0|[1-9]\d{0,8})$/.test(value) || Number(value) < least)
    throw new WhereError(`--${option} takes a whole number of at least ${least}, not ${JSON.stringify(value)}`)
  return Number(value)
}
