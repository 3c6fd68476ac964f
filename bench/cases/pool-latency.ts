import type { Case, Variant } from '../case.ts'
import { median } from '../case.ts'
import { compare } from '../comparison.ts'
import { check } from '../measure.ts'
import { ENGINE, type Kind, kinds, limitNames, loadPool, OURS, peerNames, WORKERS } from '../pools.ts'

const WARM_UPS = 3_000
const CALLS = 3_000
const GOAL = 1.15

const keyOf = (kind: Kind, name: string): string => `${kind}: ${name}`
const namesOf = (kind: Kind): string[] => [OURS, ENGINE, ...peerNames(kind), limitNames[kind]]

/** The median time of a call in µs, each submitted after the one before has ended. */
async function latency(kind: Kind, name: string): Promise<number> {
  const submit = (await loadPool(kind, name))().bind('noop')
  const times: number[] = []
  for (let i = 0; i < WARM_UPS + CALLS; i++) {
    const start = performance.now()
    const value = await submit(i)
    times.push(performance.now() - start)
    check(value, i)
  }
  return median(times.slice(WARM_UPS)) * 1_000
}

export const poolLatency: Case = {
  name: 'pool-latency',
  title: 'Workers: one call at a time',
  about: `µs from the submission of a no-op to its result, the median of ${CALLS.toLocaleString('en-US')} calls one after the other, ${WORKERS} workers.`,
  variants: new Map(
    kinds.flatMap((kind) =>
      namesOf(kind).map((name): [string, Variant] => [keyOf(kind, name), { run: () => latency(kind, name) }]),
    ),
  ),
  tables: (figureOf) =>
    kinds.map((kind) =>
      compare({
        title: kind,
        unit: 'µs',
        better: 'lower',
        rows: namesOf(kind).map((name) => [name, figureOf(keyOf(kind, name))]),
        goals: { [OURS]: GOAL },
      }),
    ),
}
