import { setTimeout as sleep } from 'node:timers/promises'
import type { Queue, QueueEvents } from 'bullmq'
import { contain } from '../contain.ts'
import { WHO, withWord } from './hello.ts'
import { checkedAnswer, type JobAnswer } from './job.ts'
import { KnownWorkers, type WorkersListener } from './known-workers.ts'
import { QueueNames } from './names.ts'
import type { QueuePlace } from './options.ts'
import { loadPackages, type Packages } from './packages.ts'
import { isConnectionError, RedisClients } from './redis-clients.ts'

/** A client of a queue. */
export interface LinkUser extends WorkersListener {
  /** Tells its jobs from those of others. */
  readonly client: string
  /** A job has ended. @param answer - undefined if it returned what makes no sense */
  completed(pack: number, answer: JobAnswer | undefined): void
  failed(pack: number, reason: string): void
  /** It is not in the queue any more, and has not run to its end. */
  removed(pack: number): void
  /** A worker has taken it. */
  active(pack: number): void
  /** What workers tell before a job has ended. */
  told(message: Buffer): void
  /** The server was away: events may have been missed. */
  back(): void
  /** The server is gone. */
  gone(error: unknown): void
}

/** Entries of the stream of events, about: what is missed is found by looking at the jobs. */
const MOST_EVENTS = 2_000
/** For how long what has ended is kept for clients that do not take it, in seconds; and how many of these. */
const KEPT = { age: 3_600, count: 1_000 }

/** Milliseconds after which what failed is tried again. */
const AGAIN = 100

const links: Map<string, QueueLink> = new Map()

/** The connections of a program to a queue, which all its executors share: one reader of events. */
export class QueueLink {
  readonly names: QueueNames
  readonly workers: KnownWorkers
  readonly #key: string
  readonly #users: Map<string, LinkUser> = new Map()
  readonly #holders: Set<LinkUser> = new Set()
  readonly #opening: Promise<void>
  /** As soon as there are any: they may never be connected. */
  #clients: RedisClients | undefined = undefined
  #opened: { readonly clients: RedisClients; readonly queue: Queue; readonly events: QueueEvents } | undefined
  #subscriber: ReturnType<RedisClients['copy']> | undefined = undefined
  /** The server has answered the subscriber since the last look at the workers. */
  #hasAnswered = false
  #isClosed = false

  /** The one to a queue; `join` resolves when it is there. */
  static to(place: QueuePlace, owner: string): QueueLink {
    const key = JSON.stringify([place.url, place.prefix, place.queue])
    let link = links.get(key)
    if (link === undefined) {
      link = new QueueLink(key, place, owner)
      links.set(key, link)
    }
    return link
  }

  private constructor(key: string, place: QueuePlace, owner: string) {
    this.#key = key
    this.names = new QueueNames(place.prefix, place.queue)
    const all = (tell: (user: LinkUser) => void): void => this.#tellAll(tell)
    this.workers = new KnownWorkers({
      slotsChanged: (slots) => all((user) => user.slotsChanged(slots)),
      workerCame: (hello) => all((user) => user.workerCame(hello)),
      workerWent: (hello, how) => all((user) => user.workerWent(hello, how)),
    })
    this.#opening = this.#open(place, owner).catch((error) => {
      this.#close()
      throw error
    })
    this.#opening.catch(() => {})
  }

  get clients(): RedisClients {
    return this.#there.clients
  }

  get queue(): Queue {
    return this.#there.queue
  }

  get #there() {
    if (this.#opened === undefined) throw new Error('The queue is not connected')
    return this.#opened
  }

  /** @throws TapsError that names host and port, MissingPeerError */
  async join(user: LinkUser): Promise<void> {
    this.#users.set(user.client, user)
    this.hold(user, true)
    await this.#opening
    await this.#hear(user)
    this.clients.tell('PUBLISH', this.names.toWorkers, withWord(WHO, ''))
  }

  /** Goes on while the server is away. */
  async #hear(user: LinkUser): Promise<void> {
    while (!this.#isClosed && this.#users.has(user.client)) {
      try {
        return await this.#subscriber?.subscribe(
          this.names.toClient(user.client),
          (message) => user.told(message),
          true,
        )
      } catch (error) {
        if (!isConnectionError(error)) throw error
        await sleep(AGAIN)
      }
    }
  }

  /** The last one closes the connections. */
  leave(user: LinkUser): void {
    this.#users.delete(user.client)
    this.hold(user, false)
    if (this.#users.size === 0) return this.#close()
    // Nothing waits for it: the server may be away.
    this.#subscriber?.unsubscribe(this.names.toClient(user.client)).catch(() => {})
  }

  /** Whether the program has to stay alive for a user. */
  hold(user: LinkUser, isHeld: boolean): void {
    if (isHeld) this.#holders.add(user)
    else this.#holders.delete(user)
    this.#opened?.clients.hold(this.#holders.size > 0)
  }

  async #open(place: QueuePlace, owner: string): Promise<void> {
    const packages = await loadPackages(owner)
    if (this.#isClosed) return
    const clients = new RedisClients(packages, place, {
      back: () => this.#back(),
      gone: (error) => this.#gone(error),
    })
    this.#clients = clients
    await clients.connect()
    try {
      await this.#use(clients, packages, place)
    } catch (error) {
      clients.close()
      throw clients.errorOf(error)
    }
  }

  async #use(clients: RedisClients, packages: Packages, place: QueuePlace): Promise<void> {
    const { queue, prefix } = place
    const connection = clients.main as never
    const defaultJobOptions = { attempts: 1, removeOnComplete: KEPT, removeOnFail: KEPT }
    const streams = { events: { maxLen: MOST_EVENTS } }
    // From here on none is missed: the first job comes later.
    const lastEventId = await lastEvent(clients, this.names)
    const opened = {
      clients,
      queue: new packages.bullmq.Queue(queue, { connection, prefix, defaultJobOptions, streams }),
      events: new packages.bullmq.QueueEvents(queue, { connection, prefix, lastEventId, blockingTimeout: 0 }),
    }
    this.#opened = opened
    this.#listen(opened.events)
    // What fails is tried again, or told by the command that failed.
    opened.queue.on('error', () => {})
    opened.events.on('error', (error) => this.#readOn(opened.events, error))
    this.#subscriber = clients.copy()
    await this.#subscriber.connect()
    await this.#subscriber.subscribe(this.names.fromWorkers, (message) => this.workers.heard(message), true)
    this.workers.watch(() => clients.main.isReady && this.#isHearing())
    clients.hold(this.#holders.size > 0)
  }

  /** Whether silence says anything: a server that is frozen keeps its connections. */
  #isHearing(): boolean {
    const isHearing = this.#hasAnswered
    this.#hasAnswered = false
    if (this.#subscriber?.isReady !== true) return false
    this.heardAll().then(
      () => {
        this.#hasAnswered = true
      },
      () => {},
    )
    return isHearing
  }

  /** Resolves when all is read that workers have said by now: it came before this answer. */
  async heardAll(): Promise<void> {
    await this.#subscriber?.sendCommand(['PING'])
  }

  #listen(events: QueueEvents): void {
    events.on('completed', ({ jobId, returnvalue }) =>
      this.#tell(jobId, (user, pack) => user.completed(pack, checkedAnswer(returnvalue))),
    )
    events.on('failed', ({ jobId, failedReason }) => this.#tell(jobId, (user, pack) => user.failed(pack, failedReason)))
    events.on('removed', ({ jobId }) => this.#tell(jobId, (user, pack) => user.removed(pack)))
    events.on('active', ({ jobId }) => this.#tell(jobId, (user, pack) => user.active(pack)))
  }

  /** An event that makes no sense, which anybody can write, ends the reader: it goes on behind that. */
  #readOn(events: QueueEvents, error: unknown): void {
    if (this.#isClosed || isConnectionError(error)) return
    Object.assign(events.opts, { lastEventId: '$' })
    // If it has not ended, it says so.
    events.run().catch(() => {})
    this.#tellAll((user) => user.back())
  }

  /** Jobs of other programs are of no concern. */
  #tell(jobId: string, tell: (user: LinkUser, pack: number) => void): void {
    const end = jobId.lastIndexOf('-')
    const user = this.#users.get(jobId.slice(0, end))
    if (user !== undefined) tell(user, Number(jobId.slice(end + 1)))
  }

  #tellAll(tell: (user: LinkUser) => void): void {
    for (const user of [...this.#users.values()])
      contain(
        () => tell(user),
        (error) => console.warn('A client of a queue failed:', error),
      )
  }

  #back(): void {
    this.workers.forgive()
    this.clients.tell('PUBLISH', this.names.toWorkers, withWord(WHO, ''))
    this.#tellAll((user) => user.back())
  }

  #gone(error: unknown): void {
    const users = [...this.#users.values()]
    this.#close()
    for (const user of users) user.gone(error)
  }

  #close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (links.get(this.#key) === this) links.delete(this.#key)
    this.workers.stop()
    this.#users.clear()
    // These two wait for nothing that is of use: what they have is not theirs.
    for (const each of [this.#opened?.queue, this.#opened?.events]) each?.close().catch(() => {})
    this.#clients?.close()
  }
}

async function lastEvent(clients: RedisClients, names: QueueNames): Promise<string> {
  const last = (await clients.send('XREVRANGE', names.events, '+', '-', 'COUNT', '1')) as readonly [string, unknown][]
  return last[0]?.[0] ?? '0-0'
}
