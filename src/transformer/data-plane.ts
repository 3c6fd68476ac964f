import { replaceChildren } from '../containers.ts'
import { messageOf, TransformError } from '../errors.ts'
import type { Filter, Where } from '../filter/filter.ts'
import { type Step, walk, whenThere } from '../future/reference.ts'
import { isThenable } from '../future/task-future.ts'
import { describe } from '../options.ts'
import { changedRecipe, type Recipe, recipeAbroad } from '../plugin.ts'
import { extract, isLazy, isLazyAt, type LazyPositions, LazyValue } from './lazy.ts'
import type { Transformer } from './transformer.ts'

/** What stands in the place of a value among arguments. */
export interface Stub {
  readonly identifier: unknown
  readonly path: readonly Step[]
}

/** Arguments among which stubs stand. */
export interface Given {
  readonly args: readonly unknown[]
  /** Those that are arguments. */
  readonly stubs: readonly Stub[]
  /** Those that stand inside of arguments, at whatever depth. */
  readonly inside: readonly Stub[]
  /** The containers in which these stand. */
  readonly holders: readonly object[]
}

/** How workers make a data plane for themselves. */
export interface PlaneRecipe {
  readonly transformer: Recipe
  readonly filter: Recipe | undefined
}

/** The same, where modules are called otherwise. @param moduleOf - the module there */
export function planeAbroad({ transformer, filter }: PlaneRecipe, moduleOf: (module: string) => string): PlaneRecipe {
  return { transformer: recipeAbroad(transformer, moduleOf), filter: filter && recipeAbroad(filter, moduleOf) }
}

/** The same with changes to each of its recipes. */
export function changedPlane({ transformer, filter }: PlaneRecipe, change: (recipe: Recipe) => Recipe): PlaneRecipe {
  return { transformer: changedRecipe(transformer, change), filter: filter && changedRecipe(filter, change) }
}

/** What of a task matters here. */
export interface Taker {
  readonly name: string
  readonly lazy: LazyPositions
}

/** What a value left on its way out, to travel in its place. */
export interface Left {
  readonly identifier: unknown
  /** Whether it was stored for this. */
  readonly isNew: boolean
}

const NOTHING: Omit<Given, 'args'> = { stubs: [], inside: [], holders: [] }

/** A transformer and the filter before it, as both sides use them: the client and its workers. */
export class DataPlane {
  readonly transformer: Transformer
  readonly #filter: Filter | undefined

  constructor(transformer: Transformer, filter: Filter | undefined) {
    this.transformer = transformer
    this.#filter = filter
  }

  /** Transforms a value, if it is to travel by reference. Throws, or rejects with, `TransformError`. @returns undefined if it travels itself */
  leave(value: unknown, where: Where): Left | undefined | Promise<Left> {
    if (contained(where, 'transformed', () => this.#isKnown(value))) return { identifier: value, isNew: false }
    return this.wants(value, where) ? this.store(value, where) : undefined
  }

  /** Whether a value is to travel by reference: a lazy one in any case, since it cannot travel itself. Throws `TransformError`. */
  wants(value: unknown, where: Where): boolean {
    return isLazy(value) || contained(where, 'transformed', () => this.#passes(value, where))
  }

  #passes(value: unknown, where: Where): boolean {
    const answer: unknown = this.#filter === undefined ? true : this.#filter(value, where)
    if (typeof answer === 'boolean') return answer
    throw new TypeError(`the filter answers ${describe(answer)}, not true or false`)
  }

  /** Transforms a value. Throws, or rejects with, `TransformError`. */
  store(value: unknown, where: Where): Left | Promise<Left> {
    const transform = (it: unknown) => contained(where, 'transformed', () => this.#transform(it))
    if (!isLazy(value)) return transform(value)
    // One that came by reference goes on by it.
    const { identifier, path } = value as LazyValue<unknown>
    if (identifier !== undefined && path.length === 0) return { identifier, isNew: false }
    return value.get().then(transform)
  }

  #transform(value: unknown): Left | Promise<Left> {
    return whenThere(this.transformer.transform(value), (identifier) => {
      if (this.#isKnown(identifier)) return { identifier, isNew: true }
      // The value would not come back where only that tells.
      throw new TypeError(`transform returned ${describe(identifier)}, which its isIdentifier does not recognize`)
    })
  }

  /** Throws `TransformError` if the transformer cannot tell. */
  isIdentifier(value: unknown, where: Where): boolean {
    return contained(where, 'told from an identifier', () => this.#isKnown(value))
  }

  #isKnown(value: unknown): boolean {
    const answer: unknown = this.transformer.isIdentifier(value)
    if (typeof answer === 'boolean') return answer
    throw new TypeError(`isIdentifier answers ${describe(answer)}, not true or false`)
  }

  /** The value of an identifier; as a lazy one, if the transformer gives such. Throws, or rejects with, `TransformError`. */
  resolve({ identifier, path }: Stub, where: Where | undefined): unknown {
    return contained(where, 'resolved', () => {
      const value = this.transformer.resolve(identifier)
      return path.length === 0 ? value : whenThere(extract(value), (there) => walk(there, path))
    })
  }

  /** The value of an identifier for who awaits a future. Rejects with `TransformError`. */
  async load(identifier: unknown): Promise<unknown> {
    return contained(undefined, 'resolved', () => extract(this.transformer.resolve(identifier)))
  }

  /** Puts values in the places of identifiers and stubs, all at the same time. Throws, or rejects with, `TransformError`. */
  take(given: Given | readonly unknown[], { name, lazy }: Taker): readonly unknown[] | Promise<readonly unknown[]> {
    const { args, stubs, inside, holders } = isList(given) ? { ...NOTHING, args: given } : given
    const taking = new Taking((stub, index) => this.resolve(stub, { task: name, kind: 'argument', index }))
    const places = new Set<unknown>(stubs)
    const list = args.map((arg, index) => {
      const stub = places.has(arg) ? (arg as Stub) : this.#stubOf(arg, index, name)
      if (stub === undefined) return arg
      return isLazyAt(lazy, index) ? this.#lazy(stub, name, index) : taking.take(stub, arg, index)
    })
    for (const stub of inside) taking.take(stub, stub, -1)
    return taking.isEmpty ? list : taking.fill(list, holders)
  }

  #stubOf(arg: unknown, index: number, task: string): Stub | undefined {
    return this.isIdentifier(arg, { task, kind: 'argument', index }) ? { identifier: arg, path: [] } : undefined
  }

  #lazy({ identifier, path }: Stub, task: string, index: number): LazyValue<unknown> {
    const fetch = (): unknown => this.resolve({ identifier, path: [] }, { task, kind: 'argument', index })
    return new LazyValue(() => extract(fetch()), identifier, path)
  }
}

/** What a stub stands for, once it is there. */
class Cell {
  value: unknown = undefined
}

/** The stubs of one list of arguments, each resolved once. */
class Taking {
  readonly #resolve: (stub: Stub, index: number) => unknown
  readonly #cells: Map<unknown, Cell> = new Map()
  readonly #open: PromiseLike<unknown>[] = []

  constructor(resolve: (stub: Stub, index: number) => unknown) {
    this.#resolve = resolve
  }

  get isEmpty(): boolean {
    return this.#cells.size === 0
  }

  /** @param place - what stands in the arguments */
  take(stub: Stub, place: unknown, index: number): Cell {
    const known = this.#cells.get(place)
    if (known !== undefined) return known
    const cell = new Cell()
    this.#cells.set(place, cell)
    const set = (value: unknown): void => {
      cell.value = value
    }
    try {
      const value = this.#resolve(stub, index)
      if (isThenable(value)) this.#await(Promise.resolve(value).then(set))
      else set(value)
    } catch (error) {
      // Not thrown at once: others are under way.
      this.#await(Promise.reject(error))
    }
    return cell
  }

  #await(promise: Promise<void>): void {
    // Something else may throw before anybody waits for them.
    promise.catch(() => {})
    this.#open.push(promise)
  }

  fill(list: readonly unknown[], holders: readonly object[]): readonly unknown[] | Promise<readonly unknown[]> {
    const fillNow = (): readonly unknown[] => {
      for (const holder of holders) {
        replaceChildren(holder, (child) => {
          const cell = this.#cells.get(child)
          return cell === undefined ? child : cell.value
        })
      }
      return list.map((arg) => (arg instanceof Cell ? arg.value : arg))
    }
    return this.#open.length === 0 ? fillNow() : Promise.all(this.#open).then(fillNow)
  }
}

function isList(given: Given | readonly unknown[]): given is readonly unknown[] {
  return Array.isArray(given)
}

/** Runs a part of a transformer. What it throws, or rejects with, becomes the cause of a `TransformError` that says where. */
function contained<T>(where: Where | undefined, done: string, run: () => T): T {
  const fail = (cause: unknown): never => {
    throw transformError(where, done, cause)
  }
  try {
    const value = run()
    return isThenable(value) ? (Promise.resolve(value).catch(fail) as T) : value
  } catch (cause) {
    return fail(cause)
  }
}

function transformError(where: Where | undefined, done: string, cause: unknown): TransformError {
  return new TransformError(`${placeOf(where)} could not be ${done}: ${messageOf(cause)}`, { cause })
}

function placeOf(where: Where | undefined): string {
  if (where === undefined) return 'A result'
  const { task, kind, index } = where
  if (kind === 'result') return `The result of task ${task}`
  return index < 0 ? `A part of an argument of task ${task}` : `Argument ${index} of task ${task}`
}
