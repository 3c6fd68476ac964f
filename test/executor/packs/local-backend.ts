import type { Backend, BackendListener, OutgoingPack } from '../../../src/executor/packs/backend.ts'
import { PackExecutor, type PackKind } from '../../../src/executor/packs/pack-executor.ts'
import { check } from '../../../src/executor/pool/shipping.ts'
import { PackHost, type TakenPack } from '../../../src/host/pack-host.ts'
import type { TaskMessage } from '../../../src/worker/protocol.ts'

/** A back end without a way in between: packs go to hosted workers of this machine. */
export class LocalBackend implements Backend {
  readonly sent: OutgoingPack[] = []
  readonly host: PackHost
  readonly #slots: number
  readonly #taken: Map<number, TakenPack> = new Map()
  #listener: BackendListener | undefined

  constructor(slots: number) {
    this.#slots = slots
    this.host = new PackHost({ workers: slots, hosted: { modules: null, root: null } })
  }

  start(listener: BackendListener): void {
    this.#listener = listener
    this.host.on('workerStarted', (worker) => listener.workerStarted({ host: 'here', worker }))
    listener.slots(this.#slots)
  }

  send(pack: OutgoingPack): void {
    this.sent.push(pack)
    const listener = this.#listener as BackendListener
    const taken = this.host.run(pack, {
      message: (text, beside) => listener.frames(pack.id, text, beside),
      finish: (text) => {
        listener.frames(pack.id, text, [])
        listener.ended(pack.id, { kind: 'answered' })
      },
    })
    this.#taken.set(pack.id, taken)
  }

  cancel(): void {}

  abort(id: number, _position: number, text: string, beside: readonly object[]): void {
    this.#taken.get(id)?.abort(text, beside)
  }

  hold(): void {}

  warmup(tasks: readonly TaskMessage[]): Promise<void> {
    return this.host.load(tasks)
  }

  close(): Promise<void> {
    return this.host.close()
  }
}

/** An executor on such a back end. */
export class LocalPacks extends PackExecutor {
  readonly backend: LocalBackend

  constructor(slots: number) {
    const backend = new LocalBackend(slots)
    const kind: PackKind = {
      name: 'LocalPacks',
      backend,
      killAfter: 1000,
      foreign: undefined,
      abroad: undefined,
      outputFile: undefined,
      check,
    }
    super(kind)
    this.backend = backend
  }
}
