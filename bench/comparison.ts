import { type Figure, format, range, type Table, verdict } from './case.ts'
import { LIMIT, OURS } from './pools.ts'

interface Comparison {
  /** Of the first column. */
  readonly title: string
  readonly unit: string
  readonly better: 'higher' | 'lower'
  /** Ours, those of peers, and limits, which no goal refers to. */
  readonly rows: readonly (readonly [name: string, figure: Figure])[]
  /** What our figures have to be against that of the fastest peer, by the name of the row. */
  readonly goals: Readonly<Record<string, number>>
}

/** A table in which each figure stands against that of the fastest peer. */
export function compare({ title, unit, better, rows, goals }: Comparison): Table {
  const ofPeers = rows.filter(([name]) => isPeer(name)).map(([, { median }]) => median)
  const fastest = better === 'higher' ? Math.max(...ofPeers) : Math.min(...ofPeers)
  return {
    head: [title, unit, 'lowest – highest', 'against the fastest peer', 'goal', ''],
    rows: rows.map(([name, figure]) => {
      const ratio = figure.median / fastest
      return [name, format(figure.median), range(figure), `${format(ratio)} ×`, ...judge(ratio, goals[name], better)]
    }),
  }
}

function isPeer(name: string): boolean {
  return !name.startsWith(OURS) && !name.startsWith(LIMIT)
}

function judge(ratio: number, goal: number | undefined, better: 'higher' | 'lower'): [goal: string, verdict: string] {
  if (goal === undefined) return ['', '']
  return better === 'higher' ? [`≥ ${goal} ×`, verdict(ratio >= goal)] : [`≤ ${goal} ×`, verdict(ratio <= goal)]
}
