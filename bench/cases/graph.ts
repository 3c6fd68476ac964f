import { type Case, format, range, type Variant, verdict } from '../case.ts'
import { costPerTask } from './shapes.ts'

const TASKS = 100_000
const shapes = ['bag', 'chain', 'tree'] as const

export const graph: Case = {
  name: 'graph',
  title: 'Chain and tree',
  about: `${TASKS.toLocaleString('en-US')} no-op async tasks, unlimited concurrency. In the chain each takes the future of the one before; the tree adds ${TASKS.toLocaleString('en-US')} numbers in pairs.`,
  variants: new Map(shapes.map((shape): [string, Variant] => [shape, { run: () => costPerTask(shape, TASKS) }])),
  tables(figureOf) {
    const bag = figureOf('bag').median
    return [
      {
        head: ['shape', 'ns per task', 'lowest – highest', 'against the bag', 'goal', ''],
        rows: shapes.map((shape) => {
          const figure = figureOf(shape)
          const ratio = figure.median / bag
          const judged = shape === 'bag' ? ['', '', ''] : [`${format(ratio)} ×`, '≤ 2', verdict(ratio <= 2)]
          return [shape, format(figure.median), range(figure), ...judged]
        }),
      },
    ]
  },
}
