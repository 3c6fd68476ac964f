import { setTimeout as sleep } from 'node:timers/promises'
import type { Worker } from 'bullmq'
import type { QueueNames } from './names.ts'
import type { Packages } from './packages.ts'
import type { RedisClients } from './redis-clients.ts'

/** Milliseconds between two looks: what has arrived by the second one has had its time. */
const PAUSE = 1_000

/**
 * Gives jobs back that the server has handed to this worker, and that never arrived, because the connection broke in between.
 * Nobody would run them until their lock has expired, and then they would fail.
 */
export class Strays {
  readonly #Job: Packages['bullmq']['Job']
  readonly #clients: RedisClients
  readonly #names: QueueNames
  readonly #worker: Worker
  /** Jobs that have arrived, until the server has taken their ends. */
  readonly #held: Set<string> = new Set()
  #isLooking = false
  #isToLookAgain = false

  constructor({ bullmq }: Packages, clients: RedisClients, names: QueueNames, worker: Worker) {
    this.#Job = bullmq.Job
    this.#clients = clients
    this.#names = names
    this.#worker = worker
    worker.on('completed', ({ id }) => this.#held.delete(id as string))
    worker.on('failed', (job) => this.#held.delete(job?.id as string))
  }

  hold(id: string): void {
    this.#held.add(id)
  }

  /** After the connection broke. */
  async look(): Promise<void> {
    if (this.#isLooking) {
      this.#isToLookAgain = true
      return
    }
    this.#isLooking = true
    try {
      do {
        this.#isToLookAgain = false
        await this.#lookTwice()
      } while (this.#isToLookAgain)
    } catch {
      // The connection broke once more, which brings the next look; or it was closed.
    } finally {
      this.#isLooking = false
    }
  }

  async #lookTwice(): Promise<void> {
    const before = await this.#find()
    await sleep(PAUSE, undefined, { ref: false })
    for (const [id, token] of await this.#find()) if (before.get(id) === token) await this.#giveBack(id, token)
  }

  /** @returns tokens of locks, by the ids of their jobs */
  async #find(): Promise<ReadonlyMap<string, string>> {
    const held = [...this.#held]
    const ask = (...command: string[]) => this.#clients.persistently(() => this.#clients.send(...command))
    const ids = (await ask('LRANGE', this.#names.active, '0', '-1')) as string[]
    const locks = ids.length === 0 ? [] : await ask('MGET', ...ids.map((id) => this.#names.lock(id)))
    const strays = new Map<string, string>()
    const mine = new Set<string>()
    for (const [i, token] of (locks as (string | null)[]).entries()) {
      if (token?.startsWith(`${this.#worker.id}:`) !== true) continue
      const id = ids[i] as string
      mine.add(id)
      if (!this.#held.has(id)) strays.set(id, token)
    }
    // Of those that it has lost no end is told.
    for (const id of held) if (!mine.has(id)) this.#held.delete(id)
    return strays
  }

  async #giveBack(id: string, token: string): Promise<void> {
    const job = await this.#Job.fromId(this.#worker, id)
    await job?.moveToWait(token).catch(() => {
      // Its lock is another's by now; or the connection broke once more, which brings the next look.
    })
  }
}
