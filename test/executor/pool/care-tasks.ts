import { writeFileSync } from 'node:fs'
import { threadId } from 'node:worker_threads'
import { task, taskContext } from '../../../src/index.ts'

/** Says that it is being imported, and takes its time. */
const { TAPS_TEST_IMPORTING: importing } = process.env
if (importing !== undefined) {
  writeFileSync(importing, '')
  await new Promise((resolve) => setTimeout(resolve, 300))
}

export const stopIfTold = task(function stopIfTold(): string {
  taskContext().signal.throwIfAborted()
  return 'not told'
})

/** Which worker it runs in, after a while. */
export const where = task(async function where(gate: SharedArrayBuffer): Promise<number> {
  const word = new Int32Array(gate)
  Atomics.add(word, 0, 1)
  // Both calls have to run before any may end.
  while (Atomics.load(word, 0) < 2) await new Promise((resolve) => setImmediate(resolve))
  return threadId
})

/** Succeeds in one worker only, whichever comes first. */
export const onlyOne = task(function onlyOne(count: SharedArrayBuffer): void {
  if (Atomics.add(new Int32Array(count), 0, 1) > 0) throw new Error('there is one already')
})

export const identity = task(function identity(value: unknown): unknown {
  return value
})
