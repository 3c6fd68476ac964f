// What the program computes: plain functions, the same before and after.

/** The temperatures of one station, hour by hour; some are missing. */
export async function load(station: string): Promise<(number | undefined)[]> {
  await null
  const seed = station.length
  return Array.from({ length: 24 }, (_, hour) => (hour % seed === 0 ? undefined : seed + hour / 2))
}

export function clean(readings: readonly (number | undefined)[]): number[] {
  return readings.filter((reading) => reading !== undefined)
}

export function mean(readings: readonly number[]): number {
  return readings.reduce((sum, reading) => sum + reading, 0) / readings.length
}

export function report(stations: readonly string[], means: readonly number[]): string {
  return stations.map((station, i) => `${station} ${means[i]?.toFixed(1)}°`).join(', ')
}
