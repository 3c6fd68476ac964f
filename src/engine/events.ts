import { EventEmitter } from 'eventemitter3'
import { contain } from '../contain.ts'
import type { TaskInfo } from '../record/record.ts'

/** What an engine tells. Listeners run after the fact, in the order of registration, never inside of `submit`. */
export interface EngineEvents {
  /** A task was submitted. */
  submitted: (info: TaskInfo) => void
  /** Its last parent is done. */
  ready: (info: TaskInfo) => void
  /** An attempt began. */
  started: (info: TaskInfo) => void
  /** An attempt failed with this error, and there will be another one. */
  retried: (info: TaskInfo, error: unknown) => void
  /** It succeeded, failed, was blocked or cancelled; its record has been written. */
  settled: (info: TaskInfo) => void
  /** The engine has shut down, and this many tasks had failed without anybody asking for the outcome; with a few of them. */
  unobserved: (count: number, sample: readonly TaskInfo[]) => void
  /** Something threw that changes no outcome: a listener, a callback, a record logger. */
  warning: (message: string, error: unknown) => void
}

// biome-ignore lint/suspicious/noExplicitAny: whatever the event gives
type Listener = (...args: any[]) => unknown

/** An emitter that contains what listeners throw: eventemitter3's own `emit` would let it stop the others. */
export class Events {
  readonly #emitter: EventEmitter = new EventEmitter()
  /** By event, because a listener may be that of several. */
  readonly #wrappers: Map<keyof EngineEvents, WeakMap<Listener, Listener>> = new Map()

  /** Whether anybody has ever listened to anything: if not, there is no need to describe what happens. */
  inUse = false

  /** Whether anybody listens. */
  has(event: keyof EngineEvents): boolean {
    return this.#emitter.listenerCount(event) > 0
  }

  add(event: keyof EngineEvents, listener: Listener, once: boolean): void {
    if (typeof listener !== 'function') throw new TypeError('A listener is a function')
    this.inUse = true
    const wrapper = this.#wrap(event, listener)
    if (once) this.#emitter.once(event, wrapper)
    else this.#emitter.on(event, wrapper)
  }

  remove(event: keyof EngineEvents, listener: Listener): void {
    const wrapper = this.#wrappers.get(event)?.get(listener)
    if (wrapper !== undefined) this.#emitter.off(event, wrapper)
  }

  emit<E extends keyof EngineEvents>(event: E, ...args: Parameters<EngineEvents[E]>): void {
    this.#emitter.emit(event, ...args)
  }

  /** Reports what changes no outcome: to those who listen, else on the console. */
  warn(message: string, error: unknown): void {
    if (this.has('warning')) this.emit('warning', message, error)
    else console.warn(`taps-sdk: ${message}`, error)
  }

  #wrap(event: keyof EngineEvents, listener: Listener): Listener {
    const wrappers = this.#wrappers.get(event) ?? new WeakMap<Listener, Listener>()
    this.#wrappers.set(event, wrappers)
    const known = wrappers.get(listener)
    if (known !== undefined) return known
    const message = `A listener of ${event} threw`
    // A listener of warnings that throws is not told of it.
    const report = (error: unknown): void =>
      event === 'warning' ? console.warn(`taps-sdk: ${message}`, error) : this.warn(message, error)
    const wrapper = (...args: unknown[]): void => contain(() => listener(...args), report)
    wrappers.set(listener, wrapper)
    return wrapper
  }

  /** Runs user code; what it throws is a warning. */
  contain(message: string, fn: () => unknown): void {
    contain(fn, (error) => this.warn(message, error))
  }
}
