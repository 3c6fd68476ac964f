// A program that has a result. With `shutdown` it says what its executor has left behind that would hold it up.
import { echo } from '../executor/pool/fault-tasks.ts'
import { executorOn } from './support.ts'

const [, , url, what] = process.argv as [string, string, string, string?]
const executor = executorOn(url, 'idle')
console.log(await executor.submit(echo, 'done'))
if (what === 'shutdown') {
  await executor.shutdown()
  console.log(process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout'))
}
