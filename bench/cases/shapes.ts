/** Graphs of tasks of different shapes, whose cost per task is compared. */
import { check, sumBelow, timed } from '../measure.ts'
import { noop, peers } from '../peers.ts'

/** Runs about n tasks. */
type Run = (n: number) => Promise<void>

async function bag(): Promise<Run> {
  const { Engine, futureList, task } = await import('taps-sdk')
  const one = task(noop)
  return async (n) => {
    const engine = new Engine()
    const futures = []
    for (let i = 0; i < n; i++) futures.push(engine.submit(one, i))
    let sum = 0
    for (const value of await futureList(futures)) sum += value
    check(sum, sumBelow(n))
  }
}

/** Each task takes the future of the one before. */
async function chain(): Promise<Run> {
  const { Engine, task } = await import('taps-sdk')
  const next = task(async function next(i: number) {
    return i + 1
  })
  return async (n) => {
    const engine = new Engine()
    let last = engine.submit(next, 0)
    for (let i = 1; i < n; i++) last = engine.submit(next, last)
    check(await last, n)
  }
}

/** Values are added in pairs, then the sums, up to one: n - 1 tasks, half of which have two parents. */
async function tree(): Promise<Run> {
  const { Engine, task } = await import('taps-sdk')
  const add = task(async function add(a: number, b: number) {
    return a + b
  })
  return async (n) => {
    const engine = new Engine()
    let level = []
    for (let i = 0; i + 1 < n; i += 2) level.push(engine.submit(add, i, i + 1))
    if (n % 2 === 1) level.push(engine.submit(add, n - 1, 0))
    while (level.length > 1) {
      const sums = []
      for (let i = 0; i + 1 < level.length; i += 2)
        sums.push(engine.submit(add, level[i] as (typeof level)[number], level[i + 1] as (typeof level)[number]))
      if (level.length % 2 === 1) sums.push(level.at(-1) as (typeof level)[number])
      level = sums
    }
    check((await level[0]) as number, sumBelow(n))
  }
}

/** The bag of another library, for what the machine and the memory do to everyone. */
async function limitBag(): Promise<Run> {
  const open = await (peers['p-limit'] as (typeof peers)[string])(Infinity)
  return async (n) => {
    let sum = 0
    for (const value of await open().all(n)) sum += value
    check(sum, sumBelow(n))
  }
}

export const shapes = { bag, chain, tree, 'bag of p-limit': limitBag }

/** Tasks that every run takes together, at least; small graphs are repeated. */
const LEAST = 100_000

/** The cost of a task in ns, in graphs of n tasks. */
export async function costPerTask(shape: keyof typeof shapes, n: number): Promise<number> {
  const run = await shapes[shape]()
  const times = Math.max(1, Math.round(LEAST / n))
  const ms = await timed(
    async () => {
      for (let i = 0; i < times; i++) await run(n)
    },
    {
      runs: n > LEAST ? 2 : 7,
      // The same work before each size, so that sizes differ in nothing else.
      async warmUp() {
        for (let i = 0; i < times; i++) await run(Math.min(n, LEAST))
      },
    },
  )
  return (ms * 1e6) / (n * times)
}
