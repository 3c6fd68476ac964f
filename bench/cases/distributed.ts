import { execFileSync } from 'node:child_process'
import { pythonWithBackends } from '../../test/servers/python.ts'
import { type BackEnd, backEnds } from '../back-ends.ts'
import type { Case, Variant } from '../case.ts'
import { figuresOf, LONG_EVERY, LONG_MS, MIXED_CALLS, packsOfOne, TASKS } from '../distributed.ts'
import { ownClients, tables } from '../distributed-tables.ts'
import { WINDOW } from '../drive.ts'
import { LONE_CALLS, pythonClient, rawBullMQ } from '../own-clients.ts'
import { WORKERS } from '../pools.ts'

const VERSIONS = `
import sys
from importlib.metadata import version
print("Python", sys.version.split()[0] + ",", ", ".join(f"{name} {version(name)}" for name in ("distributed", "ray", "parsl")))
`

const variants: [string, Variant][] = [
  ...(Object.keys(backEnds) as BackEnd[]).map((name): [string, Variant] => [
    `${name}: taps-sdk`,
    { run: () => figuresOf(name) },
  ]),
  ['process pool: taps-sdk, packs of one', { run: packsOfOne }],
  ...Object.entries(ownClients).map(([name, client]): [string, Variant] => [
    `${name}: own client`,
    { run: () => (client === undefined ? rawBullMQ() : pythonClient(client)) },
  ]),
]

export const distributed: Case = {
  name: 'distributed',
  title: 'Back ends',
  get about() {
    const versions = execFileSync(pythonWithBackends(), ['-c', VERSIONS], { encoding: 'utf8' }).trim()
    return `No-op tasks with a number as argument and result, ${WORKERS} workers, warm; straight to the executor, and through an engine, ${TASKS.toLocaleString('en-US')} at once. Beside it the back end's own client with a Python function that does nothing, and BullMQ itself (\`addBulk\`, one worker with a concurrency of 50). ${WINDOW} in flight: the next is submitted as one ends. A reduce is a bag, and one task that adds up all its results. A chain is awaited link by link. A lone call begins as the one before it ends: those of the chain; or when the back end has rested for 20 ms: the median of ${LONE_CALLS}. Mixed load: ${MIXED_CALLS.toLocaleString('en-US')} calls, ${WINDOW} in flight, every ${LONG_EVERY}th keeps the processor busy for ${LONG_MS} ms. ${versions}. TaPS is not published as a package: figures that were measured on such a machine stand for it, scaled by what the own client does in this run.`
  },
  variants: new Map(variants),
  tables,
}
