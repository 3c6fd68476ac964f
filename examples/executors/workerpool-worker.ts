import workerpool from 'workerpool'
import { loadTask, type Reference } from './reference.ts'

workerpool.worker({
  run: async (task: Reference, args: readonly unknown[]): Promise<unknown> => (await loadTask(task))(...args),
})
