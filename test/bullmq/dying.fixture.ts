// A client that is killed while its call runs, whose arguments and result have keys of their own.
import { hold } from '../executor/pool/fault-tasks.ts'
import { executorOn } from './support.ts'

const [, , url, queue, trace, gate] = process.argv as [string, string, string, string, string, string]
await executorOn(url, queue).submit(hold, trace, `held\n${'x'.repeat(100_000)}`, gate)
