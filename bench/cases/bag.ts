import { type Case, type Figure, format, range, type Table, type Variant, verdict } from '../case.ts'
import { atOnce, type Drive, inWindow, WINDOW } from '../drive.ts'
import { check, sumBelow, timed } from '../measure.ts'
import { peers } from '../peers.ts'

const TASKS = 100_000

const OURS = 'taps-sdk'
/** For scale: it has no limit, no queue and nothing at the same time. */
const SCALE = 'bare await loop'

/** Tasks per second. */
async function rate(name: string, concurrency: number, drive: Drive): Promise<number> {
  const open = await (peers[name] as (typeof peers)[string])(concurrency)
  const ms = await timed(async () => check(await drive(open(), TASKS), sumBelow(TASKS)))
  return TASKS / (ms / 1000)
}

const names = Object.keys(peers)
const modes = [
  { mode: 'at once', drive: atOnce, names },
  {
    mode: `${WINDOW} in flight`,
    drive: inWindow,
    // How the values are gathered makes no difference here, and forEach drives itself.
    names: names.filter((name) => name !== `${OURS}, Promise.all` && name !== 'Effect.forEach'),
  },
]
const limits = [
  { limit: 'unlimited', concurrency: Infinity },
  { limit: 'concurrency 2', concurrency: 2 },
]

/**
 * Effect's forEach is the way to a limit. A semaphore around each of 100,000 calls looks through all that wait whenever
 * one ends: that took more than ten minutes.
 */
const isEndless = (mode: string, limit: string, name: string): boolean =>
  mode === 'at once' && limit === 'concurrency 2' && name === 'Effect.runPromise per task'

const groups = modes.flatMap((mode) =>
  limits.map((limit) => ({
    ...mode,
    ...limit,
    names: mode.names.filter((name) => !isEndless(mode.mode, limit.limit, name)),
  })),
)
type Group = (typeof groups)[number]

function keyOf(group: Group, name: string): string {
  return `${group.mode}, ${group.limit}: ${name}`
}

function table(group: Group, figureOf: (variant: string) => Figure): Table {
  const rateOf = (name: string): Figure => figureOf(keyOf(group, name))
  const others = group.names.filter((name) => !name.startsWith(OURS) && name !== SCALE)
  const fastest = Math.max(...others.map((name) => rateOf(name).median))
  const judge = (rate: number): string[] => {
    const ofLimit = rate / rateOf('p-limit').median
    const ofQueue = rate / rateOf('p-queue').median
    return group.concurrency === Infinity
      ? [`${format(rate / fastest)} × the fastest peer`, '≥ 1', verdict(rate >= fastest)]
      : [
          `${format(ofLimit)} × p-limit, ${format(ofQueue)} × p-queue`,
          '≥ 0.8, ≥ 2',
          verdict(ofLimit >= 0.8 && ofQueue >= 2),
        ]
  }
  return {
    head: [`${group.mode}, ${group.limit}`, 'tasks/s', 'lowest – highest', 'taps-sdk against it', 'goal', ''],
    rows: group.names.map((name) => {
      const { median } = rateOf(name)
      const gathering = name.startsWith(OURS) && group.mode !== 'at once' ? OURS : name
      return [
        gathering,
        format(median),
        range(rateOf(name)),
        ...(name.startsWith(OURS)
          ? judge(median)
          : [`${format(rateOf(names[0] as string).median / median)} ×`, '', '']),
      ]
    }),
  }
}

export const bag: Case = {
  name: 'bag',
  title: 'Bag of tasks',
  about: `${TASKS.toLocaleString('en-US')} no-op async tasks, each with a number as its argument and its result. The bare loop is for scale: no goal refers to it.`,
  variants: new Map(
    groups.flatMap((group) =>
      group.names.map((name): [string, Variant] => [
        keyOf(group, name),
        { run: () => rate(name, group.concurrency, group.drive) },
      ]),
    ),
  ),
  tables: (figureOf) => groups.map((group) => table(group, figureOf)),
}
