import { shared } from '../shared.ts'

/** Something that is expensive to make: `await model()` gives it, and makes it when it is asked for first. */
export interface WorkerResource<T> {
  /** What `create` made in this worker, or process; a promise, if that gave one. */
  (): T
  /** Disposes of it, if it was made here; the next call makes it anew. Workers do so when they end in good order. */
  dispose(): Promise<void>
}

/**
 * Declares something that tasks need and that is expensive to make: a connection, a model. Each worker makes one, when a
 * task first asks for it, and keeps it between calls. Declare it at the top level of a module, like a task.
 *
 * @example
 * ```ts
 * const model = workerResource(() => loadModel('weights.bin'), (model) => model.close())
 * export const classify = task(async (image: Uint8Array) => (await model()).classify(image))
 * ```
 * @param create - makes it; if it throws or rejects, the next call tries again
 * @param dispose - called with what was made when a worker ends in good order: shutdown, idleness, its last task. In the
 * process of the program itself nobody knows the end: call `dispose()` there
 */
export function workerResource<T>(create: () => T, dispose?: (resource: Awaited<T>) => unknown): WorkerResource<T> {
  if (typeof create !== 'function') throw new TypeError(`workerResource takes a function, not ${typeof create}`)
  let made: { readonly value: T } | undefined
  const forget = (): void => {
    made = undefined
    shared().resources.delete(entry)
  }
  const entry = {
    async dispose(): Promise<void> {
      if (made === undefined) return
      const { value } = made
      forget()
      await dispose?.(await value)
    },
  }
  const resource = (): T => {
    if (made === undefined) {
      const value = create()
      const own = { value }
      made = own
      shared().resources.add(entry)
      // A promise that rejects is not what was wanted.
      if (value instanceof Promise) value.catch(() => made === own && forget())
    }
    return made.value
  }
  return Object.assign(resource, { dispose: () => entry.dispose() })
}

/** Disposes of all resources that were made here, the last one first. @returns what that failed with */
export async function disposeResources(): Promise<readonly unknown[]> {
  const failures: unknown[] = []
  for (const resource of [...shared().resources].reverse()) {
    try {
      await resource.dispose()
    } catch (error) {
      failures.push(error)
    }
  }
  return failures
}
