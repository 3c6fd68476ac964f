/** Where a value stands in the arguments or the result. A path is written only when somebody has to read it. */
export interface Place {
  readonly parent: Place | undefined
  readonly step: Step
  readonly key: unknown
  /** How many containers it stands in. */
  readonly depth: number
  /** Inside of an error, where what cannot travel is described, because a failure has to arrive. */
  readonly inError: Budget | undefined
}

/** Of all that hangs on one error, together: hostile code throws too. */
interface Budget {
  left: number
}

export type Step = 'root' | 'property' | 'mapKey' | 'mapValue' | 'setElement'

/** Only a value that makes itself while it is read goes deeper. */
const DEEPEST = 200_000
/** In objects. */
const BUDGET = 100_000

/** Steps shown of a long path, from each end. */
const SHOWN = 10

export function rootPlace(name: string): Place {
  return { parent: undefined, step: 'root', key: name, depth: 0, inError: undefined }
}

export function placeIn(parent: Place, step: Step, key: unknown): Place {
  return { parent, step, key, depth: parent.depth + 1, inError: parent.inError }
}

/** The same place, for the properties of the error that stands there. */
export function insideError<P extends Place>(place: P): P {
  return { ...place, inError: place.inError ?? { left: BUDGET } }
}

/** Counts what stands in a place. @returns false if it is one too many, or stands too deep */
export function payFor({ depth, inError }: Place, cost: number): boolean {
  if (inError === undefined) return depth <= DEEPEST
  inError.left -= cost
  return inError.left >= 0
}

/** Which property it was that could not be read. */
export function placeOfGetter(source: object, place: Place): Place {
  for (const key of Object.keys(source)) {
    try {
      void (source as Record<string, unknown>)[key]
    } catch {
      return placeIn(place, 'property', key)
    }
  }
  return place
}

/** Such as `args[0].config.socket` or `args[1].get("k")`. */
export function pathOf(place: Place): string {
  const steps: Place[] = []
  for (let at: Place | undefined = place; at !== undefined; at = at.parent) steps.push(at)
  steps.reverse()
  if (steps.length <= 2 * SHOWN) return write('', steps)
  return write(`${write('', steps.slice(0, SHOWN))} … `, steps.slice(-SHOWN))
}

function write(start: string, steps: readonly Place[]): string {
  return steps.reduce((path, { step, key }) => {
    if (step === 'root') return String(key)
    if (step === 'property') return path + propertyStep(key as string)
    if (step === 'mapKey') return `[...${path}.keys()][${key}]`
    if (step === 'setElement') return `[...${path}][${key}]`
    return `${path}.get(${shortKey(key)})`
  }, start)
}

function propertyStep(key: string): string {
  if (/^(0|[1-9]\d*)$/.test(key)) return `[${key}]`
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`
}

function shortKey(key: unknown): string {
  if (typeof key === 'string') return JSON.stringify(key.length > 40 ? `${key.slice(0, 40)}…` : key)
  return typeof key === 'object' || typeof key === 'function' ? '…' : String(key)
}
