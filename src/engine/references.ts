import { TransformError } from '../errors.ts'
import type { Filter, Where } from '../filter/filter.ts'
import { Reference, type ReferenceOwner, settledValue } from '../future/reference.ts'
import { FAILED, SUCCEEDED } from '../future/state.ts'
import { isThenable } from '../future/task-future.ts'
import { ValueFuture } from '../future/values.ts'
import { recipeOf } from '../plugin.ts'
import { DataPlane, type Left, type PlaneRecipe } from '../transformer/data-plane.ts'
import type { Transformer } from '../transformer/transformer.ts'
import { weigh } from '../weight.ts'

/** What was stored, and who still needs it. */
export interface Entry {
  /** Undefined until it is stored. */
  identifier: { readonly value: unknown } | undefined
  /** Tasks that may still read it. */
  readers: number
  /** References in the hands of who holds the future. */
  holds: number
  /** Whether a task failed that takes it: then it may be gone, and the next task is not to rely on it. */
  isDoubtful: boolean
  /** The one that counts instead: a transformer may give equal values one identifier. */
  same: Entry | undefined
}

/** A step that a task waits for and that is no parent: if it fails, the task itself has failed. */
export class StepFuture extends ValueFuture<unknown> {
  /** Whether it stands for an argument that is a value, not for a parent. */
  readonly isArgument: boolean

  constructor(isArgument: boolean) {
    super()
    this.isArgument = isArgument
  }
}

/** The outcome of a parent of another engine, whose references are of no use to the workers of this one. */
export function fetched(outcome: unknown): StepFuture {
  const future = new StepFuture(false)
  Promise.resolve(settledValue(outcome)).then(
    (value) => future.settle(SUCCEEDED, value),
    (error) => future.settle(FAILED, error),
  )
  return future
}

/** What stands in the arguments in the place of a value, and what it stands for. */
export interface Placed {
  readonly place: Reference | StepFuture
  /** Undefined for what is not ours to free. */
  readonly entry: Entry | undefined
}

/** The data plane of an engine: what it has stored, and when that is freed. */
export class References implements ReferenceOwner {
  readonly plane: DataPlane
  readonly #transformer: Transformer
  readonly #filter: Filter | undefined
  readonly #report: (message: string, error: unknown) => void
  /** By value, so that each is stored once. */
  readonly #byValue: WeakMap<object, Placed> = new WeakMap()
  /** All that is stored and not freed, by identifier. */
  readonly #entries: Map<unknown, Entry> = new Map()
  /** What is under way in the transformer. */
  readonly #open: Set<Promise<unknown>> = new Set()
  readonly #collected: FinalizationRegistry<Entry>
  /** Whether the last value could not be freed. */
  #isStuck = false
  #isClosed = false

  /** @param report - tells of what fails and concerns no task */
  constructor(transformer: Transformer, filter: Filter | undefined, report: (message: string, error: unknown) => void) {
    this.plane = new DataPlane(transformer, filter)
    this.#transformer = transformer
    this.#filter = filter
    this.#report = report
    this.#collected = new FinalizationRegistry((entry) => {
      entry.holds--
      this.#freeIfUnused(entry)
    })
  }

  /** @throws ConfigError if workers cannot make them */
  recipe(): PlaneRecipe {
    const filter = this.#filter === undefined ? undefined : recipeOf(this.#filter, 'filter')
    return { transformer: recipeOf(this.#transformer, 'transformer'), filter }
  }

  // --- Arguments

  /** Stores an argument, if it is to travel by reference; the same object once. Throws `TransformError`. @returns undefined if it travels itself */
  argument(value: unknown, where: Where): Placed | undefined {
    // One of the user's own: not ours to free.
    if (this.plane.isIdentifier(value, where)) return undefined
    if (!this.plane.wants(value, where)) return undefined
    const isObject = typeof value === 'object' && value !== null
    const known = isObject ? this.#byValue.get(value) : undefined
    if (known !== undefined && this.#isThere(known.entry)) return known
    const left = this.plane.store(value, where)
    const placed = isThenable(left) ? this.#later(value, left) : this.#now(left)
    if (isObject) this.#byValue.set(value, placed)
    return placed
  }

  #isThere(entry: Entry | undefined): boolean {
    if (entry === undefined) return false
    const counts = entry.same ?? entry
    if (counts.isDoubtful) return false
    return counts.identifier === undefined || this.#entries.get(keyOf(counts.identifier.value)) === counts
  }

  #now(left: Left): Placed {
    return { place: new Reference(this, left.identifier), entry: this.#entryFor(left) }
  }

  #later(value: unknown, left: Promise<Left>): Placed {
    const place = new StepFuture(true)
    const entry: Entry = { identifier: undefined, readers: 0, holds: 0, isDoubtful: false, same: undefined }
    this.#track(
      left.then(
        (stored) => {
          this.#enter(entry, stored)
          place.settle(SUCCEEDED, new Reference(this, stored.identifier))
          this.#freeIfUnused(entry)
        },
        (error) => {
          // The next task may try again.
          if (typeof value === 'object' && value !== null) this.#byValue.delete(value)
          place.settle(FAILED, error)
        },
      ),
    )
    return { place, entry }
  }

  /** A task may read it: it is not freed before {@link release}. */
  retain(entry: Entry): void {
    ;(entry.same ?? entry).readers++
  }

  /** A task failed that takes it: it may have expired, or its server was started again. */
  doubt(entry: Entry): void {
    ;(entry.same ?? entry).isDoubtful = true
  }

  release(entry: Entry): void {
    ;(entry.same ?? entry).readers--
    this.#freeIfUnused(entry)
  }

  // --- Results

  /** Stores a result, if it is to travel by reference. Throws, or rejects with, `TransformError`. @returns undefined if it stays a value */
  result(value: unknown, task: string): Reference | undefined | Promise<Reference | undefined> {
    const left = this.plane.leave(value, { task, kind: 'result', index: -1 })
    if (isThenable(left)) return this.#track(left.then((stored) => this.#adopted(stored)))
    return this.#adopted(left)
  }

  #adopted(left: Left | undefined): Reference | undefined {
    return left === undefined ? undefined : this.adopt(left.identifier, left.isNew)
  }

  /**
   * What a task left as its result: it is freed when nobody holds it, and no task needs it any more.
   * @param isNew - whether it was stored for this; if not, it may be the user's own, which is not ours to free
   */
  adopt(identifier: unknown, isNew: boolean): Reference {
    const reference = new Reference(this, identifier)
    const entry = this.#entryFor({ identifier, isNew })
    if (entry !== undefined) {
      entry.holds++
      this.#collected.register(reference, entry)
      weigh(reference, this.sizeOf(identifier))
    }
    return reference
  }

  /** A result came that nobody wants any more. */
  discard(identifier: unknown): void {
    this.#freeIfUnused(this.#entryOf(identifier))
  }

  /** The entry of a reference among arguments; undefined for one that is not ours to free. */
  entryOf({ identifier }: Reference): Entry | undefined {
    return this.#entries.get(keyOf(identifier))
  }

  load(identifier: unknown): Promise<unknown> {
    return this.#track(this.plane.load(identifier).catch((error) => this.#cannotLoad(error)))
  }

  #cannotLoad(error: unknown): never {
    if (!this.#isClosed) throw error
    throw new TransformError(
      'A result could not be resolved, because its engine has shut down, which frees what tasks have left: await it before that',
      { cause: error },
    )
  }

  /** In bytes. */
  sizeOf(identifier: unknown): number {
    try {
      const size: unknown = this.#transformer.sizeOf?.(identifier)
      return Number.isFinite(size) ? Math.max(0, size as number) : 0
    } catch {
      return 0
    }
  }

  // --- Freeing

  #entryOf(identifier: unknown): Entry {
    const key = keyOf(identifier)
    let entry = this.#entries.get(key)
    if (entry === undefined) {
      entry = { identifier: { value: identifier }, readers: 0, holds: 0, isDoubtful: false, same: undefined }
      this.#entries.set(key, entry)
    }
    // It was stored just now.
    entry.isDoubtful = false
    return entry
  }

  /** What was not stored for this is known already, or the user's own, which is not ours to free. */
  #entryFor({ identifier, isNew }: Left): Entry | undefined {
    return isNew ? this.#entryOf(identifier) : this.#entries.get(keyOf(identifier))
  }

  /** What an entry was made for is stored. */
  #enter(entry: Entry, { identifier, isNew }: Left): void {
    const key = keyOf(identifier)
    const known = this.#entries.get(key)
    if (known !== undefined) {
      entry.same = known
      if (isNew) known.isDoubtful = false
      known.readers += entry.readers
    } else if (isNew) {
      entry.identifier = { value: identifier }
      this.#entries.set(key, entry)
    }
  }

  #freeIfUnused(entry: Entry): void {
    const { readers, holds, identifier } = entry.same ?? entry
    if (readers > 0 || holds > 0 || identifier === undefined || this.#isClosed) return
    const key = keyOf(identifier.value)
    if (this.#entries.get(key) === (entry.same ?? entry)) this.#free(key, identifier.value)
  }

  #free(key: unknown, identifier: unknown): void {
    this.#entries.delete(key)
    if (this.#transformer.evict === undefined) return
    // Unless an equal value was stored meanwhile, and has the same identifier.
    const evict = (): unknown => (this.#entries.has(key) ? undefined : this.#transformer.evict?.(identifier))
    void this.#track(
      Promise.resolve()
        .then(evict)
        .then(
          () => {
            this.#isStuck = false
          },
          (error) => this.#cannotFree(error),
        ),
    )
  }

  /** Told once until something can be freed again: a server that is gone may have had thousands of values. */
  #cannotFree(error: unknown): void {
    if (!this.#isStuck) this.#report('A value could not be freed', error)
    this.#isStuck = true
  }

  #track<T>(promise: Promise<T>): Promise<T> {
    this.#open.add(promise)
    const forget = (): void => void this.#open.delete(promise)
    promise.then(forget, forget)
    return promise
  }

  /** Waits for what is under way, and frees all that is left. */
  async close(): Promise<void> {
    while (this.#open.size > 0) await Promise.allSettled(this.#open)
    this.#isClosed = true
    this.#entries.clear()
    await this.#transformer.close?.()
  }
}

/** Identifiers are plain data: equal ones mean the same. */
function keyOf(identifier: unknown): unknown {
  try {
    return typeof identifier === 'object' && identifier !== null ? JSON.stringify(identifier) : identifier
  } catch {
    return identifier
  }
}
