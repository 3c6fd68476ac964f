import * as errors from '../errors.ts'
import { shared } from '../shared.ts'

/** How a task is found again in another process: by the module that declares it, never by its source. */
export interface TaskRef {
  /** The URL of the module; empty where it is not known. */
  readonly module: string
  /** Its name. */
  readonly name: string
  /** The how-manieth task of its module it is, from 0: tells tasks of one name apart. */
  readonly ordinal: number
}

/** Enters a task, and gives it its reference. */
export function register(task: unknown, name: string, module: string): TaskRef {
  const { modules } = shared()
  shared().errorClasses = errors
  let tasks = modules.get(module)
  if (tasks === undefined) {
    tasks = []
    modules.set(module, tasks)
  }
  return { module, name, ordinal: tasks.push(task) - 1 }
}

/** The task of a reference, if its module has been imported here. */
export function lookUp(ref: TaskRef): unknown {
  return shared().modules.get(ref.module)?.[ref.ordinal]
}

/** What is said of a module instead of its tasks' names, to whom looks for one that is not there. */
export function namesIn(module: string): readonly string[] {
  return (shared().modules.get(module) ?? []).map((task) => (task as { name: string }).name)
}

interface CallSite {
  readonly scriptName: string
}
interface Util {
  getCallSites?(frames: number, options: { sourceMap: boolean }): CallSite[]
}

/** How many calls there may be between `task()` and this function: bundlers inline some. */
const DEEPEST = 6

/**
 * The URL of the module that called `task()`: the first one on the stack that is not of this library. Where a bundler has
 * put both into one file, it is that file. Empty where the runtime does not tell.
 * @param own - the URLs of the modules between `task()` and this function
 */
export function callerModule(own: readonly string[]): string {
  const { process } = globalThis as { process?: { getBuiltinModule?(id: string): unknown } }
  const util = process?.getBuiltinModule?.('node:util') as Util | undefined
  // Without source maps: they would name the file that the module was made from, which a worker cannot import.
  const sites = util?.getCallSites?.(DEEPEST, { sourceMap: false }) ?? []
  // Below the module stands what evaluates it.
  const scripts = sites.map(({ scriptName }) => toUrl(scriptName)).filter((script) => !script.startsWith('node:'))
  const library = [...own, import.meta.url]
  return (
    scripts.find((script) => script !== '' && !library.includes(script)) ?? (scripts.length > 0 ? library[0] : '') ?? ''
  )
}

function toUrl(script: string): string {
  return script.startsWith('/') ? `file://${encodeURI(script).replaceAll('#', '%23').replaceAll('?', '%3F')}` : script
}
