import type { Case, Variant } from '../case.ts'
import { compare } from '../comparison.ts'
import { check, timedFor } from '../measure.ts'
import { type Call, type Kind, limitNames, loadPool, OURS, type Pool, peerNames, WORKERS } from '../pools.ts'

const BYTES = 10_000_000
const WARM_UP_MS = 500
const LEAST_MS = 1_000
/** In flight, where more than one. */
const PAIR = 2

type Bytes = Uint8Array<ArrayBuffer>

/** Sends the same bytes again and again; answers the time of a round trip in ms. */
async function copied(pool: Pool, inFlight: number): Promise<number> {
  const touch = pool.bind('touch')
  const bytes = new Uint8Array(BYTES)
  const trip = async (): Promise<void> => checkBytes(await touch(bytes), 1)
  const trips = async (): Promise<void> => {
    await Promise.all(Array.from({ length: inFlight }, trip))
  }
  await timedFor(WARM_UP_MS, trips)
  return (await timedFor(LEAST_MS, trips)) / inFlight
}

/** Sends on what came back. */
async function moved({ move }: Pool): Promise<number> {
  let bytes: Bytes = new Uint8Array(BYTES)
  let count = 0
  const trip = async (): Promise<void> => {
    bytes = await (move as Call<'touch'>)(bytes)
    checkBytes(bytes, ++count % 256)
  }
  await timedFor(WARM_UP_MS, trip)
  return timedFor(LEAST_MS, trip)
}

/** A worker has added 1 to the first byte. */
function checkBytes(bytes: Bytes, first: number): void {
  check(bytes.length, BYTES)
  check(bytes[0] as number, first)
}

/** Their results are always copied. */
const cannotMove = (name: string): boolean => name.startsWith('poolifier') || name === 'jest-worker'
/** Of the settings of poolifier, one: they differ in how many calls they hand over. */
const isOnce = (name: string): boolean => !name.includes(',')

interface Group {
  readonly title: string
  readonly kind: Kind
  readonly goal: number
  readonly names: readonly string[]
  measure(pool: Pool): Promise<number>
}

const namesOf = (kind: Kind): string[] => [OURS, ...peerNames(kind).filter(isOnce), limitNames[kind]]

const groups: readonly Group[] = [
  {
    title: 'threads, copied',
    kind: 'threads',
    goal: 1.1,
    names: namesOf('threads'),
    measure: (pool) => copied(pool, 1),
  },
  {
    title: 'threads, transferred',
    kind: 'threads',
    goal: 1.1,
    names: namesOf('threads').filter((name) => !cannotMove(name)),
    measure: moved,
  },
  {
    title: `processes, ${PAIR} in flight`,
    kind: 'processes',
    goal: 1,
    names: namesOf('processes'),
    measure: (pool) => copied(pool, PAIR),
  },
]

const keyOf = ({ title }: Group, name: string): string => `${title}: ${name}`

export const poolBytes: Case = {
  name: 'pool-bytes',
  title: 'Workers: 10 MB there and back',
  about: `ms for a Uint8Array of ${BYTES.toLocaleString('en-US')} bytes to go to one of ${WORKERS} workers, which changes a byte, and back: the time of all round trips by their number. poolifier and jest-worker cannot transfer a result.`,
  variants: new Map(
    groups.flatMap((group) =>
      group.names.map((name): [string, Variant] => [
        keyOf(group, name),
        { run: async () => group.measure((await loadPool(group.kind, name))({ isBinary: true })) },
      ]),
    ),
  ),
  tables: (figureOf) =>
    groups.map((group) =>
      compare({
        title: group.title,
        unit: 'ms',
        better: 'lower',
        rows: group.names.map((name) => [name, figureOf(keyOf(group, name))]),
        goals: { [OURS]: group.goal },
      }),
    ),
}
