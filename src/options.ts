import { ConfigError } from './errors.ts'

/** Says what an option takes, if this value is not it. */
export type Check = (value: unknown) => string | undefined

/** A check by a test, which says `wanted` of all else. */
export const oneOf =
  (wanted: string, test: (value: unknown) => boolean): Check =>
  (value) =>
    test(value) ? undefined : wanted

/**
 * Refuses unknown options and wrong values. `undefined` stands for an option that is not given.
 * @param owner - whose options they are, for the message
 */
export function checkOptions(owner: string, options: unknown, checks: Readonly<Record<string, Check>>): void {
  if (!isObject(options)) throw new ConfigError(`${owner} takes an object with options, not ${describe(options)}`)
  for (const [option, value] of Object.entries(options)) {
    const check = Object.hasOwn(checks, option) ? checks[option] : undefined
    if (check === undefined) {
      throw new ConfigError(
        `${owner} has no option ${JSON.stringify(option)}; there are ${Object.keys(checks).join(', ')}`,
      )
    }
    if (value === undefined) continue
    const wanted = check(value)
    if (wanted !== undefined) throw new ConfigError(`${owner}: ${option} takes ${wanted}, not ${describe(value)}`)
  }
}

/** A value as an error shows it: short, and never running its code. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object' && value !== null) return 'an object'
  return String(value)
}

/** By its shape, because a signal may come from another realm or a polyfill. */
export function isSignal(value: unknown): value is AbortSignal {
  return isObject(value) && typeof value.aborted === 'boolean' && typeof value.addEventListener === 'function'
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
