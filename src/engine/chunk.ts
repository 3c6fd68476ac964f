import type { ExecutorShutdownError } from '../errors.ts'
import type { AnyBody, ExecutorLike, ReadyCall, RemoteCall, Slot } from '../executor/executor.ts'
import type { Queued } from '../executor/ready-queue.ts'
import { isTask, task } from '../task/task.ts'
import { inside } from '../task/task-context.ts'
import { lookUp, type TaskRef } from '../task/task-ref.ts'
import type { Attempt } from './attempt.ts'
import type { Share } from './limits.ts'
import { type Entry, submitTo } from './outlet.ts'
import type { TaskRun } from './task-run.ts'

/** Elements of a `map` that run one after the other in one slot, or travel as one call. Each keeps its own future and record. */
export class Chunk implements ReadyCall, Queued<Entry> {
  nextReady: Entry | undefined = undefined
  readonly #first: TaskRun
  readonly #members: readonly TaskRun[]
  /** Where those begin that may not have been started. */
  #next = 0
  /** Members that may still become ready. */
  #missing: number

  constructor(members: readonly TaskRun[]) {
    this.#first = members[0] as TaskRun
    this.#members = members
    this.#missing = members.length
  }

  get priority(): number {
    return this.#first.priority
  }

  get seq(): number {
    return this.#first.seq
  }

  get share(): Share | undefined {
    return this.#first.share
  }

  get isReady(): boolean {
    this.#skip()
    return this.#next < this.#members.length
  }

  /** A member is ready, or will never be. With the last of them the chunk may start. */
  arrive(): void {
    if (--this.#missing === 0 && this.isReady) this.#first.plan.outlet.push(this)
  }

  /** Runs one member; the others go back to the head of the queue, and follow when it has ended. */
  runHere(slot: Slot, around?: (fn: AnyBody) => AnyBody): boolean {
    const member = this.#shift()
    const isDone = member.runHere(new ChunkSlot(this, slot), around)
    if (isDone) this.goOn()
    return isDone
  }

  forEachRemote(visit: (call: RemoteCall) => void): void {
    if (this.#goOneByOne) {
      this.#shift().forEachRemote(visit)
      return this.goOn()
    }
    while (this.isReady) this.#shift().forEachRemote(visit)
  }

  /** Where each member has a share or a time of its own. */
  get #goOneByOne(): boolean {
    return this.share !== undefined || this.#first.plan.spec.timeout !== Infinity
  }

  goOn(): void {
    if (this.isReady) this.#first.plan.outlet.unshift(this)
  }

  refuse(error: ExecutorShutdownError): void {
    for (const member of this.#members) if (member.isReady) member.refuse(error)
  }

  handOver(executor: ExecutorLike): void {
    if (this.#goOneByOne) {
      this.#shift().handOver(executor)
      return this.goOn()
    }
    const members = this.#members.slice(this.#next).filter((member) => member.isReady)
    this.#next = this.#members.length
    // What each is given may have to be fetched first.
    if (this.#first.plan.scheduler.references !== undefined) for (const member of members) member.handOver(executor)
    else this.#handOverAll(members, executor)
  }

  #handOverAll(members: readonly TaskRun[], executor: ExecutorLike): void {
    const { fn } = this.#first.plan.spec
    const lists = members.map((member) => member.args as readonly unknown[])
    const attempts = members.map((member) => member.begin(undefined))
    attempts.forEach((attempt, i) => {
      attemptsHere.set(lists[i] as readonly unknown[], attempt)
    })
    const results = submitTo(executor, attempts[0] as (typeof attempts)[0], runChunk, [isTask(fn) ? fn.ref : fn, lists])
    const outcomes = Promise.resolve(results as PromiseLike<readonly Outcome[]>)
    attempts.forEach((attempt, i) => {
      attempt.follow(outcomes.then((all) => unwrap(all[i] as Outcome)))
    })
  }

  #shift(): TaskRun {
    this.#skip()
    return this.#members[this.#next++] as TaskRun
  }

  /** Passes over members that were cancelled, or have run. */
  #skip(): void {
    while (this.#next < this.#members.length && this.#members[this.#next]?.isReady === false) this.#next++
  }
}

/** The slot of a member: when it is free, the next member is to have it. */
class ChunkSlot implements Slot {
  readonly #chunk: Chunk
  readonly #slot: Slot

  constructor(chunk: Chunk, slot: Slot) {
    this.#chunk = chunk
    this.#slot = slot
  }

  get isScarce(): boolean {
    return this.#slot.isScarce
  }

  free(): void {
    this.#chunk.goOn()
    this.#slot.free()
  }

  reclaim(granted: (slot: Slot) => void): void {
    this.#slot.reclaim(granted)
  }
}

type Outcome = { readonly value: unknown } | { readonly error: unknown }

function unwrap(outcome: Outcome): unknown {
  if ('error' in outcome) throw outcome.error
  return outcome.value
}

/** By its argument list, the attempt of a member whose chunk was handed over, and runs in this process after all. */
const attemptsHere = new WeakMap<readonly unknown[], Attempt>()

/** A chunk as one call of another executor: a task like others, so that it can leave the process. */
const runChunk = task(
  { name: 'taps-sdk.chunk', module: import.meta.url },
  async (target: TaskRef | ((...args: readonly unknown[]) => unknown), lists: readonly (readonly unknown[])[]) => {
    const fn = typeof target === 'function' ? target : (lookUp(target) as (...args: readonly unknown[]) => unknown)
    const outcomes: Outcome[] = []
    for (const args of lists) {
      try {
        const attempt = attemptsHere.get(args)
        outcomes.push({ value: await (attempt === undefined ? fn(...args) : inside(attempt, () => fn(...args))) })
      } catch (error) {
        outcomes.push({ error })
      }
    }
    return outcomes
  },
)
