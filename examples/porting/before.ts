import { Pool } from './pool.ts'
import { clean, load, mean, report } from './work.ts'

/**
 * Before: results are awaited, to be passed on. So that calls run side by side, the program goes in stages, and nothing of
 * one stage starts before all of the last one has ended.
 */
export async function before(stations: readonly string[]): Promise<string> {
  const pool = new Pool(2)
  const loaded = await Promise.all(stations.map((station) => pool.submit(load, station)))
  const cleaned = await Promise.all(loaded.map((readings) => pool.submit(clean, readings)))
  const means = await Promise.all(cleaned.map((readings) => pool.submit(mean, readings)))
  return pool.submit(report, stations, means)
}
