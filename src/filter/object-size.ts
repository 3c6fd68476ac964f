import { boundsOf, enough, isWithin, type PlainBounds, plainBounds, type SizeOptions } from './bounds.ts'
import { defineFilter, type Filter } from './filter.ts'
import { measure } from './measure.ts'

const sized = /* @__PURE__ */ defineFilter({
  name: 'objectSize',
  module: import.meta.url,
  create: (plain: PlainBounds): Filter => {
    const bounds = boundsOf(plain)
    const stop = enough(bounds)
    return (value) => isWithin(bounds, measure(value, stop))
  },
})

/**
 * What is as large as this, both bounds included. The size is the bytes of binary data (buffers, views, Blobs), the UTF-8
 * length of text, and 8 for each other leaf; arrays, Maps with their keys, Sets, and the own enumerable properties of objects
 * are searched, names of properties do not count, and each object counts once, however often it stands there. Two views of
 * one buffer count both, each with what it shows.
 *
 * It looks no further than is needed to answer: with `minBytes` alone, large values are as quick as small ones.
 *
 * @example `objectSize({ minBytes: 10_000 })`
 * @throws ConfigError for sizes that are no sizes, and bounds that nothing could meet
 */
export function objectSize(options: SizeOptions = {}): Filter {
  return sized(plainBounds('objectSize', options))
}
