import type { Case, Variant } from '../case.ts'
import { compare } from '../comparison.ts'
import { check } from '../measure.ts'
import { type Kind, kinds, loadPool, OURS, peerNames, WORKERS } from '../pools.ts'

const GOAL = 1.1

const keyOf = (kind: Kind, name: string): string => `${kind}: ${name}`
const namesOf = (kind: Kind): string[] => [OURS, ...peerNames(kind)]

/** ms from the making of the pool to the result of the first call. */
async function start(kind: Kind, name: string): Promise<number> {
  const open = await loadPool(kind, name)
  const before = performance.now()
  check(await open().bind('noop')(7), 7)
  return performance.now() - before
}

export const poolStart: Case = {
  name: 'pool-start',
  title: 'Workers: start',
  about: `ms from \`new\` to the first result in a fresh process, the library loaded before, for ${WORKERS} workers.`,
  leastRounds: 9,
  variants: new Map(
    kinds.flatMap((kind) =>
      namesOf(kind).map((name): [string, Variant] => [keyOf(kind, name), { run: () => start(kind, name) }]),
    ),
  ),
  tables: (figureOf) =>
    kinds.map((kind) =>
      compare({
        title: kind,
        unit: 'ms',
        better: 'lower',
        rows: namesOf(kind).map((name) => [name, figureOf(keyOf(kind, name))]),
        goals: { [OURS]: GOAL },
      }),
    ),
}
