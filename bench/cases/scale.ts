import { type Case, format, type Variant, verdict } from '../case.ts'
import { costPerTask, shapes } from './shapes.ts'

const SIZES = [1_000, 10_000, 100_000, 1_000_000]
/** What the others are compared with: the size of all other cases. */
const BASE = 100_000
const TOLERANCE = 0.25
const names = Object.keys(shapes) as (keyof typeof shapes)[]

const keyOf = (shape: string, n: number): string => `${shape}, ${n}`

export const scale: Case = {
  name: 'scale',
  title: 'Cost per task by number of tasks',
  about: `ns per task, warm, unlimited concurrency; small graphs are repeated up to ${BASE.toLocaleString('en-US')} tasks per measurement. The percentages are against ${BASE.toLocaleString('en-US')} tasks. p-limit shows what the memory of a million tasks costs elsewhere; no goal refers to it.`,
  variants: new Map(
    names.flatMap((shape) =>
      SIZES.map((n): [string, Variant] => [keyOf(shape, n), { run: () => costPerTask(shape, n) }]),
    ),
  ),
  tables: (figureOf) => [
    {
      head: ['shape', ...SIZES.map((n) => n.toLocaleString('en-US')), 'goal', ''],
      rows: names.map((shape) => {
        const base = figureOf(keyOf(shape, BASE)).median
        const costs = SIZES.map((n) => figureOf(keyOf(shape, n)).median)
        const isFlat = costs.every((cost) => Math.abs(cost / base - 1) <= TOLERANCE)
        const cells = costs.map((cost) => (cost === base ? format(cost) : `${format(cost)} (${percent(cost / base)})`))
        return [shape, ...cells, ...(shape.includes('p-limit') ? ['', ''] : ['± 25 %', verdict(isFlat)])]
      }),
    },
  ],
}

function percent(ratio: number): string {
  const change = Math.round((ratio - 1) * 100)
  return `${change < 0 ? '−' : '+'}${Math.abs(change)} %`
}
