import { type Case, format, range, type Variant, verdict } from '../case.ts'

/** The most that ours may take, in ms. */
const goals: Readonly<Record<string, number>> = { 'taps-sdk': 10, 'taps-sdk/node': 15 }
const EMPTY = 'an empty module'
const names = [...Object.keys(goals), 'p-queue', 'piscina', 'tinypool', 'workerpool', 'poolifier', 'jest-worker', EMPTY]

function program(name: string): string {
  const specifier = name === EMPTY ? 'data:text/javascript,' : name
  return [
    'const start = performance.now()',
    `await import(${JSON.stringify(specifier)})`,
    'console.log(performance.now() - start)',
  ].join('\n')
}

export const imports: Case = {
  name: 'import',
  title: 'Import time',
  about: 'ms for the first `import()` in a fresh process, files in the page cache.',
  leastRounds: 9,
  variants: new Map(names.map((name): [string, Variant] => [name, { program: program(name) }])),
  tables: (figureOf) => [
    {
      head: ['module', 'ms', 'lowest – highest', 'goal', ''],
      rows: names.map((name) => {
        const figure = figureOf(name)
        const most = goals[name]
        const judged = most === undefined ? ['', ''] : [`≤ ${most}`, verdict(figure.median <= most)]
        return [name, format(figure.median), range(figure), ...judged]
      }),
    },
  ],
}
