import type { ExecutorShutdownError } from '../errors.ts'
import type { AnyBody, ExecutorLike, ReadyCall, Slot } from '../executor/executor.ts'
import type { Queued } from '../executor/ready-queue.ts'
import { isTask, task } from '../task/task.ts'
import { lookUp, type TaskRef } from '../task/task-ref.ts'
import type { Share } from './limits.ts'
import { type Entry, submitTo } from './outlet.ts'
import type { TaskRun } from './task-run.ts'

/** Elements of a `map` that run one after the other in one slot, or travel as one call. Each keeps its own future and record. */
export class Chunk implements ReadyCall, Queued<Entry> {
  nextReady: Entry | undefined = undefined
  readonly #first: TaskRun
  /** Members that have not been started. */
  #members: readonly TaskRun[]
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
    return this.#members.some((member) => member.isReady)
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

  goOn(): void {
    if (this.isReady) this.#first.plan.outlet.unshift(this)
  }

  refuse(error: ExecutorShutdownError): void {
    for (const member of this.#members) if (member.isReady) member.refuse(error)
  }

  handOver(executor: ExecutorLike): void {
    // Under limits one by one, because each member has a share of its own.
    if (this.share !== undefined) {
      this.#shift().handOver(executor)
      return this.goOn()
    }
    const members = this.#members.filter((member) => member.isReady)
    this.#members = []
    this.#handOverAll(members, executor)
  }

  #handOverAll(members: readonly TaskRun[], executor: ExecutorLike): void {
    const { fn } = this.#first.plan.spec
    const lists = members.map((member) => member.args)
    const attempts = members.map((member) => member.begin(undefined))
    const results = submitTo(executor, attempts[0] as (typeof attempts)[0], runChunk, [isTask(fn) ? fn.ref : fn, lists])
    const outcomes = Promise.resolve(results as PromiseLike<readonly Outcome[]>)
    attempts.forEach((attempt, i) => {
      attempt.follow(outcomes.then((all) => unwrap(all[i] as Outcome)))
    })
  }

  #shift(): TaskRun {
    const i = this.#members.findIndex((member) => member.isReady)
    const member = this.#members[i] as TaskRun
    this.#members = this.#members.slice(i + 1)
    return member
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

/** A chunk as one call of another executor: a task like others, so that it can leave the process. */
const runChunk = task(
  { name: 'taps-sdk.chunk', module: import.meta.url },
  async (target: TaskRef | ((...args: readonly unknown[]) => unknown), lists: readonly (readonly unknown[])[]) => {
    const fn = typeof target === 'function' ? target : (lookUp(target) as (...args: readonly unknown[]) => unknown)
    const outcomes: Outcome[] = []
    for (const args of lists) {
      try {
        outcomes.push({ value: await fn(...args) })
      } catch (error) {
        outcomes.push({ error })
      }
    }
    return outcomes
  },
)
