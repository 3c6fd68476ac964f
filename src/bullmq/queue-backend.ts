import { ExecutorShutdownError } from '../errors.ts'
import type { Backend, BackendListener, OutgoingPack, PackEnd } from '../executor/packs/backend.ts'
import type { TaskMessage } from '../worker/protocol.ts'
import { type Hello, splitWord, withWord } from './hello.ts'
import { type JobAnswer, jobId } from './job.ts'
import { removeJob, takeBack } from './jobs.ts'
import { Loads } from './loads.ts'
import { Lookout, type LookoutOwner } from './lookout.ts'
import type { QueuePlace } from './options.ts'
import { Outbox, type OutboxOwner } from './outbox.ts'
import type { Outstanding } from './outstanding.ts'
import { asBytes, getMessages } from './parcels.ts'
import { type LinkUser, QueueLink } from './queue-link.ts'
import { isConnectionError } from './redis-clients.ts'
import { SlotWaiters } from './slot-waiters.ts'

/** What a backend of a queue is made with. */
export interface QueueBackendOptions {
  readonly place: QueuePlace
  /** Told when the queue is there: starts what belongs to this program. */
  readonly opened: (listener: BackendListener) => Promise<LocalWorkers | undefined>
}

/** Workers of this program. */
export interface LocalWorkers {
  close(): Promise<void>
}

/** Carries packs through a queue of BullMQ. */
export class QueueBackend implements Backend, LinkUser {
  readonly client: string
  readonly #options: QueueBackendOptions
  readonly #packs: Map<number, Outstanding> = new Map()
  readonly #outbox: Outbox<Outstanding>
  readonly #lookout: Lookout
  readonly #forgetting: Set<Promise<unknown>> = new Set()
  #link: QueueLink | undefined = undefined
  /** The link is there. */
  #hasJoined = false
  #listener: BackendListener | undefined = undefined
  #joining: Promise<void> = Promise.resolve()
  #local: LocalWorkers | undefined = undefined
  #isHeld = true
  readonly #waiters: SlotWaiters = new SlotWaiters()
  readonly #loads: Loads = new Loads()

  constructor(client: string, options: QueueBackendOptions) {
    this.client = client
    this.#options = options
    const owner = this.#owner()
    this.#outbox = new Outbox(owner)
    this.#lookout = new Lookout(owner)
  }

  // --- For the dispatcher

  start(listener: BackendListener): void {
    this.#listener = listener
    this.#joining = this.#join(listener)
    this.#joining.catch((error) => this.gone(error))
  }

  async #join(listener: BackendListener): Promise<void> {
    const link = QueueLink.to(this.#options.place, 'BullMQExecutor')
    this.#link = link
    this.#hasJoined = false
    await link.join(this)
    if (this.#link !== link) return
    this.#hasJoined = true
    link.hold(this, this.#isHeld)
    this.#lookout.start()
    for (const worker of link.workers.all) this.workerCame(worker)
    this.slotsChanged(link.workers.slots)
    const local = await this.#options.opened(listener)
    if (this.#link === link) this.#local = local
    else await local?.close()
  }

  send(pack: OutgoingPack): void {
    const id = jobId(this.client, pack.id)
    const flags = { isAdded: false, isEnding: false, isCancelled: false }
    const outstanding = { pack, id, ...flags, heardAt: Date.now(), told: 0, onTold: undefined, aborts: [] }
    this.#packs.set(pack.id, outstanding)
    this.#outbox.push(outstanding)
  }

  cancel(id: number): void {
    const outstanding = this.#packs.get(id)
    if (outstanding === undefined) return
    outstanding.isCancelled = true
    if (outstanding.isAdded) void this.#takeBack(outstanding)
  }

  abort(id: number, _position: number, text: string, beside: readonly object[]): void {
    const outstanding = this.#packs.get(id)
    if (outstanding === undefined) return
    const message = withWord(outstanding.id, asBytes([{ text, beside }]))
    // Once more when it becomes active: now it may be that no worker has it.
    outstanding.aborts.push(message)
    this.#clients?.tell('PUBLISH', this.#names.toWorkers, message)
  }

  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
    this.#link?.hold(this, isHeld)
  }

  async warmup(tasks: readonly TaskMessage[], slots: number): Promise<void> {
    await this.#joining
    await this.#waiters.until(() => (this.#link?.workers.slots ?? 0) >= slots)
    if (tasks.length === 0) return
    const workers = this.#known.filter(({ slots }) => slots > 0).map(({ id }) => id)
    await this.#loads.ask(this.client, workers, (word) =>
      this.#clients?.tell('PUBLISH', this.#names.toWorkers, withWord(word, JSON.stringify(tasks))),
    )
  }

  async close(): Promise<void> {
    // A server that is only just being reached has nothing of this, and may never answer.
    if (this.#hasJoined) await this.#joining.catch(() => {})
    this.#lookout.stop()
    this.#waiters.fail(new ExecutorShutdownError('The executor was shut down while somebody waited for workers'))
    const link = this.#link
    if (link !== undefined && this.#hasJoined) await this.#endAll()
    this.#link = undefined
    link?.leave(this)
  }

  async #endAll(): Promise<void> {
    for (const outstanding of this.#packs.values()) this.#forget(outstanding)
    await atMost(PATIENCE, Promise.all(this.#forgetting))
    await this.#local?.close()
  }

  // --- What the queue tells

  slotsChanged(slots: number): void {
    this.#listener?.slots(slots)
    this.#waiters.changed()
  }

  workerCame({ host, pid }: Hello): void {
    this.#listener?.workerStarted({ host, worker: `process ${pid}` })
  }

  workerWent(worker: Hello, how: string): void {
    const { host, pid } = worker
    this.#listener?.workerExited({ host, worker: `process ${pid}` }, how)
    this.#loads.workerWent(worker.id)
    // What it held will not end.
    void this.#lookout.lookNow()
  }

  active(id: number): void {
    const outstanding = this.#packs.get(id)
    this.#lookout.heard()
    if (outstanding === undefined) return
    outstanding.heardAt = Date.now()
    this.#tellAborts(outstanding)
  }

  completed(id: number, answer: JobAnswer | undefined): void {
    const outstanding = this.#packs.get(id)
    if (outstanding === undefined || outstanding.isEnding) return
    outstanding.isEnding = true
    void this.#answered(outstanding, answer)
  }

  failed(id: number, reason: string): void {
    this.#end(id, { kind: 'lost', how: `lost its job (${reason})` })
  }

  removed(id: number): void {
    const outstanding = this.#packs.get(id)
    if (outstanding === undefined || outstanding.isEnding) return
    this.#end(
      id,
      outstanding.isCancelled ? { kind: 'notRun' } : { kind: 'lost', how: 'lost its job, which was removed' },
    )
  }

  told(message: Buffer): void {
    const [word, rest] = splitWord(message)
    if (word.startsWith('load ')) return this.#loads.answered(word, rest.toString())
    const outstanding = this.#packs.get(Number(word))
    if (outstanding === undefined) return
    outstanding.heardAt = Date.now()
    for (const text of rest.toString().split('\n')) this.#listener?.frames(outstanding.pack.id, text, [])
    outstanding.told++
    outstanding.onTold?.()
  }

  back(): void {
    void this.#lookout.back()
  }

  gone(error: unknown): void {
    this.#lookout.stop()
    this.#link?.leave(this)
    this.#link = undefined
    this.#packs.clear()
    this.#outbox.clear()
    this.#loads.fail(error)
    this.#waiters.fail(error)
    void this.#local?.close()
    this.#local = undefined
    this.#listener?.failed(error)
  }

  // --- Jobs

  get #clients() {
    return this.#link?.clients
  }

  get #names() {
    return (this.#link as QueueLink).names
  }

  get #known(): readonly Hello[] {
    return this.#link?.workers.all ?? []
  }

  /** What adds jobs, and what looks at them, needs of this. */
  #owner(): OutboxOwner<Outstanding> & LookoutOwner {
    const linkOf = (): QueueLink | undefined => this.#link
    const all = this.#packs
    return {
      client: this.client,
      get link() {
        return linkOf()
      },
      get outstanding() {
        return all.values()
      },
      isWanted: ({ pack }) => this.#packs.has(pack.id),
      added: (all) => this.#added(all),
      refused: ({ pack }, error) => this.#end(pack.id, { kind: 'refused', error }),
      completed: (id, answer) => this.completed(id, answer),
      failed: (id, reason) => this.failed(id, reason),
      removed: (id) => this.removed(id),
      lost: ({ pack }, end) => this.#end(pack.id, end),
      tellAborts: (outstanding) => this.#tellAborts(outstanding),
    }
  }

  #added(all: readonly Outstanding[]): void {
    for (const outstanding of all) {
      outstanding.isAdded = true
      if (outstanding.isCancelled) void this.#takeBack(outstanding)
    }
  }

  /** If it has not begun. */
  async #takeBack({ id, pack }: Outstanding): Promise<void> {
    const link = this.#link
    const isBack = link !== undefined && (await takeBack(link, id).catch(() => false))
    if (isBack) this.#end(pack.id, { kind: 'notRun' })
  }

  async #answered(outstanding: Outstanding, answer: JobAnswer | undefined): Promise<void> {
    const { pack, id } = outstanding
    const link = this.#link as QueueLink
    try {
      const messages =
        answer?.messages?.map((text) => ({ text, beside: [] })) ??
        (await getMessages(link.clients, link.names.answer(id)))
      if (messages === undefined)
        return this.#end(pack.id, { kind: 'lost', how: 'gave an answer that is not there any more' })
      const { told = 0 } = answer ?? {}
      if (outstanding.told < told) await atMost(MOST_LATE, untilTold(outstanding, told))
      for (const { text, beside } of messages) this.#listener?.frames(pack.id, text, beside)
      this.#end(pack.id, { kind: 'answered' })
    } catch (error) {
      if (!isConnectionError(error))
        return this.#end(pack.id, { kind: 'lost', how: 'gave an answer that makes no sense', cause: error })
      // Looked for again when the server is back.
      outstanding.isEnding = false
      outstanding.heardAt = 0
    }
  }

  #end(id: number, end: PackEnd): void {
    const outstanding = this.#packs.get(id)
    if (outstanding === undefined) return
    this.#packs.delete(id)
    this.#forget(outstanding)
    this.#listener?.ended(id, end)
  }

  /** Nothing of it stays. While the server is away, its own limits of time have to do. */
  #forget(outstanding: Outstanding): void {
    const link = this.#link
    if (link === undefined || !link.clients.main.isReady) return
    const forgetting = removeJob(link, outstanding)
      .catch(() => {})
      .finally(() => this.#forgetting.delete(forgetting))
    this.#forgetting.add(forgetting)
  }

  #tellAborts({ aborts }: Outstanding): void {
    for (const message of aborts) this.#clients?.tell('PUBLISH', this.#names.toWorkers, message)
  }
}

/** Milliseconds for which the end waits for the server. */
const PATIENCE = 1_000

/** Milliseconds for which an answer waits for what was told before it: if the connection broke meanwhile, that is lost. */
const MOST_LATE = 1_000

function untilTold(outstanding: Outstanding, told: number): Promise<void> {
  return new Promise((resolve) => {
    outstanding.onTold = () => outstanding.told >= told && resolve()
  })
}

/** Waits for something, but only for so long. */
async function atMost(ms: number, something: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([something, late]).finally(() => clearTimeout(timer))
}
