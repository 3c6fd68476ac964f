import { readFileSync } from 'node:fs'
import { createRequire, findPackageJSON } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { TaskNotFoundError } from '../errors.ts'
import { shared } from '../shared.ts'
import { outside } from '../task/task-context.ts'
import { lookUp, namesIn, type TaskRef } from '../task/task-ref.ts'

/** What Node says of sources that it cannot run by itself. */
const NEEDS_TRANSPILER = new Set([
  'ERR_UNKNOWN_FILE_EXTENSION',
  'ERR_MODULE_NOT_FOUND',
  'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX',
  'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING',
])

const modules: Map<string, Promise<void>> = new Map()
/** How many tasks each module has declared while it was imported: what bodies make later is of this worker alone. */
const declared: Map<string, number> = new Map()
let importing = 0
let hasTsx = false

/** The function of a task, whose module is imported first. */
export async function loadTask(ref: TaskRef): Promise<(...args: readonly unknown[]) => unknown> {
  try {
    await loadModule(ref.module)
  } catch (error) {
    throw notImported(ref, error)
  }
  return findTask(ref)
}

/** The function of a task whose module has been imported. @throws TaskNotFoundError */
export function findTask(ref: TaskRef): (...args: readonly unknown[]) => unknown {
  const fn = ref.ordinal < declaredIn(ref.module) ? lookUp(ref) : undefined
  if (typeof fn !== 'function' || fn.name !== ref.name) throw notFound(ref)
  return fn as (...args: readonly unknown[]) => unknown
}

/** Imports a module once. */
export function loadModule(module: string): Promise<void> {
  let loading = modules.get(module)
  if (loading === undefined) {
    importing++
    // Outside of every body: there no pool may be made, else a program that is its own task module would start itself for ever.
    loading = outside(() => importModule(module)).finally(imported)
    modules.set(module, loading)
  }
  return loading
}

/** It may have imported others. While one more is being imported, nobody can tell which tasks are its own. */
function imported(): void {
  if (--importing > 0) return
  for (const [module, tasks] of shared().modules) if (!declared.has(module)) declared.set(module, tasks.length)
}

function declaredIn(module: string): number {
  return declared.get(module) ?? Infinity
}

async function importModule(module: string): Promise<void> {
  if (isTypeScript(module) && !canTryTwice(module)) await registerTsx(module)
  try {
    await import(module)
  } catch (error) {
    if (hasTsx || !needsTranspiler(module, error)) throw error
    if (!(await registerTsx(module))) {
      throw new Error(
        `${(error as Error).message}\nUse Node 22.18 or newer with imports that end in .ts, or install tsx, or build first`,
        { cause: error },
      )
    }
    await import(module)
  }
}

/** What has failed fails for ever: a CommonJS module that has begun to run, and before Node 24.12 every import. */
function canTryTwice(module: string): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return (major > 24 || (major === 24 && minor >= 12)) && isInModulePackage(module)
}

function isInModulePackage(module: string): boolean {
  try {
    const path = findPackageJSON(module) as string
    return (JSON.parse(readFileSync(path, 'utf8')) as { type?: string }).type === 'module'
  } catch {
    // There is none: Node then answers undefined, or the module itself.
    return false
  }
}

function isTypeScript(module: string): boolean {
  return /\.[cm]?tsx?$/.test(module)
}

function needsTranspiler(module: string, error: unknown): boolean {
  const { code } = (error ?? {}) as NodeJS.ErrnoException
  if (code !== undefined) return NEEDS_TRANSPILER.has(code) && /\.[cm]?[jt]sx?$/.test(module)
  // Decorators, and types that are imported like values: Node takes the types away, and chokes on the rest.
  return error instanceof SyntaxError && isTypeScript(module)
}

/** tsx registers itself in the worker: as an option of Node it would not reach threads. @returns false if there is none */
async function registerTsx(module: string): Promise<boolean> {
  for (const api of hasTsx ? [] : findTsx(module)) {
    const { register } = (await import(api)) as { register(): unknown }
    register()
    hasTsx = true
  }
  return hasTsx
}

/** Its ways in for CommonJS modules and for ES modules; the files for `import`, which `require.resolve` would not give. */
function findTsx(module: string): readonly string[] {
  try {
    const folder = dirname(createRequire(module).resolve('tsx/package.json'))
    const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      exports: Record<string, { import: { default: string } } | undefined>
    }
    const paths = ['./cjs/api', './esm/api'].flatMap((api) => exports[api]?.import.default ?? [])
    return paths.map((path) => pathToFileURL(join(folder, path)).href)
  } catch {
    return []
  }
}

/** In what the module itself threw, nobody would find the task again. */
function notImported({ name, module }: TaskRef, error: unknown): unknown {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown }
  if (code === 'BOOTSTRAP') return error
  return new TaskNotFoundError(
    `Task ${name} cannot run in a worker, which failed to import ${module}: ${String(message ?? error)}\n` +
      'Workers import the module of a task: keep tasks in a module of their own, which does no more than declare them',
    { cause: error },
  )
}

function notFound({ name, ordinal, module }: TaskRef): TaskNotFoundError {
  const names = namesIn(module).slice(0, declaredIn(module))
  const there = names.length === 0 ? 'no task at all' : names.map((each, i) => `${i}: ${each}`).join(', ')
  return new TaskNotFoundError(
    `Task ${name} (number ${ordinal} of its module) is not among the tasks that ${module} declares while it is imported: ${there}. ` +
      'Declare it at the top level of a module, always in the same order. If a function of another module makes it, say where: task({ module: import.meta.url }, fn)',
  )
}
