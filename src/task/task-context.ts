import { type Clock, sleep, systemClock } from '../clock.ts'
import { shared } from '../shared.ts'

/** The clock of the engine, as a task sees it. */
export interface TaskClock extends Clock {
  /** Waits `ms` milliseconds; rejects as soon as the task's signal is aborted. */
  sleep(ms: number): Promise<void>
}

/** What the body of a task knows of its own run. */
export interface TaskContext {
  /** The task id, as in the record; empty outside of an engine. */
  readonly id: string
  /** The name of the task. */
  readonly name: string
  /** 1 for the first attempt. */
  readonly attempt: number
  /** Weights by label. */
  readonly labels: Readonly<Record<string, number>>
  /** Aborted when the task is cancelled or its time is up. */
  readonly signal: AbortSignal
  /** The engine's clock: virtual in a test. */
  readonly clock: TaskClock
}

/** A body that runs, as the futures see it that it awaits. */
export interface RunningBody {
  readonly context: TaskContext
  /**
   * Told that the body awaits these futures, which are not all done: it gives its slots to others meanwhile. Answers how to go on:
   * what it is given runs once the slots are there again. Undefined: there is nothing to lend.
   * Throws if the wait would never end, because one of the futures waits for this body.
   */
  awaits(futures: Iterable<object>, howLong?: HowLong): ((goOn: () => void) => void) | undefined
}

/** When a wait ends: with the last of its futures, with any of them, or in any case, because it has a deadline. */
export type HowLong = 'for all' | 'for any' | 'in time'

interface Storage {
  getStore(): RunningBody | undefined
  enterWith(body: RunningBody | undefined): void
  run<R>(body: RunningBody, fn: () => R): R
}
interface AsyncHooks {
  readonly AsyncLocalStorage: (new () => Storage) & { snapshot(): <R>(fn: () => R) => R }
}

// No import: this module has to load where there is no Node. Without it, a body is known only until its first await.
const { process } = globalThis as { process?: { getBuiltinModule?(id: string): unknown } }
const hooks = process?.getBuiltinModule?.('node:async_hooks') as AsyncHooks | undefined
const storage = hooks === undefined ? undefined : sharedStorage(hooks)
// Before Node 24 promises are followed only from the first use on, and what is entered in one that is not followed would
// stay with the whole program.
storage?.run({} as RunningBody, () => {})
const atRoot = hooks?.AsyncLocalStorage.snapshot()
let current: RunningBody | undefined
let entered = false

/** One for all copies of this library: the program of a worker enters bodies, and `taskContext()` of the user's copy finds them. */
function sharedStorage({ AsyncLocalStorage }: AsyncHooks): Storage {
  const holder = shared() as { storage?: Storage }
  holder.storage ??= new AsyncLocalStorage()
  return holder.storage
}

/** The body that the caller belongs to. */
export function currentBody(): RunningBody | undefined {
  return storage === undefined ? current : storage.getStore()
}

/**
 * To be called where a body may begin to wait: lends its slots, if the caller belongs to a body.
 * @returns how to go on, see {@link RunningBody.awaits}
 */
export function beginWait(futures: Iterable<object>, howLong?: HowLong): (goOn: () => void) => void {
  return currentBody()?.awaits(futures, howLong) ?? goOnAtOnce
}

function goOnAtOnce(goOn: () => void): void {
  goOn()
}

/**
 * All that runs from here to the end of this job of the event loop, and what it starts, belongs to `body`, until another
 * one is entered. Half the price of `AsyncLocalStorage.run`.
 */
export function enter(body: RunningBody): void {
  entered = true
  if (storage === undefined) current = body
  else storage.enterWith(body)
}

/** To be called where a job begins that is outside of every body. */
export function beginJob(): void {
  entered = false
  current = undefined
}

/** Runs `fn` as a part of `body`. */
export function inside<R>(body: RunningBody, fn: () => R): R {
  if (storage !== undefined) return storage.run(body, fn)
  const before = current
  current = body
  try {
    return fn()
  } finally {
    current = before
  }
}

/** Runs `fn` outside of the body that was entered last in this job, if any. */
export function outside<R>(fn: () => R): R {
  if (!entered) return fn()
  if (atRoot !== undefined) return atRoot(fn)
  const before = current
  current = undefined
  try {
    return fn()
  } finally {
    current = before
  }
}

/** A clock with the `sleep` of one task. */
export function taskClock(clock: Clock, signal: () => AbortSignal): TaskClock {
  return {
    now: () => clock.now(),
    setTimeout: (callback, ms) => clock.setTimeout(callback, ms),
    clearTimeout: (timer) => clock.clearTimeout(timer),
    sleep: (ms) => sleep(clock, ms, signal()),
  }
}

const never = new AbortController().signal
const noTask: TaskContext = {
  id: '',
  name: '',
  attempt: 1,
  labels: {},
  signal: never,
  clock: taskClock(systemClock, () => never),
}

/**
 * The context of the task whose body calls this. Outside of an engine, where a task is a plain function, it is an empty
 * one: no id, a signal that never fires, the system's clock. Without AsyncLocalStorage (browsers) it is known only
 * before the first `await` of a body.
 */
export function taskContext(): TaskContext {
  return currentBody()?.context ?? noTask
}
