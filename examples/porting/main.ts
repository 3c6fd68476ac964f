// A program that uses an executor, before and after it is ported.
import { isProgram } from '../is-program.ts'
import { after } from './after.ts'
import { before } from './before.ts'
import { withEngine } from './with-engine.ts'

const stations = ['Oslo', 'Paris', 'Madrid', 'Valletta']

export async function main(): Promise<{ before: string; after: string; withEngine: string }> {
  const results = {
    before: await before(stations),
    after: await after(stations),
    withEngine: await withEngine(stations),
  }
  for (const [version, result] of Object.entries(results)) console.log(`${version.padEnd(10)}  ${result}`)
  return results
}

const same = 'Oslo 10.0°, Paris 10.9°, Madrid 12.0°, Valletta 14.0°'

/** What `main()` has to return. */
export const expected = { before: same, after: same, withEngine: same }

if (isProgram(import.meta.url)) await main()
