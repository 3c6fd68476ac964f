import { task } from '../../../src/index.ts'

// Where this is set, nobody lives to see the task.
if (process.env.TAPS_TEST_EXIT_AT_IMPORT !== undefined) process.exit(5)

export const fatal = task(function fatal(): string {
  return 'it was not'
})
