// TaPS's synthetic application: graphs of a known shape, whose tasks do nothing but take time and move data.
// For measuring an executor, or for seeing what it does.
import { parseArgs } from 'node:util'
import { Engine } from 'taps-sdk'
import { isProgram } from '../is-program.ts'
import { createExecutor, readWhere, WHERE_OPTIONS, type Where, WhereError, whereHelp } from '../where.ts'
import { checkOptions, OptionError, STRUCTURES, type SyntheticOptions } from './options.ts'
import { runSynthetic } from './synthetic.ts'

const HELP = `Runs a graph of tasks that do nothing but take time and move data.

Usage: node examples/synthetic/main.ts [options]     (without those of a graph: a small one of each structure)

  --structure <name>      ${STRUCTURES.join(', ')}
  --task-count <n>        how many tasks; a diamond has two more, a reduce one more
  --task-data-bytes <n>   how much data each task is given and returns (default: 0)
  --task-sleep <ms>       how long each task takes at least (default: 0)
  --task-std <ms>         the standard deviation of that time (default: 0)
  --bag-max-running <n>   how many tasks of a bag are on their way at the same time; a bag needs it
  --warmup-tasks <n>      how many empty tasks run first (default: 0)
${whereHelp('no limit in process, else 1')}
  --help                  show this`

/** @returns how many tasks ran, by structure */
export async function main(args: readonly string[] = []): Promise<Record<string, number>> {
  const tasks: Record<string, number> = {}
  try {
    const given = readArguments(args)
    if (given === undefined) console.log(HELP)
    else for await (const [structure, count] of runAll(given)) tasks[structure] = count
  } catch (error) {
    if (!(error instanceof OptionError || error instanceof WhereError)) throw error
    console.error(`synthetic: ${error.message}. --help shows the options.`)
    process.exitCode = 1
  }
  return tasks
}

/** What `main()` has to return. */
export const expected = { bag: 20, diamond: 22, reduce: 21, sequential: 20 }

/** What to run, one after the other on the same executor. */
interface Arguments {
  readonly runs: readonly SyntheticOptions[]
  readonly where: Where
}

async function* runAll({ runs, where }: Arguments): AsyncGenerator<[structure: string, tasks: number]> {
  await using engine = new Engine({ executor: createExecutor(where) })
  for (const options of runs) yield [options.structure, await run(engine, options)]
}

async function run(engine: Engine, options: SyntheticOptions): Promise<number> {
  const { tasks, wallMs } = await runSynthetic(engine, options)
  const rate = Math.round((1000 * (tasks - (options.warmupTasks ?? 0))) / wallMs).toLocaleString('en')
  console.log(`${options.structure.padEnd(10)}  ${tasks} tasks in ${wallMs.toFixed(1)} ms: ${rate} tasks/s`)
  return tasks
}

/** Undefined if help is wanted. */
function readArguments(args: readonly string[]): Arguments | undefined {
  const values = parse(args)
  if (values.help) return undefined
  const number = (name: NumberOption): number | undefined => toNumber(name, values[name])
  const where = readWhere(values)
  if (Object.keys(values).every((name) => name === 'help' || name in WHERE_OPTIONS)) {
    const small = { taskCount: 20, taskDataBytes: 1_000, taskSleep: 2, taskStd: 1, bagMaxRunning: 5 }
    return { runs: STRUCTURES.map((structure) => ({ structure, ...small })), where }
  }
  if (values.structure === undefined) throw new OptionError('structure has to be given')
  const taskCount = number('task-count')
  if (taskCount === undefined) throw new OptionError('task-count has to be given')
  const options = {
    structure: values.structure as SyntheticOptions['structure'],
    taskCount,
    taskDataBytes: number('task-data-bytes'),
    taskSleep: number('task-sleep'),
    taskStd: number('task-std'),
    bagMaxRunning: number('bag-max-running'),
    warmupTasks: number('warmup-tasks'),
  }
  return { runs: [checkOptions(options)], where }
}

const text = { type: 'string' } as const
const NUMBERS = {
  'task-count': text,
  'task-data-bytes': text,
  'task-sleep': text,
  'task-std': text,
  'bag-max-running': text,
  'warmup-tasks': text,
}
type NumberOption = keyof typeof NUMBERS

function parse(args: readonly string[]) {
  try {
    const help = { type: 'boolean', short: 'h', default: false } as const
    return parseArgs({ args: [...args], options: { ...NUMBERS, ...WHERE_OPTIONS, structure: text, help } }).values
  } catch (error) {
    const [sentence] = (error as Error).message.split(/\.\s/)
    throw new OptionError(sentence?.replace(/\.$/, ''))
  }
}

function toNumber(name: NumberOption, given: string | undefined): number | undefined {
  if (given === undefined) return undefined
  const value = Number(given)
  if (given.trim() === '' || Number.isNaN(value))
    throw new OptionError(`${name} takes a number, not ${JSON.stringify(given)}`)
  return value
}

if (isProgram(import.meta.url)) await main(process.argv.slice(2))
