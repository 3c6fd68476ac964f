import { type Case, type Figure, format, range, type Table, type Variant, verdict } from '../case.ts'
import { compare } from '../comparison.ts'
import { inWindow, WINDOW } from '../drive.ts'
import { check, sumBelow } from '../measure.ts'
import { ENGINE, type Kind, kinds, loadPool, OURS, peerNames, WORKERS } from '../pools.ts'

const CALLS = 4_000
const WARM_UP_CALLS = 1_000
const LONG_MS = 50
const LONG_SHARE = 0.01
/** The time in which a window of nothing but long calls is done: who waits longer has been passed again and again. */
const LONGEST_WAIT_MS = (WINDOW * LONG_MS) / WORKERS

const shortTime = '99th percentile of the no-ops'
const longWait = 'longest wait of the long ones'

const keyOf = (kind: Kind, name: string): string => `${kind}: ${name}`
const namesOf = (kind: Kind): string[] => [OURS, ENGINE, ...peerNames(kind)]

async function mixedLoad(kind: Kind, name: string): Promise<Readonly<Record<string, number>>> {
  const pool = (await loadPool(kind, name))()
  const noop = pool.bind('noop')
  const burn = pool.bind('burn')
  const { seededRandom } = await import('taps-sdk/testing')
  const random = seededRandom(1)
  const run = async (n: number) => {
    const isLong = Array.from({ length: n }, () => random() < LONG_SHARE)
    const shortTimes: number[] = []
    const longTimes: number[] = []
    const submit = async (i: number): Promise<number> => {
      const start = performance.now()
      if (isLong[i]) check(await burn(LONG_MS), LONG_MS)
      else check(await noop(i), i)
      ;(isLong[i] ? longTimes : shortTimes).push(performance.now() - start)
      return i
    }
    check(await inWindow({ submit }, n), sumBelow(n))
    return { [shortTime]: percentile(shortTimes, 0.99), [longWait]: Math.max(...longTimes) - LONG_MS }
  }
  await run(WARM_UP_CALLS)
  return run(CALLS)
}

function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] as number
}

function waits(kind: Kind, figureOf: (key: string) => Figure): Table {
  return {
    head: [`${kind}, longest wait of the long ones`, 'ms', 'lowest – highest', 'goal', ''],
    rows: namesOf(kind).map((name) => {
      const figure = figureOf(`${keyOf(kind, name)}, ${longWait}`)
      const judged = name.startsWith(OURS)
        ? [`≤ ${LONGEST_WAIT_MS}`, verdict(figure.median <= LONGEST_WAIT_MS)]
        : ['', '']
      return [name, format(figure.median), range(figure), ...judged]
    }),
  }
}

export const poolMixed: Case = {
  name: 'pool-mixed',
  title: 'Workers: long calls among short ones',
  about: `${CALLS.toLocaleString('en-US')} calls, ${WINDOW} in flight, ${WORKERS} workers: no-ops, and ${LONG_SHARE * 100} % that keep the processor busy for ${LONG_MS} ms, at places that chance chose, the same for all. Times are from the submission to the result; the wait is that time without the ${LONG_MS} ms. A window of nothing but long calls takes ${LONGEST_WAIT_MS.toLocaleString('en-US')} ms: to wait longer is to starve.`,
  variants: new Map(
    kinds.flatMap((kind) =>
      namesOf(kind).map((name): [string, Variant] => [keyOf(kind, name), { run: () => mixedLoad(kind, name) }]),
    ),
  ),
  tables: (figureOf) =>
    kinds.flatMap((kind) => [
      compare({
        title: `${kind}, ${shortTime}`,
        unit: 'ms',
        better: 'lower',
        rows: namesOf(kind).map((name) => [name, figureOf(`${keyOf(kind, name)}, ${shortTime}`)]),
        goals: { [OURS]: 1, [ENGINE]: 1 },
      }),
      waits(kind, figureOf),
    ]),
}
