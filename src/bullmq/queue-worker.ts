import { hostname } from 'node:os'
import { resolve } from 'node:path'
import type { Job, Worker } from 'bullmq'
import { EventEmitter } from 'eventemitter3'
import { ConfigError, messageOf } from '../errors.ts'
import type { OutputLine } from '../executor/output-file.ts'
import { checkPlatform } from '../executor/pool/pool-options.ts'
import { checkBootstrap } from '../executor/pool/shipping.ts'
import { PackHost, type TakenPack } from '../host/pack-host.ts'
import type { HostedInit, TaskMessage } from '../worker/protocol.ts'
import { Answer } from './answer.ts'
import { EarlyAborts } from './early-aborts.ts'
import { BEAT, type Hello, splitWord, WHO, withWord } from './hello.ts'
import { checkedJob, type JobAnswer, type JobData, jobId, MOST_INLINE_ANSWER } from './job.ts'
import { TTL } from './jobs.ts'
import { libraryModules } from './library-modules.ts'
import { moduleUrls, rootUrl } from './modules.ts'
import { QueueNames } from './names.ts'
import { type QueuePlace, queuePlace } from './options.ts'
import { loadPackages, type Packages } from './packages.ts'
import { fromBytes, getMessages, type Message, putMessages } from './parcels.ts'
import { RedisClients } from './redis-clients.ts'
import { Strays } from './strays.ts'
import { checkWorkerOptions, type QueueWorkerOptions } from './worker-options.ts'

/** What a worker tells. */
export interface QueueWorkerEvents {
  /** Something was written while no task ran, or by what is beside the tasks. */
  output: [line: OutputLine]
  /** A process that runs tasks is there. */
  workerStarted: [worker: string]
  /** It has ended; `how`, in words: `exited with code 0`. */
  workerExited: [worker: string, how: string]
  /** Something went wrong that concerns no call: the server is away, a job makes no sense. It goes on. */
  error: [error: Error]
}

/** Milliseconds that a lock on a job holds, which is renewed; and between two looks for jobs whose lock is gone. */
const [LOCK, STALLED_LOOK] = [30_000, 5_000]

/** A worker of a queue: takes packs from it, has its processes run them, and gives the answers back. */
export class QueueWorker {
  /** How many packs it runs at the same time. */
  readonly slots: number
  readonly #options: QueueWorkerOptions
  readonly #names: QueueNames
  readonly #host: PackHost
  readonly #events: EventEmitter<QueueWorkerEvents> = new EventEmitter()
  readonly #running: Map<string, TakenPack> = new Map()
  readonly #early: EarlyAborts = new EarlyAborts()
  #clients!: RedisClients
  #worker!: Worker
  #strays: Strays | undefined = undefined
  #beats: NodeJS.Timeout | undefined = undefined
  #closing: Promise<void> | undefined = undefined

  /** @throws ConfigError */
  constructor(options: QueueWorkerOptions) {
    checkWorkerOptions(options)
    this.#options = options
    checkPlatform('A worker of a queue')
    checkBootstrap('startWorker')
    const { modules, workers, concurrency, idleTimeout, env, execArgv, dataDirs = [] } = options
    if (modules === undefined) throw new ConfigError('startWorker takes { modules }, those with the tasks')
    const { prefix, queue } = queuePlace('startWorker', options)
    this.#names = new QueueNames(prefix, queue)
    const hosted = this.#hostedWith(modules, dataDirs)
    this.#host = new PackHost({ workers, concurrency, idleTimeout, env, execArgv, hosted })
    this.slots = this.#host.slots
    this.#host
      .on('output', (line) => this.#events.emit('output', line))
      .on('workerStarted', (worker) => this.#events.emit('workerStarted', worker))
      .on('workerExited', (worker, how) => this.#events.emit('workerExited', worker, how))
      .on('failed', (message) => this.#events.emit('error', new Error(message)))
  }

  /** Connects, and takes packs from the queue from then on. @throws TapsError if the server cannot be reached, MissingPeerError */
  async start(): Promise<this> {
    const place = queuePlace('startWorker', this.#options)
    const packages = await loadPackages('startWorker')
    // A worker waits for its server as long as it takes.
    this.#clients = new RedisClients(
      packages,
      { ...place, reconnectTimeout: Infinity },
      {
        back: () => this.#back(),
        gone: () => {},
      },
    )
    await this.#clients.connect()
    try {
      await this.#check()
      await this.#begin(packages, place)
    } catch (error) {
      await this.#giveUp()
      throw error
    }
    return this
  }

  async #begin(packages: Packages, place: QueuePlace): Promise<void> {
    const subscriber = this.#clients.copy()
    await subscriber.connect()
    await subscriber.subscribe(this.#names.toWorkers, (message) => this.#told(message), true)
    this.#worker = this.#makeWorker(packages, place)
    this.#strays = new Strays(packages, this.#clients, this.#names, this.#worker)
    await this.#worker.waitUntilReady()
    // Before it takes a job: clients know the workers that their jobs are with.
    await this.#clients.send('PUBLISH', this.#names.fromWorkers, JSON.stringify(this.#hello))
    this.#beats = setInterval(() => this.#sayHello(), BEAT)
    this.#worker.run().catch((error) => this.#events.emit('error', error))
  }

  /** Nothing stays of a worker that could not be started. */
  async #giveUp(): Promise<void> {
    this.#worker?.close(true).catch(() => {})
    this.#clients.close()
    await this.#host.close({ isHard: true })
  }

  /** Before anybody counts on it: a worker whose modules cannot be imported would be of no use. */
  async #check(): Promise<void> {
    try {
      await this.#host.check()
    } catch (cause) {
      throw new ConfigError(messageOf(cause), { cause })
    }
  }

  #back(): void {
    this.#sayHello()
    void this.#strays?.look()
  }

  /** What its processes know from now on: those that run are replaced when they have ended what they do. */
  setKnown(modules: readonly string[], dataDirs: readonly string[]): void {
    this.#host.setHosted(this.#hostedWith(modules, dataDirs))
  }

  #hostedWith(modules: readonly string[], dataDirs: readonly string[]): HostedInit {
    const { url } = queuePlace('startWorker', this.#options)
    return {
      modules: [...libraryModules(), ...moduleUrls('startWorker', modules, process.cwd())],
      root: rootUrl('startWorker', this.#options.root),
      storage: { dirs: dataDirs.map((dir) => resolve(dir)), redis: url },
    }
  }

  /** What tells it from others in the queue. */
  get id(): string {
    return this.#worker.id
  }

  /** Calls a listener whenever it happens. */
  on<E extends keyof QueueWorkerEvents>(event: E, listener: (...args: QueueWorkerEvents[E]) => void): this {
    this.#events.on(event, listener as never)
    return this
  }

  /**
   * Takes no more jobs, waits for the calls that run, gives those back that have not begun, and ends the processes.
   * @param options - `isHard`: the calls that run are ended too, and fail; also if it is closing already
   */
  close({ isHard = false }: { readonly isHard?: boolean } = {}): Promise<void> {
    this.#closing ??= this.#close()
    if (isHard) void this.#host.close({ isHard })
    return this.#closing
  }

  #makeWorker({ bullmq }: Packages, { queue, prefix }: { readonly queue: string; readonly prefix: string }): Worker {
    const worker = new bullmq.Worker(queue, (job: Job) => this.#process(job), {
      connection: this.#clients.main as never,
      prefix,
      autorun: false,
      concurrency: this.slots,
      lockDuration: LOCK,
      stalledInterval: STALLED_LOOK,
      maxStalledCount: this.#options.stalled === 'again' ? Number.MAX_SAFE_INTEGER : 0,
      runRetryDelay: 1_000,
    })
    worker.on('error', (error) => this.#events.emit('error', error))
    return worker
  }

  async #close(): Promise<void> {
    this.#sayHello()
    this.#host.giveBack()
    const { main } = this.#clients
    // Without its server it has nothing to wait for.
    await this.#worker.close(!main.isReady)
    await this.#host.close()
    clearInterval(this.#beats)
    const bye = JSON.stringify({ ...this.#hello, bye: true })
    if (main.isReady) await this.#clients.send('PUBLISH', this.#names.fromWorkers, bye).catch(() => {})
    this.#clients.close()
  }

  async #process(job: Job): Promise<JobAnswer> {
    this.#strays?.hold(job.id as string)
    const data = checkedJob(job.data)
    const id = jobId(data.client, data.pack)
    const pack = await this.#packOf(id, data)
    const answer = new Answer((texts) => this.#tellClient(data.client, String(data.pack), texts))
    const taken = this.#host.run({ ...pack, calls: data.calls }, answer)
    this.#running.set(id, taken)
    for (const { text, beside } of this.#early.take(id)) taken.abort(text, beside)
    if (this.#closing !== undefined) this.#host.giveBack()
    await answer.ended
    this.#running.delete(id)
    const { told } = answer
    return { ...(await this.#keep(id, answer.messages)), ...(told > 0 ? { told } : {}) }
  }

  async #packOf(id: string, { text }: JobData): Promise<Message> {
    if (text !== undefined) return { text, beside: [] }
    const [pack] = (await this.#clients.persistently(() => getMessages(this.#clients, this.#names.calls(id)))) ?? []
    if (pack === undefined) throw new Error('its calls are not there any more')
    return pack
  }

  /** Small ones are in what the job returns. */
  async #keep(id: string, messages: readonly Message[]): Promise<JobAnswer> {
    const size = messages.reduce((sum, { text, beside }) => sum + text.length + beside.length * MOST_INLINE_ANSWER, 0)
    if (size < MOST_INLINE_ANSWER) return { messages: messages.map(({ text }) => text) }
    await this.#clients.persistently(() => putMessages(this.#clients, this.#names.answer(id), messages, TTL))
    return {}
  }

  get #hello(): Hello {
    // One that ends has room for what it runs, and no more.
    const slots = this.#closing === undefined ? this.slots : this.#running.size
    return { id: this.id, host: hostname(), pid: process.pid, slots, again: this.#options.stalled === 'again' }
  }

  #sayHello(): void {
    this.#clients.tell('PUBLISH', this.#names.fromWorkers, JSON.stringify(this.#hello))
  }

  #tellClient(client: string, word: string, rest: string): void {
    this.#clients.tell('PUBLISH', this.#names.toClient(client), withWord(word, rest))
  }

  /** By a client. It is data: what makes no sense is passed over. */
  #told(message: Buffer): void {
    const [word, rest] = splitWord(message)
    if (word === WHO) return this.#sayHello()
    try {
      if (word.startsWith('load ')) void this.#load(word, JSON.parse(rest.toString()) as TaskMessage[])
      else this.#abort(word, fromBytes([rest]), rest.length)
    } catch (error) {
      this.#events.emit('error', new Error(`A message makes no sense: ${messageOf(error)}`, { cause: error }))
    }
  }

  #abort(id: string, messages: readonly Message[], bytes: number): void {
    const taken = this.#running.get(id)
    if (taken !== undefined) {
      for (const { text, beside } of messages) taken.abort(text, beside)
      return
    }
    this.#early.add(id, messages, bytes)
  }

  async #load(word: string, tasks: readonly TaskMessage[]): Promise<void> {
    const [, client = ''] = word.split(' ')
    if (!/^[\w-]{1,64}$/.test(client) || !Array.isArray(tasks)) return
    const failure = await this.#host.load(tasks).then(() => '', messageOf)
    this.#tellClient(client, `${word} ${this.id}`, failure)
  }
}
