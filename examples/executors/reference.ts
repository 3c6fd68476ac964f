// How a task gets into the workers of others: by the module that exports it, which they import.
import { NotShippableError, type Task, type TaskRef } from 'taps-sdk'

/** What a worker needs to find a task: a copy, since a pool may be unable to send what is frozen or has methods. */
export type Reference = Pick<TaskRef, 'module' | 'name' | 'ordinal'>

/** @throws NotShippableError for a function that is no task */
export function referenceTo(fn: (...args: never[]) => unknown): Reference {
  if (typeof fn !== 'function') throw new TypeError(`submit takes a task, not ${typeof fn}`)
  const { ref } = fn as Partial<Task<never[], unknown>>
  if (ref === undefined) throw new NotShippableError(`${fn.name} is no task: declare it with task()`)
  return { module: ref.module, name: ref.name, ordinal: ref.ordinal }
}

/** In a worker: the task of a reference, from among those that its module exports. */
export async function loadTask({
  module,
  name,
  ordinal,
}: Reference): Promise<(...args: readonly unknown[]) => unknown> {
  const exported: Record<string, Partial<Task<never[], unknown>>> = await import(module)
  const task = Object.values(exported).find(({ ref }) => ref?.name === name && ref.ordinal === ordinal)
  if (task === undefined) throw new Error(`${module} exports no task ${name}`)
  return task as (...args: readonly unknown[]) => unknown
}
