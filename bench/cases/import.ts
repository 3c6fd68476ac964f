import { type Case, format, range, type Variant, verdict } from '../case.ts'

const MOST_MS = 10
const modules = { 'taps-sdk': 'taps-sdk', 'p-queue': 'p-queue', 'an empty module': 'data:text/javascript,' }

function program(specifier: string): string {
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
  variants: new Map(
    Object.entries(modules).map(([name, specifier]): [string, Variant] => [name, { program: program(specifier) }]),
  ),
  tables: (figureOf) => [
    {
      head: ['module', 'ms', 'lowest – highest', 'goal', ''],
      rows: Object.keys(modules).map((name) => {
        const figure = figureOf(name)
        const judged = name === 'taps-sdk' ? [`≤ ${MOST_MS}`, verdict(figure.median <= MOST_MS)] : ['', '']
        return [name, format(figure.median), range(figure), ...judged]
      }),
    },
  ],
}
