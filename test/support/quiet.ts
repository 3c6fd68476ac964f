import { setImmediate } from 'node:timers/promises'

/**
 * Resolves once everything has happened that can happen without time passing or I/O: all microtasks, and those that they
 * start. What has not happened by then will not happen by itself.
 */
export async function quiet(): Promise<void> {
  // An engine that has been busy for some milliseconds, as on a machine with much else to do, lets the event loop go round
  // before it goes on: more than once only if that happens again.
  for (let round = 0; round < 3; round++) await setImmediate()
}
