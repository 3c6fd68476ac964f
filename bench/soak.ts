// npm run soak [-- --seconds 180 --seed 1]: random graphs on threads and processes, while tasks throw, hang, exit and
// exhaust their memory, and a saboteur kills processes. Prints a report; exits with 1 if anything was lost, doubled or left.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { DependencyError, Engine, type TaskFuture } from 'taps-sdk'
import { ProcessPoolExecutor, ThreadPoolExecutor, type WorkerPool } from 'taps-sdk/node'
import { seededRandom } from 'taps-sdk/testing'
import { median } from './case.ts'
import { type Mischief, step, valueOfStep } from './soak-tasks.ts'

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '180' }, seed: { type: 'string', default: '1' } },
})
const random = seededRandom(Number(values.seed))
const until = performance.now() + Number(values.seconds) * 1000
const collect = (globalThis as { gc?: () => void }).gc

/** How often a step does what, in a thousand; the others do nothing bad. */
const MISCHIEF: readonly (readonly [Mischief, number])[] = [
  ['sleep', 30],
  ['throw', 20],
  ['fail', 3],
  ['exit', 4],
  ['hang', 1],
  ['memory', 1],
]
const STEPS = 400
const WORKERS = 2

const problems: string[] = []
const counts: Record<string, number> = {}
const count = (what: string, by = 1): void => {
  counts[what] = (counts[what] ?? 0) + by
}

interface Planned {
  readonly no: number
  readonly mischief: Mischief
  readonly parents: readonly number[]
}

function plan(): Planned[] {
  return Array.from({ length: STEPS }, (_, no) => {
    const parents = Array.from(
      { length: Math.min(no, Math.floor(random() * 4)) },
      () => no - 1 - Math.floor(random() * Math.min(no, 40)),
    )
    const mischief = mischiefBy(random() * 1000)
    return { no, mischief, parents }
  })
}

function mischiefBy(chance: number): Mischief {
  let sum = 0
  for (const [mischief, share] of MISCHIEF) {
    sum += share
    if (chance < sum) return mischief
  }
  return 'none'
}

/** One random graph, from its first submit to its last check. */
async function graph(engine: Engine, folder: string, round: number): Promise<void> {
  const log = join(folder, `${round}.log`)
  const steps = plan()
  const futures: TaskFuture<number>[] = []
  for (const { no, mischief, parents } of steps) {
    count(mischief)
    futures.push(
      engine.submit(
        step,
        { no, mischief, log },
        parents.map((parent) => futures[parent] as TaskFuture<number>),
      ),
    )
  }
  const outcomes = await Promise.allSettled(futures)
  check(steps, outcomes)
  checkRuns(futures, log)
  rmSync(log, { force: true })
  count('steps', steps.length)
}

function check(steps: readonly Planned[], outcomes: readonly PromiseSettledResult<number>[]): void {
  const expected: (number | undefined)[] = []
  for (const { no, mischief, parents } of steps) {
    const inputs = parents.map((parent) => expected[parent])
    const isLost = mischief === 'fail' || inputs.includes(undefined)
    expected.push(isLost ? undefined : valueOfStep(no, inputs as number[]))
    const outcome = outcomes[no] as PromiseSettledResult<number>
    if (outcome.status === 'fulfilled') {
      if (outcome.value !== expected[no]) problems.push(`step ${no} gave ${outcome.value}, not ${expected[no]}`)
    } else if (!isLost) problems.push(`step ${no} (${mischief}) failed: ${outcome.reason}`)
    else if (inputs.includes(undefined) !== outcome.reason instanceof DependencyError)
      problems.push(`step ${no} failed with ${outcome.reason}`)
  }
}

/** Each attempt began at most once, and no more of them than the record says; the one that succeeded exactly once. */
function checkRuns(futures: readonly TaskFuture<number>[], log: string): void {
  const lines = existsSync(log) ? readFileSync(log, 'utf8').split('\n').slice(0, -1) : []
  const runs = new Set(lines)
  if (runs.size !== lines.length) problems.push(`${lines.length - runs.size} attempts ran twice`)
  count('attempts', lines.length)
  for (const { info } of futures) {
    if (info.success === true && !runs.has(`${info.taskId} ${info.attempts}`)) problems.push(`${info.taskId} never ran`)
    if (runs.has(`${info.taskId} ${info.attempts + 1}`)) problems.push(`${info.taskId} ran more often than it says`)
  }
}

/** Kills a process now and then. */
function sabotage(pool: WorkerPool): () => void {
  const pids = new Set<number>()
  pool.on('workerStarted', ({ id }) => pids.add(id))
  pool.on('workerExited', ({ id }) => pids.delete(id))
  const timer = setInterval(() => {
    const victim = [...pids][Math.floor(random() * pids.size)]
    if (victim === undefined) return
    count('kills')
    process.kill(victim, 'SIGKILL')
  }, 1_500)
  return () => clearInterval(timer)
}

const before = { shm: leftovers(), resources: process.getActiveResourcesInfo().length }
const folder = mkdtempSync(join(tmpdir(), 'soak-'))
const pools = {
  threads: new ThreadPoolExecutor({ maxWorkers: WORKERS, resourceLimits: { maxOldGenerationSizeMb: 64 } }),
  processes: new ProcessPoolExecutor({ maxWorkers: WORKERS, execArgv: ['--max-old-space-size=64'] }),
}
const started: number[] = []
pools.processes.on('workerStarted', ({ id }) => started.push(id))
for (const pool of Object.values(pools)) {
  pool.on('output', () => {})
  pool.on('workerExited', () => count('workers that ended'))
}
const stop = sabotage(pools.processes)
const engines = Object.values(pools).map((executor) => new Engine({ executor, history: 0 }))
const heaps: number[] = []
let rounds = 0
const loops = engines.map(async (engine) => {
  while (performance.now() < until) {
    await graph(engine, folder, rounds++)
    collect?.()
    heaps.push(process.memoryUsage().heapUsed)
  }
})
await Promise.all(loops)
stop()
for (const engine of engines) await engine.shutdown()
rmSync(folder, { recursive: true })

const half = heaps.length >> 1
const mb = (part: readonly number[]): number => median(part) / 1e6
const [early, late] = [mb(heaps.slice(half >> 1, half)), mb(heaps.slice(half))]
if (late > early * 1.2 + 2) problems.push(`the heap grew from ${early.toFixed(1)} to ${late.toFixed(1)} MB`)
for (const pid of started) if (isAlive(pid)) problems.push(`process ${pid} is still there`)
if (leftovers() > before.shm) problems.push('files were left in the folder for temporary ones')
// A handle is gone some turns after it was closed.
for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
const resources = process.getActiveResourcesInfo().filter((name) => name !== 'TTYWrap' && name !== 'PipeWrap')
if (resources.length > before.resources) problems.push(`handles are left: ${resources.join(', ')}`)

console.log(`${rounds} graphs of ${STEPS} steps in ${values.seconds} s, seed ${values.seed}`)
console.log(
  Object.entries(counts)
    .map(([what, n]) => `${what} ${n}`)
    .join(', '),
)
console.log(`heap ${early.toFixed(1)} MB in the second quarter, ${late.toFixed(1)} MB in the second half`)
for (const problem of problems.slice(0, 20)) console.log(`PROBLEM ${problem}`)
console.log(`${problems.length} problems`)
process.exitCode = problems.length === 0 ? 0 : 1

function leftovers(): number {
  return [tmpdir(), '/dev/shm']
    .flatMap((dir) => (existsSync(dir) ? readdirSync(dir) : []))
    .filter((name) => /^taps-sdk-[0-9a-f-]{36}$/.test(name)).length
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
