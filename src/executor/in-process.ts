import PQueue from 'p-queue'
import { systemClock } from '../clock.ts'
import { CancelledError, ExecutorShutdownError } from '../errors.ts'
import { Fifo } from '../fifo.ts'
import { isFuture } from '../future/task-future.ts'
import { checkOptions, describe } from '../options.ts'
import type { Joined } from '../task/inputs.ts'
import { outside } from '../task/task-context.ts'
import { isOvertime, type Pump, wake } from '../turn.ts'
import {
  type AnyBody,
  type CallSource,
  connectable,
  type Executor,
  type ExecutorFuture,
  type LocalCall,
  type ShutdownOptions,
  type Slot,
  type Waker,
} from './executor.ts'
import { OwnCalls } from './own-calls.ts'
import type { Queued } from './ready-queue.ts'

/** Options of {@link InProcessExecutor}. */
export interface InProcessOptions {
  /** How many bodies may run at the same time: a whole number of at least 1, or Infinity. @defaultValue Infinity */
  readonly concurrency?: number | undefined
}

/**
 * Runs tasks in this process. A p-queue grants the slots; what waits for one stays with its engine, sorted by priority,
 * so that a waiting task costs little memory. A task that awaits a future of its own engine lends its slot meanwhile.
 */
export class InProcessExecutor implements Executor {
  readonly #own: OwnCalls<OwnCall> = new OwnCalls()
  readonly #pool: SlotPool

  constructor(options: InProcessOptions = {}) {
    checkOptions('InProcessExecutor', options, { concurrency: checkConcurrency })
    this.#pool = new SlotPool(options.concurrency ?? Infinity, this.#own)
    connectable(this, (source) => this.#pool.connect(source))
  }

  /** How many bodies may run at the same time. */
  get concurrency(): number {
    return this.#pool.concurrency
  }

  /** Runs a call as soon as a slot is free; never before this returns. */
  submit<A extends readonly unknown[], R>(fn: (...args: A) => R, ...args: A): ExecutorFuture<Joined<R>> {
    if (typeof fn !== 'function') throw new TypeError(`submit takes a task or a function, not ${describe(fn)}`)
    if (this.#pool.isClosed) return Promise.reject(new ExecutorShutdownError())
    const call = new OwnCall(fn as unknown as AnyBody, args)
    this.#own.push(call)
    this.#pool.wake()
    return Object.assign(call.promise as Promise<Joined<R>>, { cancel: (reason?: unknown) => call.cancel(reason) })
  }

  /** Waits for the bodies that run; with `cancelFutures`, what has not started never runs. */
  async shutdown({ wait = true, cancelFutures = false }: ShutdownOptions = {}): Promise<void> {
    this.#pool.isClosed = true
    if (cancelFutures) this.#own.cancelAll()
    if (wait) await this.#pool.quiet()
  }

  /** Shuts down, and waits. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown()
  }
}

/** Starts bodies, each in a slot. */
class SlotPool implements Pump, Waker {
  readonly concurrency: number
  isClosed = false
  /** Grants slots; undefined where there are enough for all. */
  readonly #queue: PQueue | undefined
  readonly #sources: CallSource<LocalCall>[]
  readonly #unlimited: PoolSlot = new PoolSlot(this, undefined)
  readonly #idle: PoolSlot[] = []
  readonly #reclaims: Fifo<(slot: Slot) => void> = new Fifo()
  /** Slots granted, or asked for. */
  #granted = 0
  #running = 0
  isAwake = false
  #isPumping = false
  #onQuiet: (() => void)[] = []

  constructor(concurrency: number, own: CallSource<LocalCall>) {
    this.concurrency = concurrency
    this.#sources = [own]
    this.#queue = concurrency === Infinity ? undefined : new PQueue({ concurrency })
  }

  connect(source: CallSource<LocalCall>): Waker {
    this.#sources.push(source)
    return this
  }

  wake(): void {
    wake(this)
  }

  pump(): void {
    this.#isPumping = true
    this.#start()
    this.#isPumping = false
    if (this.#onQuiet.length > 0 && this.#isQuiet()) for (const resolve of this.#onQuiet.splice(0)) resolve()
  }

  async quiet(): Promise<void> {
    if (!this.#isQuiet()) await new Promise<void>((resolve) => this.#onQuiet.push(resolve))
  }

  /** A body has ended, or waits. Its slot is taken again in the next turn, so that no body starts inside of another. */
  free(slot: PoolSlot): void {
    this.#giveBack(slot)
    this.wake()
  }

  reclaim(granted: (slot: Slot) => void): void {
    this.#reclaims.push(granted)
    this.wake()
  }

  #start(): void {
    for (let slot = this.#nextSlot(); slot !== undefined; slot = this.#nextSlot()) {
      this.#running++
      const goOn = this.#reclaims.shift()
      const call = goOn === undefined ? this.#nextCall() : undefined
      if (goOn !== undefined) goOn(slot)
      else if (call === undefined) {
        this.#giveBack(slot)
        return this.#releaseIdle()
      } else {
        if (call.runHere(slot)) this.#giveBack(slot)
        if (isOvertime()) return this.wake()
      }
    }
  }

  #giveBack(slot: PoolSlot): void {
    this.#running--
    if (slot.isScarce) this.#idle.push(slot)
  }

  #nextSlot(): PoolSlot | undefined {
    if (this.#queue === undefined) return this.#unlimited
    if (this.#idle.length === 0) this.#askForSlots(this.#queue)
    return this.#idle.pop()
  }

  #askForSlots(queue: PQueue): void {
    if (this.#granted === this.concurrency) return
    let wanted = this.#reclaims.size
    for (const source of this.#sources) wanted += source.size
    for (; wanted > 0 && this.#granted < this.concurrency; wanted--) {
      this.#granted++
      void queue.add(() => new Promise<void>((release) => this.#grant(release)))
    }
  }

  #grant(release: () => void): void {
    this.#idle.push(new PoolSlot(this, release))
    if (!this.#isPumping) this.wake()
  }

  #nextCall(): LocalCall | undefined {
    const sources = this.#sources
    for (let i = 0; i < sources.length; i++) {
      const call = (sources[i] as CallSource<LocalCall>).take()
      if (call === undefined) continue
      // The others first next time: of several engines on one executor, none is starved.
      if (sources.length > 2) sources.push(...sources.splice(0, i + 1))
      return call
    }
    return undefined
  }

  #releaseIdle(): void {
    for (let slot = this.#idle.pop(); slot !== undefined; slot = this.#idle.pop()) {
      this.#granted--
      slot.release?.()
    }
  }

  #isQuiet(): boolean {
    return this.#running === 0 && this.#reclaims.size === 0 && this.#sources.every(({ size }) => size === 0)
  }
}

function checkConcurrency(value: unknown): string | undefined {
  return value === Infinity || (Number.isInteger(value) && (value as number) >= 1)
    ? undefined
    : 'a whole number of at least 1, or Infinity'
}

class PoolSlot implements Slot {
  readonly #pool: SlotPool
  readonly release: (() => void) | undefined

  constructor(pool: SlotPool, release: (() => void) | undefined) {
    this.#pool = pool
    this.release = release
  }

  get isScarce(): boolean {
    return this.release !== undefined
  }

  free(): void {
    this.#pool.free(this)
  }

  reclaim(granted: (slot: Slot) => void): void {
    this.#pool.reclaim(granted)
  }
}

class OwnCall implements LocalCall, Queued<OwnCall> {
  readonly priority: number
  readonly promise: Promise<unknown>
  nextReady: OwnCall | undefined = undefined
  isReady = true
  readonly #fn: AnyBody
  readonly #args: readonly unknown[]
  #resolve!: (value: unknown) => void
  #reject!: (error: unknown) => void

  constructor(fn: AnyBody, args: readonly unknown[]) {
    this.#fn = fn
    this.#args = args
    this.priority = (fn as { options?: { priority?: number } }).options?.priority ?? 0
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  cancel(reason?: unknown): boolean {
    if (!this.isReady) return false
    this.isReady = false
    this.promise.catch(() => {})
    this.#reject(new CancelledError(undefined, { cause: reason }))
    return true
  }

  runHere(slot: Slot): boolean {
    this.isReady = false
    systemClock.now()
    // The body before it may have been a task of an engine.
    void outside(() => this.#run(slot))
    return false
  }

  async #run(slot: Slot): Promise<void> {
    try {
      const value = await this.#fn(...this.#args)
      this.#resolve(Array.isArray(value) && value.some(isFuture) ? Promise.all(value) : value)
    } catch (error) {
      this.#reject(error)
    } finally {
      slot.free()
    }
  }
}
