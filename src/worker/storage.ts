/**
 * What comes from a queue chooses neither a folder nor a server. Recipes of connectors say where values are kept: on their way
 * they lose their passwords, and where they arrive they have to fit what the worker was started with.
 */
import { existsSync, realpathSync } from 'node:fs'
import { dirname, relative, resolve, sep } from 'node:path'
import { TransformError } from '../errors.ts'
import { describe, isObject } from '../options.ts'
import type { Recipe } from '../plugin.ts'
import { changedPlane, type PlaneRecipe } from '../transformer/data-plane.ts'
import type { Storage } from './protocol.ts'

/** Connectors that keep values in a folder, also without being told which. */
const IN_FILES = new Set(['FileConnector', 'SharedMemoryConnector'])
/** What stands for the server of the queue, which may have another address on the other side; behind it the database. */
const SERVER_OF_QUEUE = 'queue:'

/** For the client: a recipe as it travels. @param redis - the server of the queue */
export function withoutSecrets(plane: PlaneRecipe, redis: string): PlaneRecipe {
  return changedPlane(plane, (recipe) => withUrl(recipe, (url) => publicUrl(url, new URL(redis))))
}

function publicUrl(text: string, queue: URL): string {
  const url = new URL(text)
  if (serverOf(url) === serverOf(queue)) return `${SERVER_OF_QUEUE}${url.pathname}`
  url.username = url.password = ''
  return url.href
}

/** The folders that a recipe keeps values in. */
export function foldersOf(plane: PlaneRecipe): string[] {
  const folders: string[] = []
  changedPlane(plane, (recipe) => {
    const dir = folderOf(recipe)
    if (typeof dir === 'string') folders.push(dir)
    return recipe
  })
  return folders
}

/** Whatever plug-in it is for: the option `dir` names a folder. */
function folderOf({ options }: Recipe): unknown {
  return isObject(options) ? options.dir : undefined
}

/** For the worker: the recipe, if it keeps values where that is allowed. @throws TransformError */
export function allowed(plane: PlaneRecipe, { dirs, redis }: Storage): PlaneRecipe {
  return changedPlane(plane, (recipe) => {
    const dir = folderOf(recipe)
    if (dir !== undefined || IN_FILES.has(recipe.name)) checkFolder(dir, dirs)
    return withUrl(recipe, (url) => ownUrl(url, redis))
  })
}

function ownUrl(url: string, redis: string): string {
  const database = url.slice(SERVER_OF_QUEUE.length)
  if (!url.startsWith(SERVER_OF_QUEUE) || !/^(?:\/\d*)?$/.test(database)) {
    throw new TransformError(
      `This worker keeps values in the Redis server of its queue, and in no other: ${describe(url)} was asked for`,
    )
  }
  const own = new URL(redis)
  own.pathname = database
  return own.href
}

/** A RedisConnector is the only one of this library that has the address of a server. */
function withUrl(recipe: Recipe, change: (url: string) => string): Recipe {
  if (recipe.name !== 'RedisConnector') return recipe
  const options = recipe.options as { readonly url?: unknown }
  return { ...recipe, options: { ...options, url: change(String(options.url)) } }
}

function checkFolder(dir: unknown, dirs: readonly string[]): void {
  if (typeof dir === 'string' && dirs.some((each) => isInside(realPath(resolve(dir)), realPath(resolve(each))))) return
  const there = dirs.length === 0 ? 'in no folder' : `in ${dirs.join(', ')} only`
  throw new TransformError(
    `This worker keeps values ${there}, and was asked for ${describe(dir)}: start it with that folder (--data-dir, dataDirs)`,
  )
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path)
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`))
}

/** Where a path leads to, as far as it exists. */
function realPath(path: string): string {
  if (existsSync(path)) return realpathSync(path)
  const parent = dirname(path)
  return parent === path ? path : resolve(realPath(parent), relative(parent, path))
}

function serverOf({ protocol, hostname, port }: URL): string {
  return `${protocol}//${hostname}:${port || 6379}`
}
