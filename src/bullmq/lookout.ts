import { setTimeout as sleep } from 'node:timers/promises'
import type { PackEnd } from '../executor/packs/backend.ts'
import { isLarge, stateOf, TTL } from './jobs.ts'
import type { Outstanding } from './outstanding.ts'
import type { LinkUser, QueueLink } from './queue-link.ts'

/** Whose jobs are looked at. */
export interface LookoutOwner extends Pick<LinkUser, 'completed' | 'failed' | 'removed'> {
  readonly link: QueueLink | undefined
  readonly outstanding: Iterable<Outstanding>
  lost(outstanding: Outstanding, end: PackEnd): void
  tellAborts(outstanding: Outstanding): void
}

/** Milliseconds between two looks at jobs of which nothing is heard. */
const LOOK = 2_000
/** Milliseconds between two of them after the server was away, and how many of these there are, at the most. */
const [OFTEN, MOST_LOOKS] = [100, 100]

/** Looks at jobs of which nothing is heard: events and messages may be missed, and workers die. */
export class Lookout {
  readonly #owner: LookoutOwner
  /** The server was away, and no event has come since. */
  #isDeaf = false
  #timer: NodeJS.Timeout | undefined = undefined
  #renewedAt = 0

  constructor(owner: LookoutOwner) {
    this.#owner = owner
  }

  start(): void {
    this.#renewedAt = Date.now()
    this.#timer = setInterval(() => void this.#look(), LOOK).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#isDeaf = false
  }

  /** Events arrive. */
  heard(): void {
    this.#isDeaf = false
  }

  /** The server was away. The reader of events takes seconds until it goes on. */
  async back(): Promise<void> {
    this.#isDeaf = true
    for (let i = 0; this.#isDeaf && i < MOST_LOOKS; i++) {
      await this.lookNow()
      await sleep(OFTEN)
    }
  }

  lookNow(): Promise<void> {
    for (const outstanding of this.#owner.outstanding) outstanding.heardAt = 0
    return this.#look()
  }

  async #look(): Promise<void> {
    const { link } = this.#owner
    if (link === undefined || !link.clients.main.isReady) return
    const now = Date.now()
    const silent = [...this.#owner.outstanding].filter(
      ({ isAdded, isEnding, heardAt }) => isAdded && !isEnding && now - heardAt > LOOK,
    )
    for (const outstanding of silent) outstanding.heardAt = now
    await Promise.all(silent.map((outstanding) => this.#lookAt(link, outstanding))).catch(() => {})
    this.#renew(link, now)
  }

  /** What waits for long does not expire. */
  #renew(link: QueueLink, now: number): void {
    if (now - this.#renewedAt < TTL / 4) return
    this.#renewedAt = now
    for (const { id, pack } of this.#owner.outstanding)
      if (isLarge(pack)) link.clients.tell('PEXPIRE', link.names.calls(id), String(TTL))
  }

  async #lookAt(link: QueueLink, outstanding: Outstanding): Promise<void> {
    const { id, pack } = outstanding
    const state = await stateOf(link, id)
    if (state.kind === 'removed') return this.#owner.removed(pack.id)
    if (state.kind === 'failed') return this.#owner.failed(pack.id, state.reason)
    if (state.kind === 'completed') return this.#owner.completed(pack.id, state.answer)
    if (state.worker === undefined) return
    // A message that was sent while the worker was not connected is lost.
    this.#owner.tellAborts(outstanding)
    if (link.workers.gone(state.worker) === undefined) return
    // It may have been heard of just now.
    await link.heardAll()
    const gone = link.workers.gone(state.worker)
    if (gone === undefined || gone.hello.again || outstanding.isEnding) return
    const { hello, how } = gone
    // If it is alive after all, what it says of the job counts no more.
    await link.clients.send('DEL', link.names.lock(id))
    this.#owner.lost(outstanding, { kind: 'lost', how, host: hello.host, worker: `process ${hello.pid}` })
  }
}
