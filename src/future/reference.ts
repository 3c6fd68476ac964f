import { isThenable } from './task-future.ts'

/** From a value to a part of it: `pick(key)`, or `at(index)`. */
export type Step = readonly [kind: 'pick' | 'at', key: PropertyKey]

/** Who can get at what a reference stands for. */
export interface ReferenceOwner {
  /** The value of an identifier. Rejects with `TransformError`. */
  load(identifier: unknown): Promise<unknown>
}

/** The outcome of a task whose value was left where it is, or a part of it: what travels in its place. */
export class Reference {
  readonly owner: ReferenceOwner
  readonly identifier: unknown
  /** From the value of the identifier to what is meant. */
  readonly path: readonly Step[]
  /** What it is a part of: as long as anybody has the part, the whole is not freed. */
  readonly whole: Reference | undefined

  /** The brand: asked of any value, a revoked proxy too, which `instanceof` does not survive. */
  readonly #isReference = true

  static is(value: unknown): value is Reference {
    return typeof value === 'object' && value !== null && #isReference in value
  }

  constructor(owner: ReferenceOwner, identifier: unknown, path: readonly Step[] = [], whole?: Reference) {
    this.owner = owner
    this.identifier = identifier
    this.path = path
    this.whole = whole
  }

  part(step: Step): Reference {
    return new Reference(this.owner, this.identifier, [...this.path, step], this.whole ?? this)
  }

  async load(): Promise<unknown> {
    return walk(await this.owner.load(this.identifier), this.path)
  }
}

/** The outcome of a task that consists of several, where references are among theirs. */
export class ReferenceList extends Array<unknown> {
  readonly #isList = true

  static is(value: unknown): value is ReferenceList {
    return typeof value === 'object' && value !== null && #isList in value
  }

  static override get [Symbol.species](): ArrayConstructor {
    return Array
  }
}

/** An array of outcomes as one outcome. */
export function together(outcomes: readonly unknown[]): readonly unknown[] {
  if (!outcomes.some(isElsewhere)) return outcomes
  const list = new ReferenceList()
  for (const outcome of outcomes) list.push(outcome)
  return list
}

/** Whether an outcome is no value yet. */
export function isElsewhere(outcome: unknown): outcome is Reference | ReferenceList {
  return Reference.is(outcome) || ReferenceList.is(outcome)
}

/** The value of an outcome, or a promise of it. */
export function settledValue(outcome: unknown): unknown {
  if (!isElsewhere(outcome)) return outcome
  return Reference.is(outcome) ? outcome.load() : Promise.all(outcome.map(settledValue))
}

/** The references that an outcome consists of. */
export function referencesIn(outcome: unknown): readonly Reference[] {
  if (Reference.is(outcome)) return [outcome]
  return ReferenceList.is(outcome) ? outcome.flatMap(referencesIn) : []
}

/** Goes from a value to a part of it. @throws TypeError where there is nothing to go on from */
export function walk(value: unknown, path: readonly Step[]): unknown {
  let at = value
  for (const [kind, key] of path) {
    if (at === undefined || at === null) throw new TypeError(`Cannot read ${String(key)} of ${at}`)
    at = kind === 'pick' ? (at as Record<PropertyKey, unknown>)[key] : (at as unknown[]).at(key as number)
  }
  return at
}

/** Goes on with a value, at once or when its promise is fulfilled. */
export function whenThere<T, R>(value: T | PromiseLike<T>, goOn: (value: T) => R): R | Promise<Awaited<R>> {
  return isThenable(value) ? (Promise.resolve(value).then(goOn) as Promise<Awaited<R>>) : goOn(value as T)
}
