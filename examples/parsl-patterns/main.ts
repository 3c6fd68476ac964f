// The patterns of Parsl's guide. Each file is one of them.
import { Engine } from 'taps-sdk'
import { isProgram } from '../is-program.ts'
import { bagOfTasks } from './bag-of-tasks.ts'
import { loops } from './loops.ts'
import { mapReduce } from './map-reduce.ts'
import { parallel } from './parallel.ts'
import { sequential } from './sequential.ts'

const patterns = { bagOfTasks, sequential, parallel, loops, mapReduce }

export async function main(): Promise<Record<string, unknown>> {
  const results: Record<string, unknown> = {}
  for (const [name, pattern] of Object.entries(patterns)) {
    await using engine = new Engine()
    results[name] = await pattern(engine)
    console.log(`${name.padEnd(10)}  ${JSON.stringify(results[name])}  (${engine.tasksExecuted} tasks)`)
  }
  return results
}

/** What `main()` has to return. */
export const expected = { bagOfTasks: 55, sequential: 5, parallel: 14, loops: [4, 5, 5], mapReduce: 140 }

if (isProgram(import.meta.url)) await main()
