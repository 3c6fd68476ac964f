import { randomBytes } from 'node:crypto'
import { asCompleted, type Engine, type Input, type TaskFuture } from 'taps-sdk'
import { checkOptions, type Settings, type Structure, type SyntheticOptions } from './options.ts'
import { noop, type Work, warmup } from './tasks.ts'

/** What a run took. */
export interface SyntheticResult {
  /** How many tasks ran, those of the warm-up included. */
  readonly tasks: number
  /** Without the warm-up. */
  readonly wallMs: number
}

const RUN: Readonly<Record<Structure, (engine: Engine, settings: Settings) => Promise<void>>> = {
  bag,
  diamond,
  reduce,
  sequential,
}

/**
 * Runs a graph of tasks that do nothing but take time and move data.
 * @throws OptionError if an option is missing or wrong; what a task fails with
 */
export async function runSynthetic(engine: Engine, options: SyntheticOptions): Promise<SyntheticResult> {
  const settings = checkOptions(options)
  const before = engine.tasksExecuted
  await Promise.all(Array.from({ length: settings.warmupTasks }, () => engine.submit(warmup)))
  const start = performance.now()
  await RUN[settings.structure](engine, settings)
  return { tasks: engine.tasksExecuted - before, wallMs: performance.now() - start }
}

/** Tasks that know nothing of each other: as one ends, the next one is submitted. */
async function bag(engine: Engine, settings: Settings): Promise<void> {
  const window = settings.bagMaxRunning
  for await (const output of engine.stream(noop, bagOfWork(settings), { window, ordered: false })) use(output, settings)
}

function* bagOfWork(settings: Settings): Generator<Input<Work>> {
  for (let i = 0; i < settings.taskCount; i++) yield work([data(settings)], someSleep(settings), settings)
}

/** One task, then many that need it, then one that needs them all. */
async function diamond(engine: Engine, settings: Settings): Promise<void> {
  const first = engine.submit(noop, work([data(settings)], settings.taskSleep, settings))
  const middle = many(engine, settings, () => first)
  use(await engine.submit(noop, work(middle, settings.taskSleep, settings)), settings)
}

/** Many tasks, then one that needs them all. */
async function reduce(engine: Engine, settings: Settings): Promise<void> {
  const parts = many(engine, settings, () => data(settings))
  use(await engine.submit(noop, work(parts, settings.taskSleep, settings)), settings)
}

/** A chain. */
async function sequential(engine: Engine, settings: Settings): Promise<void> {
  const chain: TaskFuture<Uint8Array>[] = []
  for (let i = 0; i < settings.taskCount; i++)
    chain.push(engine.submit(noop, work([chain[i - 1] ?? data(settings)], someSleep(settings), settings)))
  for await (const { future } of asCompleted(chain)) use(await future, settings)
}

function many(engine: Engine, settings: Settings, input: () => Input<Uint8Array>): TaskFuture<Uint8Array>[] {
  const works = Array.from({ length: settings.taskCount }, () => work([input()], someSleep(settings), settings))
  return engine.map(noop, works)
}

function work(inputs: readonly Input<Uint8Array>[], sleep: number, settings: Settings): Input<Work> {
  return { inputs, outputBytes: settings.taskDataBytes, sleep }
}

function data({ taskDataBytes }: Settings): Uint8Array {
  return randomBytes(taskDataBytes)
}

/** A time around `taskSleep`, by the normal distribution; never below 0. */
function someSleep({ taskSleep, taskStd, random }: Settings): number {
  if (taskStd === 0) return taskSleep
  // From two even numbers, by Box and Muller; 1 minus, because the logarithm of 0 is no number.
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  return Math.max(0, taskSleep + taskStd * normal)
}

/** What has come back is what was asked for. */
function use(output: Uint8Array, { taskDataBytes }: Settings): void {
  if (output.length !== taskDataBytes) throw new Error(`A task returned ${output.length} bytes, not ${taskDataBytes}`)
}
