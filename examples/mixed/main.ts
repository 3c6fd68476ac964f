// One graph of tasks in TypeScript and in Python, on an executor that Python drives: results of one are arguments of the other.
import { parseArgs } from 'node:util'
import { Engine } from 'taps-sdk'
import { isProgram } from '../is-program.ts'
import { createExecutor, readWhere, WHERE_OPTIONS } from '../where.ts'
import {
  bars,
  describe,
  deviation,
  divide,
  flatten,
  histogram,
  mean,
  outer,
  sizeOf,
  versionOf,
  wordLengths,
} from './tasks.ts'

const TEXTS = [
  'Write tasks as ordinary functions, and pass futures as arguments.',
  'The graph needs no declaration: it is what you pass to what.',
  'Unit-test it in process, and run it on a cluster by changing one line.',
]

/** @returns what is said of the words */
export async function main(args: readonly string[] = []): Promise<string> {
  const { values } = parseArgs({ args: [...args], options: WHERE_OPTIONS })
  await using engine = new Engine({ executor: createExecutor(readWhere({ executor: 'python-pool', ...values })) })
  const lists = engine.map(wordLengths, TEXTS)
  const lengths = engine.submit(flatten, lists)
  const said = engine.submit(describe, engine.submit(mean, lengths), engine.submit(deviation, lengths))
  console.log(await said)
  if (await hasNumPy(engine)) {
    const counts = engine.submit(histogram, lists)
    const shares = engine.submit(
      divide,
      counts,
      lengths.map(({ length }) => length),
    )
    console.log((await engine.submit(bars, shares)).join('\n'))
    console.log(`a table of ${await engine.submit(sizeOf, engine.submit(outer, shares, shares))}`)
  }
  return await said
}

/** What `main()` has to return. */
export const expected = 'words have 4.19 letters, give or take 2.47'

async function hasNumPy(engine: Engine): Promise<boolean> {
  try {
    console.log(`NumPy ${await engine.submit(versionOf, 'numpy')} is there`)
    return true
  } catch (error) {
    if ((error as Error).name !== 'PackageNotFoundError') throw error
    console.log('NumPy is not there, and arrays are left out')
    return false
  }
}

if (isProgram(import.meta.url)) await main(process.argv.slice(2))
