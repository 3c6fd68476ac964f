/**
 * Finds the futures among the arguments of a task, and puts their values in their places.
 *
 * Arrays, plain objects, Maps (keys too) and Sets are searched, at any depth, without recursion; cycles and shared
 * references survive. What holds a future, at whatever depth, is copied at once, so that the caller may go on using
 * his own containers; all else is passed as it is.
 */
import { BaseFuture } from '../future/future.ts'
import { FUTURE_CONTAINER, hasMark, isFuture, isThenable } from '../future/task-future.ts'
import { ValueFuture } from '../future/values.ts'

type Container = object
/** What stands for a future once it is done. */
export type Resolve = (future: BaseFuture<unknown>) => unknown

let lastStamp = 0

function nextStamp(): number {
  // Wraps around: a small integer for ever.
  lastStamp = (lastStamp + 1) | 0
  return lastStamp
}

/** The futures found by one search, each once. */
class FoundFutures {
  readonly futures: BaseFuture<unknown>[] = []
  readonly #stamp: number = nextStamp()
  #adopted: Map<object, BaseFuture<unknown>> | undefined

  /** The future that `value` is, or stands for; undefined if it is none. */
  see(value: object): BaseFuture<unknown> | undefined {
    if (value instanceof BaseFuture) return this.#add(value)
    // A list or a dictionary of futures can be awaited too, but it is a container first.
    if (isFutureContainer(value) || !hasThen(value)) return undefined
    return this.#add(this.#adopt(value as PromiseLike<unknown>))
  }

  #adopt(thenable: PromiseLike<unknown>): BaseFuture<unknown> {
    this.#adopted ??= new Map()
    const known = this.#adopted.get(thenable)
    if (known !== undefined) return known
    const future = ValueFuture.adopt(thenable)
    this.#adopted.set(thenable, future)
    return future
  }

  #add(future: BaseFuture<unknown>): BaseFuture<unknown> {
    if (future.stamp !== this.#stamp) {
      future.stamp = this.#stamp
      this.futures.push(future)
    }
    return future
  }
}

/** What {@link findFutures} found. */
export interface Search {
  readonly futures: readonly BaseFuture<unknown>[]
  /** The containers in which futures stand, all of them copies but for the argument list itself. */
  readonly holders: readonly Container[]
  /** All containers that are copies, those that hold such containers too, and the argument list. */
  readonly copies: readonly Container[]
}

/** Searches an argument list, which is changed: what holds futures in it becomes a copy. Undefined: there are none. */
export function findFutures(args: unknown[]): Search | undefined {
  let found: FoundFutures | undefined
  let walk: Walk | undefined
  let isHolder = false
  for (let i = 0; i < args.length; i++) {
    const value = args[i]
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) continue
    found ??= new FoundFutures()
    const future = found.see(value)
    if (future !== undefined) {
      args[i] = future
      isHolder = true
    } else if (isContainer(value)) {
      // One walk for all arguments, because they may share parts.
      walk ??= new Walk(found)
      walk.search(value)
    }
  }
  if (found === undefined || found.futures.length === 0) return undefined
  // Spelt out, because a list that grew takes more room for as long as the task waits.
  if (walk === undefined) return { futures: found.futures, holders: [args], copies: [args] }
  const { holders, copies } = walk.copyInto(args)
  return { futures: found.futures, holders: isHolder ? [...holders, args] : holders, copies: [...copies, args] }
}

/** The futures that stand in holders. */
export function futuresIn(holders: readonly Container[]): BaseFuture<unknown>[] {
  const futures: BaseFuture<unknown>[] = []
  for (const holder of holders) {
    forEachChild(holder, (child) => {
      if (child instanceof BaseFuture) futures.push(child)
    })
  }
  return futures
}

/** Puts values in the places of futures. */
export function fillIn(holders: readonly Container[], resolve: Resolve): void {
  for (const holder of holders)
    replaceChildren(holder, (child) => (child instanceof BaseFuture ? resolve(child) : child))
}

/**
 * Copies what stands beside futures, all at once, so that parts that are shared stay so.
 * @param containers - all that hold futures, at whatever depth
 */
export function copyBeside(
  containers: readonly Container[],
  copy: (values: readonly unknown[]) => readonly unknown[],
): void {
  const own = new Set<unknown>(containers)
  const values = new Map<unknown, number>()
  for (const container of containers) {
    forEachChild(container, (child) => {
      const isValue = ((typeof child === 'object' && child !== null) || typeof child === 'function') && !own.has(child)
      if (isValue && !(child instanceof BaseFuture) && !values.has(child)) values.set(child, values.size)
    })
  }
  if (values.size === 0) return
  const copies = copy([...values.keys()])
  for (const container of containers) {
    replaceChildren(container, (child) => {
      const i = values.get(child)
      return i === undefined ? child : copies[i]
    })
  }
}

/** The position of the first object or function at or after `from`, else -1. Apart, and tiny, so that it is fast at the first call. */
function indexOfObject(array: readonly unknown[], from: number): number {
  for (let i = from; i < array.length; i++) {
    const type = typeof array[i]
    if (type === 'object' || type === 'function') return i
  }
  return -1
}

/** Whether any element is a future. */
export function hasFutures(array: readonly unknown[]): boolean {
  for (let i = indexOfObject(array, 0); i !== -1; i = indexOfObject(array, i + 1)) {
    if (isFuture(array[i])) return true
  }
  return false
}

/** One search through trees of containers, which may share parts and have cycles. */
class Walk {
  readonly #found: FoundFutures
  /** The containers in which futures stand themselves. */
  readonly #direct: Set<Container> = new Set()
  /** By container, those in which it stands; made only for containers inside of others. */
  readonly #parents: Map<Container, Container[]> = new Map()
  readonly #open: Container[] = []

  constructor(found: FoundFutures) {
    this.#found = found
  }

  search(root: Container): void {
    if (this.#parents.has(root)) return
    this.#parents.set(root, [])
    this.#open.push(root)
    for (let container = this.#open.pop(); container !== undefined; container = this.#open.pop()) {
      const current = container
      if (Array.isArray(current)) this.#searchArray(current)
      else forEachChild(current, (child) => this.#visit(child, current))
    }
  }

  #searchArray(array: readonly unknown[]): void {
    for (let i = indexOfObject(array, 0); i !== -1; i = indexOfObject(array, i + 1)) this.#visit(array[i], array)
  }

  #visit(child: unknown, parent: Container): void {
    if ((typeof child !== 'object' && typeof child !== 'function') || child === null) return
    if (this.#found.see(child) !== undefined) this.#direct.add(parent)
    else if (isContainer(child)) {
      const parents = this.#parents.get(child)
      if (parents !== undefined) parents.push(parent)
      else {
        this.#parents.set(child, [parent])
        this.#open.push(child)
      }
    }
  }

  /** Puts copies of the containers through which futures are reached in their places. @returns those in which futures stand, and all of them */
  copyInto(args: unknown[]): { holders: Container[]; copies: Iterable<Container> } {
    const copies = this.#copyHolders()
    for (const [i, arg] of args.entries()) args[i] = copies.get(arg as Container) ?? arg
    return { holders: [...this.#direct].map((holder) => copies.get(holder) as Container), copies: copies.values() }
  }

  #copyHolders(): Map<Container, Container> {
    const copies = new Map<Container, Container>()
    const open = [...this.#direct]
    for (let container = open.pop(); container !== undefined; container = open.pop()) {
      if (copies.has(container)) continue
      copies.set(container, shallowCopy(container))
      for (const parent of this.#parents.get(container) ?? []) open.push(parent)
    }
    for (const copy of copies.values()) {
      replaceChildren(copy, (child) => {
        if ((typeof child !== 'object' && typeof child !== 'function') || child === null) return child
        return copies.get(child) ?? this.#found.see(child) ?? child
      })
    }
    return copies
  }
}

/** Whether futures are searched inside: an array, a plain object, a Map or a Set; no instance of a user's class. */
function isContainer(value: object): boolean {
  if (Array.isArray(value)) return true
  if (typeof value === 'function') return false
  const prototype = Object.getPrototypeOf(value)
  // The second: plain objects of another realm, whose Object.prototype is not ours, and dictionaries of futures.
  return (
    prototype === null ||
    prototype === Object.prototype ||
    prototype === Map.prototype ||
    prototype === Set.prototype ||
    Object.getPrototypeOf(prototype) === null ||
    isFutureContainer(value)
  )
}

function isFutureContainer(value: object): boolean {
  return hasMark(value, FUTURE_CONTAINER)
}

/** A getter that throws counts as one: the language takes it for a promise that is rejected with that error. */
function hasThen(value: object): boolean {
  try {
    return isThenable(value)
  } catch {
    return true
  }
}

function forEachChild(container: Container, visit: (child: unknown) => void): void {
  if (container instanceof Map) {
    for (const [key, value] of container) {
      visit(key)
      visit(value)
    }
  } else if (container instanceof Set) {
    for (const value of container) visit(value)
  } else {
    for (const key of keysOf(container)) visit((container as Record<PropertyKey, unknown>)[key])
  }
}

/** The names of the properties that are searched and copied: the enumerable ones, symbols too. */
function keysOf(container: Container): PropertyKey[] {
  const symbols = Object.getOwnPropertySymbols(container)
  return symbols.length === 0 ? Object.keys(container) : Reflect.ownKeys(container).filter(isEnumerable, container)
}

function isEnumerable(this: Container, key: PropertyKey): boolean {
  return Object.prototype.propertyIsEnumerable.call(this, key)
}

function shallowCopy(container: Container): Container {
  // FutureList is left behind, holes are kept.
  if (Array.isArray(container)) return container.slice()
  if (container instanceof Map) return new Map(container)
  if (container instanceof Set) return new Set(container)
  // Not assign: it would call a setter named __proto__.
  const prototype = isFutureContainer(container) ? Object.prototype : Object.getPrototypeOf(container)
  return Object.defineProperties(Object.create(prototype), copiedProperties(container))
}

function copiedProperties(container: Container): PropertyDescriptorMap {
  const descriptors: PropertyDescriptorMap = Object.create(null)
  for (const key of keysOf(container)) {
    const value = (container as Record<PropertyKey, unknown>)[key]
    descriptors[key as string] = { value, writable: true, enumerable: true, configurable: true }
  }
  return descriptors
}

function replaceChildren(container: Container, replace: (child: unknown) => unknown): void {
  if (Array.isArray(container)) {
    for (let i = indexOfObject(container, 0); i !== -1; i = indexOfObject(container, i + 1))
      container[i] = replace(container[i])
  } else if (container instanceof Map) {
    const entries = [...container]
    container.clear()
    for (const [key, value] of entries) container.set(replace(key), replace(value))
  } else if (container instanceof Set) {
    const values = [...container]
    container.clear()
    for (const value of values) container.add(replace(value))
  } else {
    for (const key of keysOf(container)) {
      const child = (container as Record<PropertyKey, unknown>)[key]
      const value = replace(child)
      // Defined, not assigned: `__proto__` is a name like any other here.
      if (value !== child)
        Object.defineProperty(container, key, { value, writable: true, enumerable: true, configurable: true })
    }
  }
}
