import { setImmediate } from 'node:timers/promises'

/**
 * Resolves once everything has happened that can happen without time passing or I/O: all microtasks, and those that they
 * start. What has not happened by then will not happen by itself.
 */
export async function quiet(): Promise<void> {
  await setImmediate()
}
