import { type Executor, InProcessExecutor } from 'taps-sdk'
import { ProcessPoolExecutor, ThreadPoolExecutor } from 'taps-sdk/node'

/** Where tasks run: that is all that a program has to choose, its tasks and its graph stay the same. */
export const EXECUTORS = ['in-process', 'threads', 'processes'] as const

export interface ExecutorOptions {
  /** @defaultValue 'in-process' */
  readonly executor?: (typeof EXECUTORS)[number]
  /** How many threads or processes. @defaultValue as many as the machine can run at the same time */
  readonly workers?: number | undefined
  /** How many tasks run at the same time in this process, or in each worker. */
  readonly concurrency: number
}

export function createExecutor({ executor, workers, concurrency }: ExecutorOptions): Executor {
  switch (executor) {
    case 'threads':
      return new ThreadPoolExecutor({ maxWorkers: workers, concurrency })
    case 'processes':
      return new ProcessPoolExecutor({ maxWorkers: workers, concurrency })
    default:
      return new InProcessExecutor({ concurrency })
  }
}
