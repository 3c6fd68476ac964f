import { type Case, format, median, range, type Variant, verdict } from '../case.ts'

const LENGTH = 1_000_000
const WARM_UPS = 20
const RUNS = 21
/** How many calls are timed together where one is too short for the clock. */
const BATCH = 100
/** What counts as nothing beside an integer, in ms: the noise of one call. */
const NOTHING = 0.01

const values: Readonly<Record<string, () => unknown>> = {
  'an integer': () => 1,
  'Float64Array of 1,000,000': () => new Float64Array(LENGTH),
  'array of 1,000,000 integers': () => Array.from({ length: LENGTH }, (_, i) => i),
  'array of 1,000,000 fractions': () => Array.from({ length: LENGTH }, (_, i) => i + 0.5),
}

async function open() {
  const { Engine, task } = await import('taps-sdk')
  const engine = new Engine()
  return {
    engine,
    run: task(function ignore(_value: unknown) {
      return 0
    }),
  }
}

/** ms of the first `submit` of a process. */
async function firstCall(make: () => unknown): Promise<number> {
  const { engine, run } = await open()
  const value = make()
  const start = performance.now()
  const future = engine.submit(run, value)
  const ms = performance.now() - start
  await future
  return ms
}

/** ms of a `submit` after many. */
async function warmCall(make: () => unknown): Promise<number> {
  const { engine, run } = await open()
  const value = make()
  const isLong = Array.isArray(value)
  const batch = isLong ? 1 : BATCH
  const times: number[] = []
  for (let i = 0; i < WARM_UPS + RUNS; i++) {
    const futures = []
    const start = performance.now()
    for (let call = 0; call < batch; call++) futures.push(engine.submit(run, value))
    times.push((performance.now() - start) / batch)
    await Promise.all(futures)
  }
  return median(times.slice(WARM_UPS))
}

const calls = [
  { call: 'warm', measure: warmCall, goal: 5 },
  { call: 'first call', measure: firstCall, goal: 20 },
]

const keyOf = (call: string, value: string): string => `${call}: ${value}`

export const largeArguments: Case = {
  name: 'arguments',
  title: 'Search of large arguments',
  about:
    'ms for one `submit` with the value as its argument: after 20 such calls, and as the first call in a fresh process (which compiles the path through `submit`, see the integer).',
  variants: new Map(
    calls.flatMap(({ call, measure }) =>
      Object.entries(values).map(([name, make]): [string, Variant] => [
        keyOf(call, name),
        { run: () => measure(make) },
      ]),
    ),
  ),
  tables: (figureOf) => [
    {
      head: ['argument', 'ms', 'lowest – highest', 'goal', ''],
      rows: calls.flatMap(({ call, goal }) =>
        Object.keys(values).map((name) => {
          const figure = figureOf(keyOf(call, name))
          const more = figure.median - figureOf(keyOf(call, 'an integer')).median
          const judge = (): string[] => {
            if (name === 'an integer') return ['', '']
            if (name.startsWith('array')) return [`< ${goal}`, verdict(figure.median < goal)]
            // A first call varies by more than what is looked for; the warm one tells.
            return call === 'warm' ? ['as an integer', verdict(more < NOTHING)] : ['', '']
          }
          return [`${name}, ${call}`, format(figure.median), range(figure), ...judge()]
        }),
      ),
    },
  ],
}
