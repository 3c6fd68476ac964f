import { hostname } from 'node:os'
import type { Backend, BackendListener, OutgoingPack } from '../../../src/executor/packs/backend.ts'
import type { PackOptions } from '../../../src/executor/packs/pack-dispatcher.ts'
import { PackExecutor, type PackKind } from '../../../src/executor/packs/pack-executor.ts'
import { check, checkNamed } from '../../../src/executor/pool/shipping.ts'
import { PackHost, type PackHostOptions, type TakenPack } from '../../../src/host/pack-host.ts'
import type { TaskMessage } from '../../../src/worker/protocol.ts'

/** A back end without a way in between: packs go to hosted workers of this machine. */
export class LocalBackend implements Backend {
  readonly sent: OutgoingPack[] = []
  readonly host: PackHost
  readonly #taken: Map<number, TakenPack> = new Map()
  #listener: BackendListener | undefined
  #held: NodeJS.Timeout | undefined

  constructor(workers: number, options: Partial<PackHostOptions> = {}) {
    this.host = new PackHost({ workers, hosted: { modules: null, root: null }, ...options })
  }

  start(listener: BackendListener): void {
    this.#listener = listener
    const host = hostname()
    this.host.on('workerStarted', (worker) => listener.workerStarted({ host, worker }))
    this.host.on('workerExited', (worker, how) => listener.workerExited({ host, worker }, how))
    this.host.on('output', (line) => listener.wrote(line))
    listener.slots(this.host.slots)
  }

  send(pack: OutgoingPack): void {
    this.sent.push(pack)
    const listener = this.#listener as BackendListener
    const taken = this.host.run(pack, {
      message: (text, beside) => listener.frames(pack.id, text, beside),
      finish: (text) => {
        this.#taken.delete(pack.id)
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

  hold(isHeld: boolean): void {
    if (isHeld) this.#held ??= setInterval(() => {}, 2 ** 30)
    else {
      clearInterval(this.#held)
      this.#held = undefined
    }
  }

  warmup(tasks: readonly TaskMessage[]): Promise<void> {
    return this.host.load(tasks)
  }

  close(): Promise<void> {
    return this.host.close()
  }
}

/** Options of {@link LocalPacks}. */
export interface LocalOptions extends Partial<PackHostOptions> {
  readonly killAfter?: number
  readonly outputFile?: string
  readonly abroad?: PackOptions['abroad']
}

/** An executor on such a back end. */
export class LocalPacks extends PackExecutor {
  readonly backend: LocalBackend

  constructor(workers: number, options: LocalOptions = {}) {
    const { killAfter = 1000, outputFile, abroad, ...host } = options
    const backend = new LocalBackend(workers, host)
    const how = { foreign: undefined, abroad, check: abroad === undefined ? check : checkNamed }
    const kind: PackKind = { name: 'LocalPacks', backend, killAfter, outputFile, ...how }
    super(kind)
    this.backend = backend
  }
}
