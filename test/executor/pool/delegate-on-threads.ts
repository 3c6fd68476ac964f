// A program whose tasks start programs that share its streams.
import { ThreadPoolExecutor } from '../../../src/node/index.ts'
import { delegate, say } from './output-tasks.ts'

const pool = new ThreadPoolExecutor({ maxWorkers: 1 })
pool.on('output', ({ line, task }) => console.error(`${task} said: ${line}`))
await pool.submit(delegate)
await pool.submit(say, 'hello')
// Without shutdown: idle workers do not keep a program alive.
