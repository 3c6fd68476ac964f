import { describe } from '../options.ts'

/** Tuples of elements, up to the end of the shortest iterable. All are read, or none is used: an iterable that throws leaves nothing half done. */
export function zip(iterables: readonly Iterable<unknown>[]): unknown[][] {
  iterables.forEach((iterable, i) => {
    if (typeof (iterable as Partial<Iterable<unknown>> | null)?.[Symbol.iterator] === 'function') return
    throw new TypeError(`map takes iterables; argument ${i + 1} is ${describe(iterable)}`)
  })
  if (iterables.length === 0) throw new TypeError('map takes at least one iterable after the task')
  const iterators = iterables.map((iterable) => iterable[Symbol.iterator]())
  const tuples: unknown[][] = []
  try {
    for (;;) {
      const tuple: unknown[] = []
      for (const iterator of iterators) {
        const { done, value } = iterator.next()
        if (done) return tuples
        tuple.push(value)
      }
      tuples.push(tuple)
    }
  } finally {
    for (const iterator of iterators) iterator.return?.()
  }
}
