import { ConfigError } from '../errors.ts'
import { describe } from '../options.ts'
import { defineFilter, type Filter } from './filter.ts'

const module = import.meta.url

/** Nothing travels by reference. */
export const never: () => Filter = /* @__PURE__ */ defineFilter({ name: 'never', module, create: () => () => false })

/** Everything travels by reference, as without a filter. */
export const always: () => Filter = /* @__PURE__ */ defineFilter({ name: 'always', module, create: () => () => true })

const andAll = /* @__PURE__ */ defineFilter({
  name: 'and',
  module,
  create: (filters: readonly Filter[]) => (value, where) => filters.every((filter) => filter(value, where)),
})

/**
 * What passes all of these, which are asked in this order until one says no: the cheap ones first. Without any, everything passes.
 * @param filters - a plain function among them makes it one of this process only
 * @throws ConfigError for what is no filter
 */
export function and(...filters: readonly Filter[]): Filter {
  return andAll(checkFilters('and', filters))
}

const orAny = /* @__PURE__ */ defineFilter({
  name: 'or',
  module,
  create: (filters: readonly Filter[]) => (value, where) => filters.some((filter) => filter(value, where)),
})

/**
 * What passes one of these, which are asked in this order until one says yes. Without any, nothing passes.
 * @param filters - a plain function among them makes it one of this process only
 * @throws ConfigError for what is no filter
 */
export function or(...filters: readonly Filter[]): Filter {
  return orAny(checkFilters('or', filters))
}

const negation = /* @__PURE__ */ defineFilter({
  name: 'not',
  module,
  create: (filter: Filter) => (value, where) => !filter(value, where),
})

/**
 * What does not pass this one.
 * @param filter - a plain function makes it one of this process only
 * @throws ConfigError for what is no filter
 */
export function not(filter: Filter): Filter {
  checkFilters('not', [filter])
  return negation(filter)
}

function checkFilters(owner: string, filters: readonly Filter[]): readonly Filter[] {
  for (const [i, filter] of filters.entries()) {
    if (typeof filter !== 'function')
      throw new ConfigError(`${owner} takes filters, and argument ${i} is ${describe(filter)}`)
  }
  return filters
}
