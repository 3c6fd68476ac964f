import { type Case, format, range, type Variant, verdict } from '../case.ts'
import { collectGarbage } from '../measure.ts'

const TASKS = 1_000_000
const MOST_BYTES = 600
/** The least that waiting for a promise costs. */
const SCALE = 'a bare parent.then(), for scale'

type Submit = (i: number) => PromiseLike<unknown>

/** A promise that nobody settles. */
const never = new Promise<number>(() => {})

/** What the heap grows by for each task that is submitted and does not start. The caller holds on to every future. */
async function bytesPerTask(submit: Submit): Promise<number> {
  // Filled, so that its own memory is there before.
  const futures: unknown[] = new Array(TASKS).fill(0)
  await collectGarbage()
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < TASKS; i++) futures[i] = submit(i)
  await collectGarbage()
  const after = process.memoryUsage().heapUsed
  if (futures.length !== TASKS) throw new Error('The futures must live until here')
  return (after - before) / TASKS
}

async function failIfRun(i: number, _parent?: number): Promise<number> {
  throw new Error(`Task ${i} has started`)
}

/** Behind the one slot that there is, which a task holds for ever. */
const queued: Readonly<Record<string, () => Promise<Submit>>> = {
  async 'taps-sdk'() {
    const { Engine, InProcessExecutor, task } = await import('taps-sdk')
    const engine = new Engine({ executor: new InProcessExecutor({ concurrency: 1 }) })
    await started((body) => engine.submit(task(body)))
    const run = task(failIfRun)
    return (i) => engine.submit(run, i)
  },
  async 'p-limit'() {
    const { default: pLimit } = await import('p-limit')
    const limit = pLimit(1)
    await started((body) => limit(body))
    return (i) => limit(failIfRun, i)
  },
  async 'p-queue'() {
    const { default: PQueue } = await import('p-queue')
    const queue = new PQueue({ concurrency: 1 })
    await started((body) => queue.add(body))
    return (i) => queue.add(() => failIfRun(i))
  },
}

/** Each waits for the same task, which does not end. The peers know no dependencies: there the call that they are given waits. */
const waiting: Readonly<Record<string, () => Promise<Submit>>> = {
  async 'taps-sdk'() {
    const { Engine, task } = await import('taps-sdk')
    const engine = new Engine()
    const parent = await started((body) => engine.submit(task(body)))
    const run = task(failIfRun)
    return (i) => engine.submit(run, i, parent.future)
  },
  async 'p-limit'() {
    const { default: pLimit } = await import('p-limit')
    const limit = pLimit(Infinity)
    const parent = await started((body) => limit(body))
    return (i) => limit(async () => failIfRun(i, await parent.future))
  },
  async 'p-queue'() {
    const { default: PQueue } = await import('p-queue')
    const queue = new PQueue()
    const parent = await started((body) => queue.add(body))
    return (i) => queue.add(async () => failIfRun(i, await parent.future))
  },
  async [SCALE]() {
    const parent = new Promise<number>(() => {})
    return (i) => parent.then((value) => failIfRun(i, value))
  },
}

/** Submits a task that does not end, and waits for its body. The future in an object, because `await` would wait for it. */
async function started<F extends PromiseLike<number>>(
  submit: (body: () => Promise<number>) => F,
): Promise<{ readonly future: F }> {
  let tellRunning = (): void => {}
  const isRunning = new Promise<void>((resolve) => {
    tellRunning = resolve
  })
  const future = submit(() => {
    tellRunning()
    return never
  })
  await isRunning
  return { future }
}

const groups = [
  { title: 'waiting for a slot', key: 'slot', of: queued },
  { title: 'waiting for a parent', key: 'parent', of: waiting },
]

export const heap: Case = {
  name: 'heap',
  title: 'Heap per pending task',
  about: `${TASKS.toLocaleString('en-US')} tasks submitted, none started, one integer as argument; growth of the heap after a garbage collection. To taps-sdk a parent is a future among the arguments; p-limit and p-queue, which know no parents, are given a function that awaits it first.`,
  // Enough for a million tasks of any library.
  flags: ['--expose-gc', '--max-old-space-size=4096'],
  variants: new Map(
    groups.flatMap(({ key, of }) =>
      Object.entries(of).map(([name, open]): [string, Variant] => [
        `${key}: ${name}`,
        { run: async () => bytesPerTask(await open()) },
      ]),
    ),
  ),
  tables: (figureOf) =>
    groups.map(({ title, key, of }) => {
      const limit = figureOf(`${key}: p-limit`).median
      return {
        head: [title, 'bytes per task', 'lowest – highest', 'against p-limit', 'goal', ''],
        rows: Object.keys(of).map((name) => {
          const figure = figureOf(`${key}: ${name}`)
          const isReached = figure.median < MOST_BYTES && figure.median < limit
          return [
            name,
            format(figure.median),
            range(figure),
            `${format(figure.median / limit)} ×`,
            ...(name === 'taps-sdk' ? [`< ${MOST_BYTES}, below p-limit's`, verdict(isReached)] : ['', '']),
          ]
        }),
      }
    }),
}
