import { messageOf, TransformError } from '../errors.ts'
import type { Filter } from '../filter/filter.ts'
import { follow } from '../plugin.ts'
import { DataPlane, type PlaneRecipe } from '../transformer/data-plane.ts'
import type { Transformer } from '../transformer/transformer.ts'
import { loadModule } from './load.ts'

/** By recipe, as text: engines that were made alike share one. Those that were asked for last stand last. */
const planes: Map<string, Promise<DataPlane>> = new Map()
/** How many are remembered: a worker of a queue meets new engines for as long as it lives. */
const MOST_PLANES = 64

/** The data plane of an engine, as this worker makes it for itself. @param mayImport - whether it imports what the recipe names; else that is there already */
export function loadPlane(recipe: PlaneRecipe, mayImport: boolean): Promise<DataPlane> {
  const key = JSON.stringify(recipe)
  const plane = planes.get(key) ?? makePlane(recipe, mayImport ? loadModule : async () => {})
  planes.delete(key)
  planes.set(key, plane)
  // Whoever uses it still has it. It is not closed: that would remove what it has stored.
  if (planes.size > MOST_PLANES) planes.delete(planes.keys().next().value as string)
  return plane
}

async function makePlane({ transformer, filter }: PlaneRecipe, load: typeof loadModule): Promise<DataPlane> {
  try {
    const made = (await follow(transformer, load)) as Transformer
    return new DataPlane(made, filter === undefined ? undefined : ((await follow(filter, load)) as Filter))
  } catch (cause) {
    throw new TransformError(`The transformer or the filter could not be made in a worker: ${messageOf(cause)}`, {
      cause,
    })
  }
}
