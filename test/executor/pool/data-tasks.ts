// Tasks that take and give all kinds of values.
import { task } from '../../../src/index.ts'

export const echo = task(function echo(value: unknown): unknown {
  return value
})
