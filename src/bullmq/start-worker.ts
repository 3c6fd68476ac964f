import { QueueWorker } from './queue-worker.ts'
import type { QueueWorkerOptions } from './worker-options.ts'

/**
 * Starts a worker of a queue in this process; the tasks run in processes of their own. It goes on until it is closed.
 *
 * @example
 * ```ts
 * const worker = await startWorker({ connection: 'redis://localhost', queue: 'tasks', modules: ['./tasks.ts'] })
 * process.on('SIGTERM', () => worker.close())
 * ```
 * @throws ConfigError for an unknown or wrong option, MissingPeerError, TapsError if the server cannot be reached
 */
export async function startWorker(options: QueueWorkerOptions): Promise<QueueWorker> {
  return new QueueWorker(options).start()
}
