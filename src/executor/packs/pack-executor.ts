import { WorkerExecutor, type WorkerKind } from '../worker-executor.ts'
import { PackDispatcher, type PackOptions } from './pack-dispatcher.ts'

/** What tells executors apart that send packs to a back end. */
export interface PackKind extends PackOptions {
  readonly name: string
  readonly outputFile: string | undefined
}

/** What executors have in common that run tasks on a queue or a cluster; not to be extended by others. */
export abstract class PackExecutor extends WorkerExecutor {
  /** @param given - what tells the executors of this library apart: nothing for users */
  constructor(given: object) {
    const kind = given as PackKind
    const { name, outputFile } = kind
    const made: WorkerKind = { name, outputFile, dispatcher: (events) => new PackDispatcher(kind, events) }
    super(made)
  }
}
