/** The shapes of graph that there are. */
export const STRUCTURES = ['bag', 'diamond', 'reduce', 'sequential'] as const
export type Structure = (typeof STRUCTURES)[number]

/** The parameters of TaPS's synthetic application. Times are in milliseconds, as everywhere here; TaPS has seconds. */
export interface SyntheticOptions {
  /** The shape of the graph. */
  readonly structure: Structure
  /** How many tasks there are, without those that begin or end a diamond or a reduce. */
  readonly taskCount: number
  /** How much random data each task is given, and returns. @defaultValue 0 */
  readonly taskDataBytes?: number | undefined
  /** How long each task takes at least. @defaultValue 0 */
  readonly taskSleep?: number | undefined
  /** The standard deviation of that time: tasks then take different times. @defaultValue 0 */
  readonly taskStd?: number | undefined
  /** How many tasks of a bag may be on their way at the same time: needed for a bag, and of no use elsewhere. */
  readonly bagMaxRunning?: number | undefined
  /** How many empty tasks run first. @defaultValue 0 */
  readonly warmupTasks?: number | undefined
  /** A source of chance from 0 to 1, for `taskStd`. @defaultValue Math.random */
  readonly random?: (() => number) | undefined
}

/** Options with their defaults. */
export interface Settings {
  readonly structure: Structure
  readonly taskCount: number
  readonly taskDataBytes: number
  readonly taskSleep: number
  readonly taskStd: number
  readonly bagMaxRunning: number
  readonly warmupTasks: number
  readonly random: () => number
}

/** An option is missing or wrong. */
export class OptionError extends Error {}

/** @throws OptionError if one is missing or wrong */
export function checkOptions(options: SyntheticOptions): Settings {
  const structure = toStructure(options.structure)
  if (structure === 'bag' && options.bagMaxRunning === undefined)
    throw new OptionError('bagMaxRunning has to be given for the structure bag')
  return {
    structure,
    taskCount: toCount('taskCount', options.taskCount, 1),
    taskDataBytes: toCount('taskDataBytes', options.taskDataBytes ?? 0, 0),
    taskSleep: toTime('taskSleep', options.taskSleep ?? 0),
    taskStd: toTime('taskStd', options.taskStd ?? 0),
    // 0 would never begin.
    bagMaxRunning: toCount('bagMaxRunning', options.bagMaxRunning ?? 1, 1),
    warmupTasks: toCount('warmupTasks', options.warmupTasks ?? 0, 0),
    random: options.random ?? Math.random,
  }
}

function toStructure(given: string): Structure {
  const structure = STRUCTURES.find((name) => name === String(given).toLowerCase())
  if (structure === undefined)
    throw new OptionError(`structure takes ${STRUCTURES.join(', ')}, not ${JSON.stringify(given)}`)
  return structure
}

function toCount(name: string, value: number, least: number): number {
  if (!Number.isSafeInteger(value) || value < least)
    throw new OptionError(`${name} takes a whole number of at least ${least}, not ${value}`)
  return value
}

function toTime(name: string, value: number): number {
  if (!Number.isFinite(value) || value < 0)
    throw new OptionError(`${name} takes milliseconds of at least 0, not ${value}`)
  return value
}
