/**
 * Finds the futures among the arguments of a task, and puts their values in their places.
 *
 * Arrays, plain objects, Maps (keys too) and Sets are searched, at any depth, without recursion; cycles and shared
 * references survive. What holds a future, at whatever depth, is copied at once, so that the caller may go on using
 * his own containers; all else is passed as it is.
 */
import {
  type Container,
  forEachChild,
  indexOfObject,
  isFutureContainer,
  replaceChildren,
  shallowCopy,
} from '../containers.ts'
import { BaseFuture } from '../future/future.ts'
import { Reference } from '../future/reference.ts'
import { isFuture, isThenable } from '../future/task-future.ts'
import { ValueFuture } from '../future/values.ts'

/** What stands for a future once it is done. */
export type Resolve = (future: BaseFuture<unknown>, holder: object) => unknown

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
    replaceChildren(holder, (child) => (child instanceof BaseFuture ? resolve(child, holder) : child))
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
      const isPlace = child instanceof BaseFuture || Reference.is(child)
      if (isValue && !isPlace && !values.has(child)) values.set(child, values.size)
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

/** A getter that throws counts as one: the language takes it for a promise that is rejected with that error. */
function hasThen(value: object): boolean {
  try {
    return isThenable(value)
  } catch {
    return true
  }
}
