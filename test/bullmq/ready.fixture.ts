// A program that waits for workers, and does nothing else.
import { executorOn } from './support.ts'

const [, , url, queue, slots, timeout] = process.argv as [string, string, string, string, string, string]
const executor = executorOn(url, queue)
executor.on('workerStarted', () => console.log('a worker'))
await executor.workersReady({ slots: Number(slots), timeout: Number(timeout) }).then(
  () => console.log('ready'),
  (error: Error) => console.log(error.name),
)
