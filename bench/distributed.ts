/** Our own figures on back ends: straight to the executor, and through an engine. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Task, TaskFuture } from 'taps-sdk'
import { type BackEnd, backEnds, type Opened, openForPacksOfOne } from './back-ends.ts'
import { atOnce, inWindow, type Peer } from './drive.ts'
import { check, sumBelow, timedFor } from './measure.ts'
import { chain, type Figures, loneCall, rate } from './own-clients.ts'
import { loadTasks } from './pools.ts'

export const TASKS = 50_000
/** Tasks of runs that warm up the compilers of all processes. */
const WARM_UP_TASKS = 5_000
const WINDOW_TASKS = 5_000
const WARM_UP_MS = 700

export const MIXED_CALLS = 3_000
export const LONG_MS = 50
/** Every so many calls a long one: never two of them in a window, so that in order none waits for two. */
export const LONG_EVERY = 100

/** How calls are submitted. */
export const ways = ['executor', 'Engine'] as const
export type Way = (typeof ways)[number]
export const keyOf = (what: string, way: Way): string => (way === 'executor' ? what : `${what}, ${way}`)

type Tasks = Awaited<ReturnType<typeof loadTasks>>
type Submit = (task: Task<never[], number>, argument: unknown) => PromiseLike<number>

interface Driven extends Peer {
  submitNext(i: number): PromiseLike<number>
  burn(ms: number): PromiseLike<number>
  /** Submits n tasks at once, and one that adds up what they return. */
  reduce(n: number): Promise<number>
}

/** All figures of one back end, which is started once for them. */
export async function figuresOf(backEnd: BackEnd): Promise<Figures> {
  return measured(await backEnds[backEnd](), async (driven) => {
    const figures: Record<string, number> = {}
    for (const way of ways) {
      const peer = driven[way]
      await warmUp(peer)
      await sleep(100)
      figures[keyOf('lone call', way)] = await loneCall(peer.submit)
      figures[keyOf('chain', way)] = await chain(peer.submitNext)
      figures[keyOf('64 in flight', way)] = await rate(WINDOW_TASKS, (n) => inWindow(peer, n))
      figures[keyOf('at once', way)] = await rate(TASKS, (n) => atOnce(peer, n))
      figures[keyOf('reduce', way)] = await rate(TASKS, (n) => peer.reduce(n))
    }
    return { ...figures, ...(await mixedLoad(driven.executor)) }
  })
}

/** Microseconds of a pack of one call, many on their way at the same time. */
export async function packsOfOne(): Promise<number> {
  return measured(await openForPacksOfOne(), async ({ executor }) => {
    await rate(WINDOW_TASKS, (n) => inWindow(executor, n))
    return 1_000_000 / (await rate(WINDOW_TASKS, (n) => inWindow(executor, n)))
  })
}

async function measured<T>(
  { executor, stop }: Opened,
  measure: (driven: Readonly<Record<Way, Driven>>) => Promise<T>,
): Promise<T> {
  const { Engine, futureList } = await import('taps-sdk')
  const tasks = await loadTasks()
  const engine = new Engine({ executor })
  try {
    await executor.warmup(tasks.noop, tasks.next, tasks.sum, tasks.burn)
    const plain: Submit = (task, argument) => executor.submit(task, argument as never)
    const inGraph: Submit = (task, argument) => engine.submit(task, argument as never)
    const drivenBy = (submit: Submit, isGraph: boolean): Driven => {
      const { noop, next, sum, burn } = tasks as unknown as Readonly<Record<keyof Tasks, Task<never[], number>>>
      const submitAll = (n: number) =>
        futureList(Array.from({ length: n }, (_, i) => submit(noop, i)) as TaskFuture<number>[])
      return {
        submit: (i) => submit(noop, i),
        submitNext: (i) => submit(next, i),
        burn: (ms) => submit(burn, ms),
        all: submitAll,
        // The futures themselves are an argument where there is a graph.
        reduce: async (n) => submit(sum, isGraph ? submitAll(n) : await submitAll(n)),
      }
    }
    return await measure({ executor: drivenBy(plain, false), Engine: drivenBy(inGraph, true) })
  } finally {
    await engine.shutdown()
    await stop()
  }
}

async function warmUp(peer: Driven): Promise<void> {
  const run = async (drive: (n: number) => Promise<number>): Promise<void> => {
    await timedFor(WARM_UP_MS, async () => check(await drive(WARM_UP_TASKS), sumBelow(WARM_UP_TASKS)))
  }
  await run((n) => atOnce(peer, n))
  await run((n) => inWindow(peer, n))
  await peer.submitNext(0)
  await peer.reduce(WARM_UP_TASKS)
}

/** How long calls wait, in ms, where long ones are among them: until they have ended, without the time that they take themselves. */
async function mixedLoad({ submit, burn }: Driven): Promise<Figures> {
  const short: number[] = []
  const long: number[] = []
  const isLong = (i: number): boolean => i % LONG_EVERY === LONG_EVERY / 2
  const wait = async (i: number): Promise<number> => {
    const start = performance.now()
    if (isLong(i)) check(await burn(LONG_MS), LONG_MS)
    else check(await submit(i), i)
    const took = performance.now() - start
    if (isLong(i)) long.push(took - LONG_MS)
    else short.push(took)
    return i
  }
  for (const n of [MIXED_CALLS / 3, MIXED_CALLS]) {
    short.length = long.length = 0
    check(await inWindow({ submit: wait }, n), sumBelow(n))
  }
  short.sort((a, b) => a - b)
  const at = (share: number): number => short[Math.floor(short.length * share)] as number
  return { 'wait, median': at(0.5), 'wait, 99th percentile': at(0.99), 'longest wait': Math.max(...short, ...long) }
}
