import { type Case, type Figure, format, range, type Table, type Variant, verdict } from '../case.ts'
import { check } from '../measure.ts'
import { ENGINE, type Kind, kinds, loadExecutor, loadPool, loadTasks, OURS, peerNames, WORKERS } from '../pools.ts'

const TASKS = 10_000
const WARM_UP_TASKS = 3_000
const CHAIN = `${ENGINE}, chain`

type Run = (n: number) => Promise<number>

/** Each task takes the future of the one before. */
async function chain(kind: Kind): Promise<Run> {
  const { Engine } = await import('taps-sdk')
  const engine = new Engine({ executor: (await loadExecutor(kind))() })
  const { next } = await loadTasks()
  return async (n) => {
    let last = engine.submit(next, 0)
    for (let i = 1; i < n; i++) last = engine.submit(next, last)
    return last
  }
}

/** Each call takes the result of the one before. */
async function loneCalls(kind: Kind, name: string): Promise<Run> {
  const next = (await loadPool(kind, name))().bind('next')
  return async (n) => {
    let value = 0
    for (let i = 0; i < n; i++) value = await next(value)
    return value
  }
}

async function rate(run: Run): Promise<number> {
  check(await run(WARM_UP_TASKS), WARM_UP_TASKS)
  const start = performance.now()
  check(await run(TASKS), TASKS)
  return TASKS / ((performance.now() - start) / 1_000)
}

const keyOf = (kind: Kind, name: string): string => `${kind}: ${name}`
const namesOf = (kind: Kind): string[] => [CHAIN, OURS, ENGINE, ...peerNames(kind)]
const runOf = (kind: Kind, name: string): Promise<Run> => (name === CHAIN ? chain(kind) : loneCalls(kind, name))

function table(kind: Kind, figureOf: (key: string) => Figure): Table {
  const lone = figureOf(keyOf(kind, OURS)).median
  return {
    head: [kind, 'calls/s', 'lowest – highest', 'against lone calls of taps-sdk', 'goal', ''],
    rows: namesOf(kind).map((name) => {
      const figure = figureOf(keyOf(kind, name))
      const ratio = figure.median / lone
      const judged = name === CHAIN ? ['≥ 1 ×', verdict(ratio >= 1)] : ['', '']
      return [name, format(figure.median), range(figure), `${format(ratio)} ×`, ...judged]
    }),
  }
}

export const poolChain: Case = {
  name: 'pool-chain',
  title: 'Workers: chain',
  about: `${TASKS.toLocaleString('en-US')} calls that each need the result of the one before, ${WORKERS} workers. The chain is submitted as a whole, with futures as arguments; in the other rows the program awaits each call before it submits the next.`,
  variants: new Map(
    kinds.flatMap((kind) =>
      namesOf(kind).map((name): [string, Variant] => [
        keyOf(kind, name),
        { run: async () => rate(await runOf(kind, name)) },
      ]),
    ),
  ),
  tables: (figureOf) => kinds.map((kind) => table(kind, figureOf)),
}
