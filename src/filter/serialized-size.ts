import { type SerializeOptions, serialize } from '../serializer/serializer.ts'
import { type Bounds, boundsOf, enough, isWithin, type PlainBounds, plainBounds, type SizeOptions } from './bounds.ts'
import { defineFilter, type Filter } from './filter.ts'
import { measure } from './measure.ts'

const sized = /* @__PURE__ */ defineFilter({
  name: 'serializedSize',
  module: import.meta.url,
  create: (plain: PlainBounds): Filter => {
    const bounds = boundsOf(plain)
    return (value) => isWithin(bounds, serializedSizeOf(value, bounds))
  },
})

/** The bytes are counted and forgotten: nobody reads them. */
const UNCHECKED: SerializeOptions = { checksum: false }

function serializedSizeOf(value: unknown, bounds: Bounds): number {
  const chunks = serialize(value, UNCHECKED)
  if ('then' in chunks) {
    // A filter answers at once.
    chunks.then(undefined, () => {})
    return measure(value, enough(bounds))
  }
  let size = 0
  for (const { byteLength } of chunks) size += byteLength
  return size
}

/**
 * What is as large as this once it is serialized, both bounds included. Exact, and as expensive as sending the value:
 * `objectSize` is much cheaper. A value that holds a Blob, whose bytes come later, is measured as `objectSize` does.
 *
 * @throws ConfigError for sizes that are no sizes, and bounds that nothing could meet. The filter throws SerializationError
 * for a value that cannot be serialized.
 */
export function serializedSize(options: SizeOptions = {}): Filter {
  return sized(plainBounds('serializedSize', options))
}
