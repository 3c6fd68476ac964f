import { loadTask, type Reference } from './reference.ts'

interface Call {
  readonly task: Reference
  readonly args: readonly unknown[]
}

/** What Piscina calls for each call. */
export default async ({ task, args }: Call): Promise<unknown> => (await loadTask(task))(...args)
