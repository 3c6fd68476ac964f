// The pools of others as executors: an engine runs the same graph on each of them.
import pLimit from 'p-limit'
import { Piscina } from 'piscina'
import { Engine, type Executor } from 'taps-sdk'
import workerpool from 'workerpool'
import { isProgram } from '../is-program.ts'
import { lambdaExecutor } from './lambda.ts'
import { piscinaExecutor, piscinaWorker } from './piscina.ts'
import { square, sum } from './tasks.ts'
import { workerpoolExecutor, workerpoolWorker } from './workerpool.ts'

async function sumOfSquares(executor: Executor): Promise<number> {
  await using engine = new Engine({ executor })
  return await engine.submit(sum, engine.map(square, [1, 2, 3]))
}

export async function main(): Promise<Readonly<Record<string, number>>> {
  const results = {
    piscina: await sumOfSquares(piscinaExecutor(new Piscina({ filename: piscinaWorker, maxThreads: 2 }))),
    workerpool: await sumOfSquares(
      workerpoolExecutor(workerpool.pool(workerpoolWorker, { maxWorkers: 2, workerType: 'thread' })),
    ),
    lambda: await sumOfSquares(lambdaExecutor(pLimit(2))),
  }
  console.log(results)
  return results
}

/** What `main()` has to return. */
export const expected = { piscina: 14, workerpool: 14, lambda: 14 }

if (isProgram(import.meta.url)) await main()
