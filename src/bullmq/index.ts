/** Runs tasks through a queue of BullMQ, on workers of any number of machines. */
export { BullMQExecutor, type BullMQExecutorOptions, type WaitForWorkersOptions } from './executor.ts'
export type { OutputLine } from '../executor/output-file.ts'
export type { PackExecutor } from '../executor/packs/pack-executor.ts'
export type { WorkerExecutor, WorkerInfo, WorkerPoolEvents } from '../executor/worker-executor.ts'
export type { QueueConnection, QueueOptions } from './options.ts'
export type { QueueWorker, QueueWorkerEvents } from './queue-worker.ts'
export { startWorker } from './start-worker.ts'
export type { QueueWorkerOptions } from './worker-options.ts'
