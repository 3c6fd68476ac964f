import type { Clock } from '../clock.ts'
import { forEachChild, replaceChildren } from '../containers.ts'
import { isInstance, TransformError } from '../errors.ts'
import { BaseFuture } from '../future/future.ts'
import { Reference, ReferenceList, referencesIn, whenThere } from '../future/reference.ts'
import type { Given, Stub, Taker } from '../transformer/data-plane.ts'
import { Moved } from '../transformer/moved.ts'
import type { Search } from './arguments.ts'
import { type Entry, type References, StepFuture } from './references.ts'

/** Shared, because a million of tasks may wait. */
const NOWHERE: readonly number[] = []

/** The arguments of one call on their way through the data plane of its engine. */
export class Parcel {
  readonly #references: References
  readonly #task: string
  #args: unknown[]
  /** What is kept for this call until it has ended. */
  #entries: Set<Entry> | undefined = undefined
  /** Containers inside of arguments in which references stand. */
  #holders: Set<object> | undefined = undefined
  /** Arguments that hold futures, by position: whether they travel by reference is known when those are done. */
  #late: readonly number[] = NOWHERE
  /** Milliseconds that it took to resolve the arguments, and to transform the result. */
  inputMs = 0
  resultMs = 0
  /** Bytes that travel by reference, the result included. */
  bytes = 0

  /** @param args - which are changed */
  constructor(references: References, task: string, args: unknown[]) {
    this.#references = references
    this.#task = task
    this.#args = args
  }

  /** Stores the arguments that are values, as far as they are to travel by reference. Throws `TransformError`. @returns what there is to wait for */
  store(search: Search | undefined): Search | undefined {
    const holding = new Set<unknown>(search?.copies)
    const values: number[] = []
    const late: number[] = []
    this.#args.forEach((arg, index) => {
      if (holding.has(arg)) late.push(index)
      else if (!(arg instanceof BaseFuture)) values.push(index)
    })
    if (late.length > 0) this.#late = late
    const steps = this.#storeAt(values)
    if (steps.length === 0) return search
    return {
      futures: [...(search?.futures ?? []), ...steps],
      holders: [...new Set([...(search?.holders ?? []), this.#args])],
      copies: search?.copies ?? [this.#args],
    }
  }

  /** The same for those that held futures, unless references stand in them now. Throws `TransformError`. @returns what there is to wait for */
  storeLate(): readonly StepFuture[] {
    const late = this.#late
    this.#late = NOWHERE
    return this.#holders === undefined ? this.#storeAt(late) : []
  }

  #storeAt(positions: readonly number[]): readonly StepFuture[] {
    const steps = new Set<StepFuture>()
    for (const index of positions) {
      const placed = this.#references.argument(this.#args[index], { task: this.#task, kind: 'argument', index })
      if (placed === undefined) continue
      this.#keep(placed.entry)
      this.#args[index] = placed.place
      if (placed.place instanceof StepFuture) steps.add(placed.place)
    }
    return [...steps]
  }

  #keep(entry: Entry | undefined): void {
    if (entry === undefined || this.#entries?.has(entry)) return
    this.#entries ??= new Set()
    this.#entries.add(entry)
    this.#references.retain(entry)
  }

  /** What to put in the place of a future. @param holder - where that stands */
  place(outcome: unknown, holder: object): unknown {
    if (Reference.is(outcome)) {
      this.#keep(this.#references.entryOf(outcome))
      if (holder !== this.#args) this.#hold(holder)
      return outcome
    }
    if (!ReferenceList.is(outcome)) return outcome
    const list: unknown[] = []
    for (const element of outcome) list.push(this.place(element, list))
    return list
  }

  #hold(holder: object): void {
    this.#holders ??= new Set()
    this.#holders.add(holder)
  }

  /** For the transformer of this process. */
  take(taker: Taker, clock: Clock): readonly unknown[] | Promise<readonly unknown[]> {
    const given = this.#given()
    this.#count(given)
    const start = clock.now()
    return whenThere(this.#references.plane.take(given, taker), (args) => {
      this.inputMs = clock.now() - start
      return args
    })
  }

  /** For that of a worker: the arguments with identifiers in them, or, where these alone do not say it all, what stands where. */
  pack(): readonly unknown[] | Given {
    const given = this.#given()
    this.#count(given)
    if (given.inside.length === 0 && given.stubs.every(({ path }) => path.length === 0))
      return given.stubs.length === 0 ? this.#args : this.#args.map((arg) => (Reference.is(arg) ? arg.identifier : arg))
    const plain = new Map<unknown, Stub>()
    for (const stub of [...given.stubs, ...given.inside])
      plain.set(stub, { identifier: stub.identifier, path: stub.path })
    const inPlace = (child: unknown): unknown => plain.get(child) ?? child
    for (const holder of given.holders) replaceChildren(holder, inPlace)
    return {
      args: this.#args.map(inPlace),
      stubs: given.stubs.map(inPlace) as Stub[],
      inside: given.inside.map(inPlace) as Stub[],
      holders: given.holders,
    }
  }

  #given(): Given {
    const inside = new Set<Reference>()
    for (const holder of this.#holders ?? [])
      forEachChild(holder, (child) => {
        if (Reference.is(child)) inside.add(child)
      })
    return {
      args: this.#args,
      stubs: this.#args.filter(Reference.is),
      inside: [...inside],
      holders: inside.size === 0 ? [] : [...(this.#holders ?? [])],
    }
  }

  #count({ stubs, inside }: Given): void {
    // By an earlier attempt, after which values may stand in the places of references.
    if (this.bytes > 0) return
    for (const { identifier } of new Set([...stubs, ...inside])) this.bytes += this.#references.sizeOf(identifier)
  }

  /** Leaves the result of a body in this process, if it is to travel by reference. Throws, or rejects with, `TransformError`. */
  leave(value: unknown, clock: Clock): unknown {
    const start = clock.now()
    return whenThere(this.#references.result(value, this.#task), (reference) => {
      this.resultMs = clock.now() - start
      return reference ?? value
    })
  }

  /** What a worker tells of a result. @returns the value, or what refers to it */
  arrived(result: unknown): unknown {
    if (!Moved.is(result)) return result
    this.inputMs = result.inputMs
    this.resultMs = result.resultMs
    return result.left === undefined ? result.value : this.#references.adopt(result.value, result.left.isNew)
  }

  countResult(outcome: unknown): void {
    for (const { identifier } of referencesIn(outcome)) this.bytes += this.#references.sizeOf(identifier)
  }

  /** The call has ended: what was kept for it may go. @param outcome - what became of it */
  letGo(outcome: unknown): void {
    const isDoubtful = isInstance(outcome, TransformError)
    for (const entry of this.#entries ?? []) {
      if (isDoubtful) this.#references.doubt(entry)
      this.#references.release(entry)
    }
    this.#entries = this.#holders = undefined
    this.#args = []
  }
}
