import { type Check, oneOf } from '../options.ts'

/** A check of the option `ttl` of connectors. */
export const ttlOption: Check = oneOf(
  'a time in ms above 0',
  (value) => Number.isFinite(value) && (value as number) > 0,
)
