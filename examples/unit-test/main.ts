// A workflow; its unit test stands in workflow.test.ts.
import { Engine } from 'taps-sdk'
import { isProgram } from '../is-program.ts'
import type { Summary } from './tasks.ts'
import { shoppingList } from './workflow.ts'

export async function main(): Promise<Summary> {
  await using engine = new Engine()
  const summary = await shoppingList(engine, ['north', 'south'])
  for (const [ware, count] of Object.entries(summary.wares)) console.log(`${ware.padEnd(6)}  ${count}`)
  return summary
}

/** What `main()` has to return. */
export const expected: Summary = { wares: { apples: 5, pears: 5, plums: 10 }, missing: [] }

if (isProgram(import.meta.url)) await main()
