import { Engine } from 'taps-sdk'
import { Pool } from './pool.ts'
import { clean, load, mean, report } from './work.ts'

/** After, the whole way: an engine over the same pool has `map`, events, records, retries, priorities and limits too. */
export async function withEngine(stations: readonly string[]): Promise<string> {
  await using engine = new Engine({ executor: new Pool(2) })
  const means = engine.map(mean, engine.map(clean, engine.map(load, stations)))
  return await engine.submit(report, stations, means)
}
