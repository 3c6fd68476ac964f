import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { checkOptions, oneOf } from '../options.ts'
import { folderError } from './folder-errors.ts'
import { isOver, parseRun } from './run.ts'
import { sharedMemoryDir } from './shared-memory.ts'

/** Options of {@link removeLeftovers}. */
export interface LeftoverOptions {
  /** The folder that was given to a `FileConnector`. @defaultValue that of `SharedMemoryConnector` */
  readonly dir?: string | undefined
  /**
   * Removes runs of other machines as well, if nothing has been stored in them for so many ms: whether their programs still
   * run cannot be seen from here. @defaultValue only runs of this machine
   */
  readonly olderThan?: number | undefined
}

/**
 * Removes what `FileConnector` or `SharedMemoryConnector` have left in a folder because their program has ended without closing
 * them. What was kept on purpose is removed as well, once its program has ended. Nothing else in the folder is touched.
 * @returns the names of the runs
 * @throws ConfigError for a wrong option, TransformError for what cannot be removed
 */
export function removeLeftovers(options: LeftoverOptions = {}): string[] {
  checkOptions('removeLeftovers', options, {
    dir: oneOf('the path of a folder', (value) => typeof value === 'string' && value !== ''),
    olderThan: oneOf('a time in ms from 0', (value) => typeof value === 'number' && value >= 0),
  })
  const { dir = sharedMemoryDir(), olderThan = Number.POSITIVE_INFINITY } = options
  const runs = foldersIn(resolve(dir)).filter((name) => isLeftover(join(dir, name), name, olderThan))
  for (const run of runs) remove(join(dir, run))
  return runs
}

/** Links to folders are none. */
function foldersIn(dir: string): string[] {
  if (!existsSync(dir)) return []
  try {
    const entries = readdirSync(dir, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  } catch (error) {
    throw folderError('read', dir, error)
  }
}

function isLeftover(path: string, name: string, olderThan: number): boolean {
  const run = parseRun(name)
  if (run === undefined) return false
  return isOver(run) ?? Date.now() - lastStored(path, run.time) > olderThan
}

/** The folder of a run changes when a writer joins it; the folders of writers, when one stores something. */
function lastStored(path: string, begun: number): number {
  const folders = [path, ...foldersIn(path).map((name) => join(path, name))]
  const times = folders.map((folder) => statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? begun)
  return Math.max(begun, ...times)
}

function remove(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true })
  } catch (error) {
    throw folderError('remove', path, error)
  }
}
