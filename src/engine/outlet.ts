import { ExecutorShutdownError } from '../errors.ts'
import {
  connectOf,
  type EngineSource,
  type ExecutorFuture,
  type ExecutorLike,
  type Shipping,
  type Waker,
} from '../executor/executor.ts'
import { ReadyQueue } from '../executor/ready-queue.ts'
import { inside } from '../task/task-context.ts'
import type { PlaneRecipe } from '../transformer/data-plane.ts'
import { deliverNotices, isOvertime, type Pump, wake } from '../turn.ts'
import type { Attempt } from './attempt.ts'
import type { Chunk } from './chunk.ts'
import type { Limits, Share } from './limits.ts'
import type { References } from './references.ts'
import type { TaskRun } from './task-run.ts'

/** What an executor is given: one call, or a chunk of them. */
export type Entry = TaskRun | Chunk

/** The calls that are ready for one executor. They stay here until it has room for them, so that their order and their memory do not depend on it. */
export class Outlet implements EngineSource, Pump {
  readonly name: string
  readonly executor: ExecutorLike
  /** Of the ids of the engine's tasks. */
  readonly idPrefix: string
  readonly plane: PlaneRecipe | undefined
  /** How arguments are copied when they are submitted, because they leave the process. */
  readonly shipping: Shipping | undefined
  readonly #limits: Limits
  readonly #free: ReadyQueue<Entry>
  readonly #random: (() => number) | undefined
  /** Calls that come under limits, by their share. */
  readonly #limited: Map<Share, ReadyQueue<Entry>> = new Map()
  readonly #waker: Waker
  /** Whether the executor is, only that tells: another one rejects what it is given. */
  readonly isClosed = false
  isAwake = false

  /** @param random - leaves the order to chance, see `ReadyQueue` */
  constructor(
    name: string,
    executor: ExecutorLike,
    idPrefix: string,
    limits: Limits,
    random: (() => number) | undefined,
    references: References | undefined,
  ) {
    this.name = name
    this.executor = executor
    this.idPrefix = idPrefix
    this.#limits = limits
    this.#random = random
    this.#free = new ReadyQueue(random)
    const waker = connectOf(executor)?.(this)
    this.#waker = waker ?? this
    this.shipping = waker?.shipping
    this.plane = this.shipping === undefined ? undefined : references?.recipe()
  }

  get size(): number {
    // One for all that come under limits: how many of them may run now is known only when they are taken.
    return this.#free.size + (this.#limited.size > 0 ? 1 : 0)
  }

  push(entry: Entry): void {
    if (this.#waker.isClosed) return entry.refuse(new ExecutorShutdownError())
    this.#queue(entry.share).push(entry)
    this.#waker.wake()
  }

  /** Before all others of its priority. */
  unshift(entry: Entry): void {
    this.#queue(entry.share).unshift(entry)
    this.#waker.wake()
  }

  /** There may be room for calls that come under limits. */
  retryLimited(): void {
    if (this.#limited.size > 0) this.#waker.wake()
  }

  take(): Entry | undefined {
    // What has happened is told before the next body starts.
    deliverNotices()
    return this.#limited.size === 0 ? this.#free.shift() : this.#takeBest()
  }

  wake(): void {
    wake(this)
  }

  /** Hands all over that is ready: this executor does not say how much it wants. */
  pump(): void {
    for (let entry = this.take(); entry !== undefined; entry = this.take()) {
      entry.handOver(this.executor)
      if (isOvertime()) return this.wake()
    }
  }

  #queue(share: Share | undefined): ReadyQueue<Entry> {
    if (share === undefined) return this.#free
    const known = this.#limited.get(share)
    if (known !== undefined) return known
    const queue = new ReadyQueue<Entry>(this.#random)
    this.#limited.set(share, queue)
    return queue
  }

  /** The first by priority and age whose limits allow it. A label that it lacks is kept from those behind it, so that nothing heavy is starved. */
  #takeBest(): Entry | undefined {
    const heads: { entry: Entry; queue: ReadyQueue<Entry>; share: Share | undefined }[] = []
    const free = this.#free.peek()
    if (free !== undefined) heads.push({ entry: free, queue: this.#free, share: undefined })
    for (const [share, queue] of this.#limited) {
      const entry = queue.peek()
      if (entry === undefined) this.#limited.delete(share)
      else heads.push({ entry, queue, share })
    }
    heads.sort((a, b) => b.entry.priority - a.entry.priority || a.entry.seq - b.entry.seq)
    const reserved = new Set<string>()
    for (const { queue, share } of heads) {
      if (share === undefined || this.#limits.tryTake(share, reserved)) return queue.shift()
    }
    return undefined
  }
}

/** The function that an engine is just giving to an executor, which may be an engine too. */
let handedFn: unknown
let handedBy: unknown

/** Whether `fn` comes from another engine than `scheduler`, which sees to its retries and has chosen the executor. */
export function isHandedOver(fn: unknown, scheduler: unknown): boolean {
  return fn === handedFn && scheduler !== handedBy
}

/** Gives a call to an executor, inside the context of its task. What `submit` throws counts as a rejection. */
export function submitTo(
  executor: ExecutorLike,
  attempt: Attempt,
  fn: (...args: never[]) => unknown,
  args: readonly unknown[],
): ExecutorFuture<unknown> {
  handedFn = fn
  handedBy = attempt.run.plan.scheduler
  try {
    const future: unknown = inside(attempt, () =>
      executor.submit(fn as (...all: readonly unknown[]) => unknown, ...args),
    )
    // A forgotten return; a value is as good as a promise of it.
    if (future === undefined) throw new TypeError("The executor's submit returned undefined, not a promise")
    return future as ExecutorFuture<unknown>
  } catch (error) {
    return Promise.reject(error)
  } finally {
    handedFn = handedBy = undefined
  }
}
