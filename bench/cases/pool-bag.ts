import type { Case, Figure, Table, Variant } from '../case.ts'
import { compare } from '../comparison.ts'
import { atOnce, type Drive, inWindow, type Peer, WINDOW } from '../drive.ts'
import { openPacked, PACK } from '../limits.ts'
import { check, sumBelow, timedFor } from '../measure.ts'
import {
  ENGINE,
  type Kind,
  kinds,
  LIMIT,
  limitNames,
  loadPool,
  OURS,
  OURS_AS_PROMISES,
  type Pool,
  peerNames,
  WORKERS,
} from '../pools.ts'

const TASKS = 100_000
/** Runs of this many warm up the compilers of all processes and threads. */
const WARM_UP_TASKS = 5_000
const LEAST_MS = 1_000

const packedName = `${LIMIT}${PACK} calls to a post`

const modes = [
  { mode: 'at once', drive: atOnce, goals: { threads: 5, processes: 4 } },
  { mode: `${WINDOW} in flight`, drive: inWindow, goals: { threads: 4, processes: 4 } },
]
/** Through an engine. */
const ENGINE_GOAL = 3

const groups = kinds.flatMap((kind) => modes.map((mode) => ({ kind, ...mode })))
type Group = (typeof groups)[number]

function namesOf({ kind, drive }: Group): string[] {
  const limits = drive === atOnce ? [limitNames[kind], packedName] : [limitNames[kind]]
  return [OURS, ...(drive === atOnce ? [OURS_AS_PROMISES] : []), ENGINE, ...peerNames(kind), ...limits]
}

const keyOf = (group: Group, name: string): string => `${group.kind}, ${group.mode}: ${name}`

function peerOf(pool: Pool): Peer {
  const submit = pool.bind('noop')
  return {
    submit,
    all(n) {
      const calls: PromiseLike<number>[] = []
      for (let i = 0; i < n; i++) calls.push(submit(i))
      return pool.gather(calls)
    },
  }
}

async function open(kind: Kind, name: string): Promise<Pick<Peer, 'all'> & Partial<Peer>> {
  return name === packedName ? { all: openPacked(kind) } : peerOf((await loadPool(kind, name))())
}

/** Tasks per second. */
async function rate(kind: Kind, name: string, drive: Drive): Promise<number> {
  const peer = (await open(kind, name)) as Peer
  const run = (n: number) => async () => check(await drive(peer, n), sumBelow(n))
  await timedFor(LEAST_MS, run(WARM_UP_TASKS))
  return TASKS / ((await timedFor(LEAST_MS, run(TASKS))) / 1000)
}

function table(group: Group, figureOf: (variant: string) => Figure): Table {
  return compare({
    title: `${group.kind}, ${group.mode}`,
    unit: 'tasks/s',
    better: 'higher',
    rows: namesOf(group).map((name) => [name, figureOf(keyOf(group, name))]),
    goals: { [OURS]: group.goals[group.kind], [OURS_AS_PROMISES]: group.goals[group.kind], [ENGINE]: ENGINE_GOAL },
  })
}

export const poolBag: Case = {
  name: 'pool-bag',
  title: 'Workers: bag of tasks',
  about: `${TASKS.toLocaleString('en-US')} no-op tasks on ${WORKERS} workers, each with a number as its argument and its result; straight to the executor, and through an engine.`,
  variants: new Map(
    groups.flatMap((group) =>
      namesOf(group).map((name): [string, Variant] => [
        keyOf(group, name),
        { run: () => rate(group.kind, name, group.drive) },
      ]),
    ),
  ),
  tables: (figureOf) => groups.map((group) => table(group, figureOf)),
}
