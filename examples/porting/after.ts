import { FutureDependencyExecutor } from 'taps-sdk'
import { Pool } from './pool.ts'
import { clean, load, mean, report } from './work.ts'

/**
 * After, the small step: the same pool, wrapped. Futures are passed on instead of results, so the stages are gone: each
 * station goes its own way as fast as it can.
 */
export async function after(stations: readonly string[]): Promise<string> {
  await using pool = new FutureDependencyExecutor(new Pool(2))
  const means = stations.map((station) => {
    const loaded = pool.submit(load, station)
    const cleaned = pool.submit(clean, loaded)
    return pool.submit(mean, cleaned)
  })
  return await pool.submit(report, stations, means)
}
