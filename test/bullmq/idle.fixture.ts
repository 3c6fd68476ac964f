import { echo } from '../executor/pool/fault-tasks.ts'
import { executorOn } from './support.ts'

console.log(await executorOn(process.argv[2] as string, 'idle').submit(echo, 'done'))
