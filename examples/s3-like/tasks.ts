import { task } from 'taps-sdk'

/** Readings of a sensor: `length` of them, always the same for a seed. */
export const measure = task(function measure(seed: number, length: number): Float64Array {
  return Float64Array.from({ length }, (_, i) => Math.sin(i / 1_000 + seed) + ((i * 7919 + seed) % 101) / 1_000)
})

/** The mean of each group of readings. */
export const smooth = task(function smooth(readings: Float64Array, size: number): Float64Array {
  return Float64Array.from({ length: Math.floor(readings.length / size) }, (_, group) => {
    let sum = 0
    for (let i = group * size; i < (group + 1) * size; i++) sum += readings[i] as number
    return sum / size
  })
})

export interface Peak {
  readonly sensor: number
  readonly at: number
}

/** Which sensor read the highest value, and when. */
export const findPeak = task(function findPeak(sensors: readonly Float64Array[]): Peak {
  let [peak, highest] = [{ sensor: 0, at: 0 }, -Infinity]
  for (const [sensor, readings] of sensors.entries()) {
    for (const [at, reading] of readings.entries()) {
      if (reading > highest) [peak, highest] = [{ sensor, at }, reading]
    }
  }
  return peak
})
