import {
  ProcessPoolExecutor,
  ThreadPoolExecutor,
  type WorkerPool,
  type WorkerPoolEvents,
} from '../../../src/node/index.ts'

/** For `describe.each`: what holds for one kind of pool has to hold for the other. */
export const POOLS = [
  { kind: 'threads', Pool: ThreadPoolExecutor },
  { kind: 'processes', Pool: ProcessPoolExecutor },
] as const

type EventOf<E extends keyof WorkerPoolEvents> = WorkerPoolEvents[E][0]

/** All events of a name, in the order in which they come. */
export function collect<E extends keyof WorkerPoolEvents>(pool: WorkerPool, event: E): EventOf<E>[] {
  const all: EventOf<E>[] = []
  pool.on(event, ((it: EventOf<E>) => all.push(it)) as never)
  return all
}

/** The next event of a name that is the one that is waited for. */
export function next<E extends keyof WorkerPoolEvents>(
  pool: WorkerPool,
  event: E,
  isIt: (event: EventOf<E>) => boolean = () => true,
): Promise<EventOf<E>> {
  return new Promise((resolve) => {
    pool.on(event, ((it: EventOf<E>) => {
      if (isIt(it)) resolve(it)
    }) as never)
  })
}

/** The message of a crash, without the worker and the machine that it names. */
export function withoutPlace(message: string): string {
  return message.replace(/ \((?:thread|process) \d+ on [^()]+\)/, '')
}

/** What a call fails with; undefined if it does not. */
export async function failureOf(call: PromiseLike<unknown>): Promise<Error & Record<string, unknown>> {
  return (await Promise.resolve(call).then(
    () => undefined,
    (error) => error,
  )) as Error & Record<string, unknown>
}
