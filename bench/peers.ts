/** How each library runs no-op async tasks. Each is loaded only in the process that measures it. */
import type { Peer } from './drive.ts'

/** The task of all of them: a number in, the same number out, so that the work can be checked. */
export async function noop(i: number): Promise<number> {
  return i
}

type Open = (concurrency: number) => Promise<() => Peer>

/** Submits one by one, and waits with Promise.all. */
function withPromiseAll(submit: (i: number) => PromiseLike<number>): Peer {
  return {
    submit,
    all(n) {
      const futures: PromiseLike<number>[] = []
      for (let i = 0; i < n; i++) futures.push(submit(i))
      return Promise.all(futures)
    },
  }
}

async function openEngine(concurrency: number) {
  const { Engine, futureList, InProcessExecutor, task } = await import('taps-sdk')
  const run = task(noop)
  const open = () =>
    concurrency === Infinity ? new Engine() : new Engine({ executor: new InProcessExecutor({ concurrency }) })
  return { open, run, futureList }
}

async function openEffect(concurrency: number) {
  const Effect = await import('effect/Effect')
  const Semaphore = await import('effect/Semaphore')
  const one = (i: number) => Effect.promise(() => noop(i))
  const perTask = (): Peer => {
    const guard = Semaphore.makeUnsafe(concurrency)
    return withPromiseAll((i) => Effect.runPromise(concurrency === Infinity ? one(i) : guard.withPermits(1)(one(i))))
  }
  const forEach = (n: number, atOnce: number | 'unbounded') =>
    Effect.runPromise(
      Effect.forEach(
        Array.from({ length: n }, (_, i) => i),
        one,
        { concurrency: atOnce },
      ),
    )
  return { perTask, forEach }
}

export const peers: Readonly<Record<string, Open>> = {
  'taps-sdk, futureList': async (concurrency) => {
    const { open, run, futureList } = await openEngine(concurrency)
    return () => {
      const engine = open()
      return {
        submit: (i) => engine.submit(run, i),
        all(n) {
          const futures = []
          for (let i = 0; i < n; i++) futures.push(engine.submit(run, i))
          return Promise.resolve(futureList(futures))
        },
      }
    }
  },
  'taps-sdk, Promise.all': async (concurrency) => {
    const { open, run } = await openEngine(concurrency)
    return () => {
      const engine = open()
      return withPromiseAll((i) => engine.submit(run, i))
    }
  },
  'p-limit': async (concurrency) => {
    const { default: pLimit } = await import('p-limit')
    return () => {
      const limit = pLimit(concurrency)
      return withPromiseAll((i) => limit(noop, i))
    }
  },
  'p-queue': async (concurrency) => {
    const { default: PQueue } = await import('p-queue')
    return () => {
      const queue = new PQueue({ concurrency })
      return withPromiseAll((i) => queue.add(() => noop(i)))
    }
  },
  'Effect.runPromise per task': async (concurrency) => {
    const { perTask } = await openEffect(concurrency)
    return perTask
  },
  'Effect.forEach': async (concurrency) => {
    const { perTask, forEach } = await openEffect(concurrency)
    return () => ({ ...perTask(), all: (n) => forEach(n, concurrency === Infinity ? 'unbounded' : concurrency) })
  },
  'bare await loop': async () => () => ({
    submit: noop,
    async all(n) {
      const values: number[] = []
      for (let i = 0; i < n; i++) values.push(await noop(i))
      return values
    },
  }),
}
