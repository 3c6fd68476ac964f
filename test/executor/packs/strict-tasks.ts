// What a worker with modules of its own is started with.
import { defineFilter, task } from '../../../src/index.ts'

// It has what this imports, too.
export { fileTransformer } from '../../../src/node/index.ts'
export { take } from './flow-tasks.ts'

export const named = task({ module: 'app:named' }, function named(): string {
  return 'named'
})

export const long = defineFilter({
  name: 'long',
  module: import.meta.url,
  create:
    ({ than }: { readonly than: number }) =>
    (value) =>
      typeof value === 'string' && value.length > than,
})

const loaded = globalThis as { 'taps-sdk test: evil'?: true }

/** Whether the module has run that a message named. */
export const isEvil = task(function isEvil(): boolean {
  return loaded['taps-sdk test: evil'] === true
})
