import { setImmediate as nextLoop } from 'node:timers/promises'
import { type Case, format, range, type Variant, verdict } from '../case.ts'
import { collectGarbage } from '../measure.ts'
import { type Kind, loadPool, OURS } from '../pools.ts'

const CALLS = 200_000
const MOST_BYTES = 450
/** Calls that a worker of any of the libraries runs at the same time. */
const MOST_AT_ONCE = 64

/** Peers that keep the calls themselves: poolifier without a queue posts them at once, to memory that is not counted. */
const rows: readonly (readonly [kind: Kind, name: string])[] = [
  ['threads', OURS],
  ['processes', OURS],
  ['threads', 'Piscina'],
  ['threads', 'tinypool'],
  ['threads', 'workerpool'],
  ['threads', 'poolifier, tuned'],
  ['threads', 'jest-worker'],
]
const keyOf = (kind: Kind, name: string): string => `${kind}: ${name}`

/** What memory grows by for each call behind one that holds the only worker. The caller holds on to every future. */
async function bytesPerCall(kind: Kind, name: string): Promise<number> {
  const pool = (await loadPool(kind, name))({ workers: 1 })
  const noop = pool.bind('noop')
  await noop(0)
  const hold = pool.bind('hold')
  const held = Array.from({ length: MOST_AT_ONCE }, () => hold(0))
  // Filled, so that its own memory is there before.
  const calls: unknown[] = new Array(CALLS).fill(0)
  await collectGarbage()
  const before = used()
  for (let i = 0; i < CALLS; i++) calls[i] = noop(i)
  await collectGarbage()
  const after = used()
  if (held.length === 0) throw new Error('The futures must live until here')
  await Promise.race([
    nextLoop(),
    (calls[0] as PromiseLike<number>).then(failIfRun),
    (calls.at(-1) as PromiseLike<number>).then(failIfRun),
  ])
  return (after - before) / CALLS
}

function failIfRun(): void {
  throw new Error('A call has run that had to wait')
}

/** With the buffers that calls may have been written to. */
function used(): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

export const poolHeap: Case = {
  name: 'pool-heap',
  title: 'Workers: memory per queued call',
  about: `${CALLS.toLocaleString('en-US')} no-op calls behind others that never end, one worker, one integer as argument, straight to the executor; growth of the heap and of buffers after a garbage collection.`,
  flags: ['--expose-gc', '--max-old-space-size=4096'],
  variants: new Map(
    rows.map(([kind, name]): [string, Variant] => [keyOf(kind, name), { run: () => bytesPerCall(kind, name) }]),
  ),
  tables: (figureOf) => [
    {
      head: ['', 'bytes per call', 'lowest – highest', 'goal', ''],
      rows: rows.map(([kind, name]) => {
        const figure = figureOf(keyOf(kind, name))
        const judged = name === OURS ? [`≤ ${MOST_BYTES}`, verdict(figure.median <= MOST_BYTES)] : ['', '']
        return [`${name}, ${kind}`, format(figure.median), range(figure), ...judged]
      }),
    },
  ],
}
