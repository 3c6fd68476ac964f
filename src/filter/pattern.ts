import { ConfigError } from '../errors.ts'

/** A regular expression as plain data. */
export interface PlainRegExp {
  readonly source: string
  readonly flags: string
}

/** @throws ConfigError for a text that is no regular expression */
export function plainRegExp(owner: string, pattern: string | RegExp): PlainRegExp {
  if (typeof pattern !== 'string') return { source: pattern.source, flags: pattern.flags }
  try {
    new RegExp(pattern)
  } catch (error) {
    const { message } = error as Error
    throw new ConfigError(`${owner}: ${JSON.stringify(pattern)} is no regular expression: ${message}`, { cause: error })
  }
  return { source: pattern, flags: '' }
}

/** Whether a text contains what the expression describes. The same each time: `search` keeps no place, even with the flag `g`. */
export function searchFor({ source, flags }: PlainRegExp): (text: string) => boolean {
  const pattern = new RegExp(source, flags)
  return (text) => text.search(pattern) !== -1
}
