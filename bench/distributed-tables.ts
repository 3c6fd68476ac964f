/** What back ends have to reach, and have reached. */
import { type BackEnd, backEnds } from './back-ends.ts'
import { type Figure, format, range, type Table, verdict } from './case.ts'
import { keyOf, LONG_MS, type Way, ways } from './distributed.ts'

type FigureOf = (name: string) => Figure

/** How `own_client.py` calls the back ends that have a client of their own; that of BullMQ is none of Python. */
export const ownClients = {
  Dask: 'dask',
  Ray: 'ray',
  Parsl: 'parsl',
  'process pool': 'process-pool',
  BullMQ: undefined,
} satisfies Partial<Record<BackEnd, string | undefined>>
type Own = keyof typeof ownClients

const names = Object.keys(backEnds) as BackEnd[]
const ownOf = (name: BackEnd): Own => (name === 'Dask, sendInterval: 0' ? 'Dask' : name)

interface Taps {
  /** Tasks/s of the own client when TaPS was measured. */
  readonly ownRate: number
  readonly inFlight: number
  readonly chain: number
  /** How much faster we have to be than it, with 64 in flight. */
  readonly goal: number
}

/** It is not published as a package: these figures, in tasks/s, stand for it. */
const TAPS: Partial<Record<Own, Taps>> = {
  Dask: { ownRate: (456 + 507) / 2, inFlight: 257, chain: 124, goal: 10 },
  Ray: { ownRate: 1_355, inFlight: 462, chain: 304, goal: 20 },
  Parsl: { ownRate: 730, inFlight: 495, chain: 262, goal: 20 },
}

/** Against the own client, submitted at once. */
const AT_ONCE_GOAL = 50
const RAW_BULLMQ_GOAL = 5
/** Of the own client's time, or ms more than that. */
const LONE_GOALS: Partial<Record<BackEnd, { times: number } | { more: number }>> = {
  Dask: { times: 1.2 },
  'Dask, sendInterval: 0': { times: 1.2 },
  Ray: { times: 1.3 },
  Parsl: { times: 1.3 },
  'process pool': { more: 0.5 },
}
/** µs that a pack of one call may take more than a call of the own client. */
const BRIDGE_GOAL = 200
/** A call that waits for so many long ones has waited for more than one. */
const WAIT_GOAL = 2

const none = ['', ''] as const

/** Goal and verdict of a ratio, or another number. */
function judge(value: number, sign: '≥' | '≤' | '<', goal: number, unit: string): [string, string] {
  const isReached = sign === '≥' ? value >= goal : sign === '≤' ? value <= goal : value < goal
  return [`${sign} ${goal} ${unit}`, verdict(isReached)]
}

const titleOf = (name: BackEnd, way: Way): string => (way === 'executor' ? name : `${name}; ${way}`)
const oursOf = (figureOf: FigureOf, name: BackEnd, what: string, way: Way): Figure =>
  figureOf(`${name}: taps-sdk, ${keyOf(what, way)}`)
const ownFigure = (figureOf: FigureOf, name: BackEnd, what: string): Figure =>
  figureOf(`${ownOf(name)}: own client, ${what}`)

type Row = (name: BackEnd, way: Way) => readonly string[]

function rows(row: Row): string[][] {
  return names.flatMap((name) => ways.map((way) => [titleOf(name, way), ...row(name, way)]))
}

/** A bag, or a reduce: both against the bag of the own client. */
function submittedAtOnce(figureOf: FigureOf, what: 'at once' | 'reduce', title: string): Table {
  return {
    head: [title, 'tasks/s', 'lowest – highest', 'own client, a bag', 'against it', 'goal', ''],
    rows: rows((name, way) => {
      const ours = oursOf(figureOf, name, what, way)
      const own = ownFigure(figureOf, name, 'at once').median
      const ratio = ours.median / own
      const judged = () => {
        if (name !== 'BullMQ') return judge(ratio, '≥', AT_ONCE_GOAL, '×')
        return what === 'reduce' ? none : judge(ratio, '≥', RAW_BULLMQ_GOAL, '×')
      }
      return [format(ours.median), range(ours), format(own), `${format(ratio)} ×`, ...judged()]
    }),
  }
}

/** A figure of TaPS, scaled by what the own client does now. */
function scaled(figureOf: FigureOf, name: BackEnd, what: 'inFlight' | 'chain'): number | undefined {
  const own = ownOf(name)
  const taps = TAPS[own]
  return taps && (taps[what] * ownFigure(figureOf, own, 'at once').median) / taps.ownRate
}

function inFlight(figureOf: FigureOf): Table {
  return {
    head: ['64 in flight', 'tasks/s', 'lowest – highest', 'own client', 'TaPS, scaled', 'against TaPS', 'goal', ''],
    rows: rows((name, way) => {
      const ours = oursOf(figureOf, name, '64 in flight', way)
      const own = ownFigure(figureOf, name, '64 in flight').median
      const goal = TAPS[ownOf(name)]?.goal ?? 0
      return [
        format(ours.median),
        range(ours),
        format(own),
        ...againstTaps(ours.median, scaled(figureOf, name, 'inFlight'), goal),
      ]
    }),
  }
}

function chain(figureOf: FigureOf): Table {
  return {
    head: ['chain', 'links/s', 'lowest – highest', 'own client', 'TaPS, scaled', 'against TaPS', 'goal', ''],
    rows: rows((name, way) => {
      const ours = oursOf(figureOf, name, 'chain', way)
      const own = name === 'BullMQ' ? '' : format(ownFigure(figureOf, name, 'chain').median)
      // With the intervals of Dask itself there is no goal.
      const goal = name === 'Dask' ? undefined : 1
      return [format(ours.median), range(ours), own, ...againstTaps(ours.median, scaled(figureOf, name, 'chain'), goal)]
    }),
  }
}

function againstTaps(ours: number, taps: number | undefined, goal: number | undefined): string[] {
  if (taps === undefined) return ['', '', '', '']
  const ratio = ours / taps
  return [format(taps), `${format(ratio)} ×`, ...(goal === undefined ? none : judge(ratio, '≥', goal, '×'))]
}

/** Milliseconds of a call, from calls in a second. */
function milliseconds({ median, min, max }: Figure): Figure {
  return { median: 1_000 / median, min: 1_000 / max, max: 1_000 / min }
}

/** The next call begins as one ends, or when the back end has come to rest. */
function loneCall(figureOf: FigureOf, when: 'one after the other' | 'after 20 ms of rest'): Table {
  const timed = (figureOf: (what: string) => Figure): Figure =>
    when === 'one after the other' ? milliseconds(figureOf('chain')) : figureOf('lone call')
  return {
    head: [`lone call, ${when}`, 'ms', 'lowest – highest', 'own client', 'lowest – highest', 'against it', 'goal', ''],
    rows: rows((name, way) => {
      const ours = timed((what) => oursOf(figureOf, name, what, way))
      if (name === 'BullMQ' && when === 'one after the other')
        return [format(ours.median), range(ours), '', '', '', '', '']
      const own = timed((what) => ownFigure(figureOf, name, what))
      const goal = LONE_GOALS[name]
      const ratio = ours.median / own.median
      const more = ours.median - own.median
      const judged = () => {
        if (goal === undefined) return none
        return 'times' in goal ? judge(ratio, '≤', goal.times, '×') : judge(more, '≤', goal.more, 'ms more')
      }
      const against = `${format(ratio)} ×, ${more < 0 ? '−' : '+'}${format(Math.abs(more))} ms`
      return [format(ours.median), range(ours), format(own.median), range(own), against, ...judged()]
    }),
  }
}

function bridge(figureOf: FigureOf): Table {
  const ours = figureOf('process pool: taps-sdk, packs of one')
  const own = 1_000_000 / ownFigure(figureOf, 'process pool', '64 in flight').median
  const cost = ours.median - own
  const judged = judge(cost, '≤', BRIDGE_GOAL, 'µs')
  return {
    head: ['64 packs of one call in flight', 'µs', 'lowest – highest', 'own client', 'the bridge itself', 'goal', ''],
    rows: [['process pool', format(ours.median), range(ours), format(own), format(cost), ...judged]],
  }
}

function mixedLoad(figureOf: FigureOf): Table {
  return {
    head: [
      'mixed load',
      'no-op, ms',
      '99th percentile',
      'longest wait',
      'lowest – highest',
      'in long calls',
      'goal',
      '',
    ],
    rows: names.map((name) => {
      const figure = (what: string): Figure => oursOf(figureOf, name, what, 'executor')
      const longest = figure('longest wait')
      const inLongCalls = longest.median / LONG_MS
      const [median, last] = [figure('wait, median').median, figure('wait, 99th percentile').median]
      return [
        name,
        format(median),
        format(last),
        format(longest.median),
        range(longest),
        format(inLongCalls),
        ...judge(inLongCalls, '<', WAIT_GOAL, ''),
      ]
    }),
  }
}

export function tables(figureOf: FigureOf): Table[] {
  return [
    submittedAtOnce(figureOf, 'at once', 'bag'),
    submittedAtOnce(figureOf, 'reduce', 'reduce'),
    inFlight(figureOf),
    chain(figureOf),
    loneCall(figureOf, 'one after the other'),
    loneCall(figureOf, 'after 20 ms of rest'),
    bridge(figureOf),
    mixedLoad(figureOf),
  ]
}
