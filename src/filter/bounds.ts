import { ConfigError } from '../errors.ts'
import { checkOptions, oneOf } from '../options.ts'

/** Which sizes pass. */
export interface SizeOptions {
  /** The smallest one, in bytes. @defaultValue 0 */
  readonly minBytes?: number | undefined
  /** The largest one, in bytes. @defaultValue Infinity */
  readonly maxBytes?: number | undefined
}

/** The same as plain data, where `null` stands for infinity, as in JSON. */
export interface PlainBounds {
  readonly minBytes: number | null
  readonly maxBytes: number | null
}

export interface Bounds {
  readonly minBytes: number
  readonly maxBytes: number
}

const bytes = oneOf('a number of bytes, at least 0', (value) => typeof value === 'number' && value >= 0)

/** @throws ConfigError for options that are wrong, named by the filter that has them */
export function plainBounds(owner: string, options: SizeOptions): PlainBounds {
  checkOptions(owner, options, { minBytes: bytes, maxBytes: bytes })
  const { minBytes = 0, maxBytes = Infinity } = options
  if (minBytes > maxBytes)
    throw new ConfigError(`${owner}: minBytes (${minBytes}) is more than maxBytes (${maxBytes}), so nothing would pass`)
  return { minBytes: finite(minBytes), maxBytes: finite(maxBytes) }
}

function finite(size: number): number | null {
  return size === Infinity ? null : size
}

export function boundsOf({ minBytes, maxBytes }: PlainBounds): Bounds {
  return { minBytes: minBytes ?? Infinity, maxBytes: maxBytes ?? Infinity }
}

/** From which size on it is certain whether a value passes, however much more there is. */
export function enough({ minBytes, maxBytes }: Bounds): number {
  return maxBytes === Infinity ? minBytes : maxBytes + 1
}

export function isWithin({ minBytes, maxBytes }: Bounds, size: number): boolean {
  return minBytes <= size && size <= maxBytes
}
