/** How a task is found again in another process: by the module that declares it, never by its source. */
export interface TaskRef {
  /** The URL of the module; empty where it is not known. */
  readonly module: string
  /** Its name. */
  readonly name: string
  /** The how-manieth task of its module it is, from 0: tells tasks of one name apart. */
  readonly ordinal: number
}

interface Registry {
  /** Tasks by module, in the order in which the module declares them. */
  readonly modules: Map<string, unknown[]>
}

// On globalThis, because a program may have loaded several copies of this library.
const REGISTRY = Symbol.for('taps-sdk.registry')

function registry(): Registry {
  const holder = globalThis as { [REGISTRY]?: Registry }
  holder[REGISTRY] ??= { modules: new Map() }
  return holder[REGISTRY]
}

/** Enters a task, and gives it its reference. */
export function register(task: unknown, name: string, module: string): TaskRef {
  const { modules } = registry()
  let tasks = modules.get(module)
  if (tasks === undefined) {
    tasks = []
    modules.set(module, tasks)
  }
  return { module, name, ordinal: tasks.push(task) - 1 }
}

/** The task of a reference, if its module has been imported here. */
export function lookUp(ref: TaskRef): unknown {
  return registry().modules.get(ref.module)?.[ref.ordinal]
}

interface CallSite {
  readonly scriptName: string
}
interface Util {
  getCallSites?(frames: number, options: { sourceMap: boolean }): CallSite[]
}

/**
 * The URL of the module that called `task()`; empty where the runtime does not tell.
 * @param depth - how many calls lie between the caller of `task()` and this function
 */
export function callerModule(depth: number): string {
  const { process } = globalThis as { process?: { getBuiltinModule?(id: string): unknown } }
  const util = process?.getBuiltinModule?.('node:util') as Util | undefined
  // Without source maps: they would name the file that the module was made from, which a worker cannot import.
  const sites = util?.getCallSites?.(depth + 2, { sourceMap: false })
  const script = sites?.[depth + 1]?.scriptName ?? ''
  return script.startsWith('/') ? `file://${encodeURI(script).replaceAll('#', '%23').replaceAll('?', '%3F')}` : script
}
