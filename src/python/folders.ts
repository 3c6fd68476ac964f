import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Abroad } from '../executor/pool/task-kind.ts'
import { planeAbroad } from '../transformer/data-plane.ts'

/** The nearest folder above one with a `package.json`; else itself. */
export function projectFolder(start: string): string {
  for (let folder = resolve(start); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder
    if (dirname(folder) === folder) return resolve(start)
  }
}

/**
 * What modules are called where the project is in another folder.
 * @param root - the folder here, and `folder` the one there
 */
export function inFolder(root: string, folder: string): Abroad {
  const [from, to] = [urlOf(resolve(root)), urlOf(folder)]
  const moduleOf = (url: string): string => (url.startsWith(from) ? to + url.slice(from.length) : url)
  return {
    moduleOf,
    planeOf: (recipe) => planeAbroad(recipe, moduleOf),
  }
}

function urlOf(folder: string): string {
  const { href } = pathToFileURL(folder)
  return href.endsWith('/') ? href : `${href}/`
}
