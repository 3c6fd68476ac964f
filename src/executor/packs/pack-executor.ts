import { type WorkerEvents, WorkerExecutor, type WorkerKind } from '../worker-executor.ts'
import { PackDispatcher, type PackOptions } from './pack-dispatcher.ts'

/** What tells executors apart that send packs to a back end. */
export interface PackKind extends PackOptions {
  readonly name: string
  readonly outputFile: string | undefined
  /** Told of the dispatcher, for what not all of these executors can do. */
  readonly made?: (dispatcher: PackDispatcher) => void
}

/** What executors have in common that run tasks on a queue or a cluster; not to be extended by others. */
export abstract class PackExecutor extends WorkerExecutor {
  /** @param given - what tells the executors of this library apart: nothing for users */
  constructor(given: object) {
    const kind = given as PackKind
    const { name, outputFile } = kind
    const dispatcher = (events: WorkerEvents): PackDispatcher => {
      const made = new PackDispatcher(kind, events)
      kind.made?.(made)
      return made
    }
    const made: WorkerKind = { name, outputFile, dispatcher }
    super(made)
  }
}
