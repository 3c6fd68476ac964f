import { randomBytes } from 'node:crypto'
import { task, taskContext } from 'taps-sdk'

/** What a task has to do. */
export interface Work {
  readonly inputs: readonly Uint8Array[]
  /** How much data to return. */
  readonly outputBytes: number
  /** How long to take at least, in ms; making the data counts. */
  readonly sleep: number
}

export const noop = task({ name: 'noop' }, async ({ inputs, outputBytes, sleep }: Work): Promise<Uint8Array> => {
  const { clock } = taskContext()
  const start = clock.now()
  for (const input of inputs) if (!(input instanceof Uint8Array)) throw new TypeError(`${input} is no data`)
  const output = randomBytes(outputBytes)
  const left = sleep - (clock.now() - start)
  if (left > 0) await clock.sleep(left)
  return output
})

/** Gives an executor the occasion to start its workers. */
export const warmup = task({ name: 'warmup' }, () => {})
