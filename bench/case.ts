/** One thing to measure, in a process of its own. */
export type Variant =
  /** Imported by `child.ts`, and called once; one figure, or several by what they are of. */
  | { run(): Promise<number | Readonly<Record<string, number>>> }
  /** A program, for what must be measured in a process that has loaded nothing. */
  | { readonly program: string }

/** The figures of one variant over all rounds. */
export interface Figure {
  readonly median: number
  readonly min: number
  readonly max: number
}

export interface Table {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** Variants that are compared with each other, in one run. */
export interface Case {
  readonly name: string
  readonly title: string
  /** What is measured, for the reader of the table. */
  readonly about: string
  /** Rounds, where the default is too few. */
  readonly leastRounds?: number
  /** Options of Node. */
  readonly flags?: readonly string[]
  readonly variants: ReadonlyMap<string, Variant>
  /** `figureOf('variant')`, or `figureOf('variant, what')` where a variant has several figures. */
  tables(figureOf: (name: string) => Figure): readonly Table[]
}

/** Whether a goal is reached, for the last column. */
export function verdict(isReached: boolean): string {
  return isReached ? 'reached' : '**not reached**'
}

/** Three digits that mean something, and no more. */
export function format(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en-US')
  return value === 0 ? '0' : String(Number(value.toPrecision(3)))
}

/** Where the rounds lie. */
export function range({ min, max }: Figure): string {
  return `${format(min)} – ${format(max)}`
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  if (sorted.length % 2 === 1) return sorted[middle] as number
  return ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}
