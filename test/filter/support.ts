import { expect } from 'vitest'
import type { Filter, Where } from '../../src/filter/filter.ts'
import { follow, recipeOf } from '../../src/plugin.ts'

export const HERE: Where = { task: 'work', kind: 'argument', index: 0 }
export const RESULT: Where = { task: 'work', kind: 'result', index: -1 }

/** The filter that a worker makes for itself: from what travels as text. */
export async function madeAgain(filter: Filter): Promise<Filter> {
  const recipe = recipeOf(filter, 'filter')
  expect(structuredClone(recipe)).toEqual(recipe)
  return (await follow(JSON.parse(JSON.stringify(recipe)), (module) => import(module))) as Filter
}
