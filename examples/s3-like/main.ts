// Large values travel through an object store, and only their keys through this process: all that is needed is a connector.
import { Engine, objectSize, proxyTransformer } from 'taps-sdk'
import { ProcessPoolExecutor } from 'taps-sdk/node'
import { type ObjectStore, startObjectStore } from '../../test/servers/object-store.ts'
import { isProgram } from '../is-program.ts'
import { bucket } from './connector.ts'
import { findPeak, measure, type Peak, smooth } from './tasks.ts'

const SENSORS = [0, 1, 2, 3]
const READINGS = 100_000

/** Who of the sensors saw the highest value. Each series is 800 kB, which workers put into the store and get from there. */
async function peakOf(url: string): Promise<Peak> {
  await using engine = new Engine({
    executor: new ProcessPoolExecutor({ maxWorkers: 2 }),
    filter: objectSize({ minBytes: 10_000 }),
    transformer: proxyTransformer({ connector: bucket({ url }) }),
  })
  const series = SENSORS.map((seed) => engine.submit(measure, seed, READINGS))
  const smoothed = series.map((readings) => engine.submit(smooth, readings, 10))
  return await engine.submit(findPeak, smoothed)
}

/** @param url - of a bucket; without one, that of a small store which is started for this */
export async function main(url?: string): Promise<Peak> {
  await using store = url === undefined ? await startObjectStore() : undefined
  const peak = await peakOf(url ?? (store as ObjectStore).url)
  console.log(`The highest value: sensor ${peak.sensor}, at ${peak.at}`)
  if (store !== undefined) {
    const stored = store.requests.filter((request) => request.startsWith('PUT')).length
    console.log(`${stored} objects were stored; ${store.objects.size} are left`)
  }
  return peak
}

/** What `main()` has to return. */
export const expected: Peak = { sensor: 0, at: 5184 }

if (isProgram(import.meta.url)) await main(process.argv[2])
