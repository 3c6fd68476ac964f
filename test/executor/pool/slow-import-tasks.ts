import { setTimeout as sleep } from 'node:timers/promises'
import { task } from '../../../src/index.ts'

await sleep(Number(process.env.TAPS_TEST_SLOW_IMPORT ?? 0))

export const slow = task(function slow(): string {
  return 'done'
})
