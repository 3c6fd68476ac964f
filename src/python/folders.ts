import { resolve } from 'node:path'
import { folderUrl } from '../executor/packs/project.ts'
import type { Abroad } from '../executor/pool/task-kind.ts'
import { planeAbroad } from '../transformer/data-plane.ts'

/**
 * What modules are called where the project is in another folder.
 * @param root - the folder here, and `folder` the one there
 */
export function inFolder(root: string, folder: string): Abroad {
  const [from, to] = [folderUrl(resolve(root)), folderUrl(folder)]
  const moduleOf = (url: string): string => (url.startsWith(from) ? to + url.slice(from.length) : url)
  return {
    moduleOf,
    planeOf: (recipe) => planeAbroad(recipe, moduleOf),
  }
}
