interface NodeProcess {
  getBuiltinModule?(id: string): unknown
}

/**
 * A module of Node's own, where there is one: for what runs in browsers as well, which can import none.
 * @param id - such as `node:util`
 */
export function nodeModule<M>(id: string): M | undefined {
  const { process } = globalThis as { process?: NodeProcess }
  return process?.getBuiltinModule?.(id) as M | undefined
}
