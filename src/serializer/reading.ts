import { isKey, ownNameOf, parsePath, type Type } from './notation.ts'
import { put, type Raw, type Slot, slotIn, valueIn } from './raw.ts'
import { isOwnLeaf, leafOf, ownLeafOf } from './read-leaf.ts'
import { RegExps } from './reg-exps.ts'
import { transformerNamed, unregistered } from './registered.ts'
import * as shells from './shells.ts'
import type { Views } from './views.ts'

/** Stands for what a transformer of the user makes, until all that it is given is complete. */
class Later {
  readonly slots: Slot[]

  constructor(slots: Slot[]) {
    this.slots = slots
  }
}

/** An annotation and where it belongs; or what is to be done when all that stands in it is known. */
type Step = { readonly node: unknown; readonly slot: Slot } | shells.Shell

/**
 * Makes a value of its JSON and its annotations, in the JSON itself and in linear time: first all leaves and empty containers,
 * then what is the same is put everywhere, and then containers are filled, in the order of the text, those inside first.
 */
export class Reading {
  readonly #root: Slot
  readonly #views: Views
  readonly #opened: Map<unknown, shells.Shell> = new Map()
  readonly #closed: shells.Shell[] = []
  readonly #regExps = new RegExps()
  /** The innermost container that the last path led through. */
  #innermost: shells.Shell | undefined

  constructor(json: unknown, views: Views) {
    this.#root = { parent: { json }, key: 'json' }
    this.#views = views
  }

  /** @throws anything, if there is something wrong with it */
  read(values: unknown, equalities: unknown): unknown {
    if (values !== undefined) this.#annotate(values)
    this.#views.close()
    if (equalities !== undefined) this.#equalize(equalities)
    for (const shell of this.#closed) shell.fill()
    return valueIn(this.#root)
  }

  #annotate(values: unknown): void {
    const steps: Step[] = []
    this.#visit(values, this.#root, steps)
    for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
      if ('turn' in step) step.turn = this.#closed.push(step)
      else this.#visit(step.node, step.slot, steps)
    }
  }

  #visit(node: unknown, slot: Slot, steps: Step[]): void {
    const json = valueIn(slot)
    if (!Array.isArray(node)) return this.#visitInside(node, json, steps)
    const shell = this.#make(checked(node[0]), slot)
    if (shell !== undefined) steps.push(shell)
    if (node.length > 1) this.#visitInside(node[1], json, steps)
  }

  #visitInside(nodes: unknown, json: unknown, steps: Step[]): void {
    const paths = Object.keys(shells.object(nodes))
    // The last one on the stack is taken first.
    for (let i = paths.length - 1; i >= 0; i--) {
      const path = paths[i] as string
      const node = (nodes as Raw)[path]
      const slot = this.#slotAt(json, path)
      if (isLast(node)) this.#visit(node, slot, steps)
      else steps.push({ node, slot })
    }
  }

  #slotAt(json: unknown, path: string): Slot {
    if (isKey(path)) return slotIn(json, path)
    const keys = parsePath(path)
    let slot = slotIn(json, keys[0] as string)
    for (let i = 1; i < keys.length; i++) slot = slotIn(this.#contentOf(valueIn(slot)), keys[i] as string)
    return slot
  }

  /** The place at a path from the root. */
  #find(path: unknown): Slot {
    this.#innermost = undefined
    return this.#slotAt(this.#contentOf(valueIn(this.#root)), shells.text(path))
  }

  #contentOf(value: unknown): unknown {
    const opened = this.#opened.get(value)
    if (opened === undefined) return value
    this.#innermost = opened
    return opened.content
  }

  /** Puts there what an annotation says. @returns the container, if it is one */
  #make(type: Type, slot: Slot): shells.Shell | undefined {
    const json = valueIn(slot)
    const own = ownNameOf(type)
    if (own === 'Custom') return this.#laterInList(slot, shells.list(json))
    if (own === undefined && type[0] === 'custom') return this.#later(slot, type[1], () => json)
    const shell = own === undefined ? shellOf(type, json) : ownShellOf(own, json)
    if (shell !== undefined) return this.#open(slot, shell)
    if (type === 'regexp') this.#regExps.add(json)
    if (own === 'RegExp') this.#regExps.add(shells.list(json)[0])
    if (own === undefined) put(slot, leafOf(type, json))
    else if (own === 'Blob' || own === 'File') put(slot, this.#views.blob(json))
    else if (isOwnLeaf(own)) put(slot, ownLeafOf(own, json))
    else this.#views.add(own, slot)
    return undefined
  }

  #laterInList(slot: Slot, parts: readonly unknown[]): shells.Shell {
    return this.#later(slot, shells.text(parts[0]), () => parts[1])
  }

  #open(slot: Slot, shell: shells.Shell): shells.Shell {
    this.#opened.set(shell.value, shell)
    put(slot, shell.value)
    return shell
  }

  #later(slot: Slot, name: string, payload: () => unknown): shells.Shell {
    const transformer = transformerNamed(name)
    if (transformer === undefined) throw unregistered('custom type', name)
    const value = new Later([slot])
    const fill = (): void => {
      const made = transformer.deserialize(payload())
      for (const each of value.slots) if (valueIn(each) === value) put(each, made)
    }
    return this.#open(slot, { value, content: valueIn(slot) as Raw, fill, turn: 0 })
  }

  #equalize(equalities: unknown): void {
    const [ofRoot, others = {}] = Array.isArray(equalities) ? (equalities as unknown[]) : [[], equalities]
    this.#same(this.#root, shells.list(ofRoot))
    for (const [path, paths] of Object.entries(shells.object(others))) {
      this.#same(this.#find(path), shells.list(paths))
    }
  }

  /** Each path is looked up when those before it have their value: it may lead through them. */
  #same(first: Slot, paths: readonly unknown[]): void {
    const value = this.#earliest(first, paths)
    if (value instanceof Later && value !== valueIn(first)) value.slots.push(first)
    put(first, value)
    for (const path of paths) {
      const slot = this.#find(path)
      if (value instanceof Later) this.#promise(value, slot)
      put(slot, value)
    }
  }

  /** Where superjson wrote a value several times, that one which is made first. */
  #earliest(first: Slot, paths: readonly unknown[]): unknown {
    const value = valueIn(first)
    if (!(value instanceof Later)) return value
    const laters = paths.map((path) => valueIn(this.#find(path))).filter((each) => each instanceof Later)
    return laters.reduce((a, b) => (this.#turnOf(b) < this.#turnOf(a) ? b : a), value)
  }

  #promise(later: Later, slot: Slot): void {
    if (this.#innermost !== undefined && this.#innermost.turn <= this.#turnOf(later))
      throw new TypeError('it has a value of a custom type that is a part of itself')
    later.slots.push(slot)
  }

  #turnOf(later: Later): number {
    return this.#opened.get(later)?.turn ?? 0
  }
}

/** Whether nothing is annotated inside. */
function isLast(node: unknown): boolean {
  return Array.isArray(node) && node.length === 1
}

function checked(type: unknown): Type {
  if (typeof type === 'string') return type
  const [kind, name] = shells.list(type)
  return [shells.text(kind), shells.text(name)]
}

/** A container of those that superjson has. */
function shellOf(type: Type, json: unknown): shells.Shell | undefined {
  if (type === 'map') return shells.mapShell(json)
  if (type === 'set') return shells.setShell(json)
  if (type === 'Error') return shells.plainErrorShell(json)
  return type[0] === 'class' ? shells.instanceShell(type[1], json) : undefined
}

/** A container of those that superjson does not have. */
function ownShellOf(name: string, json: unknown): shells.Shell | undefined {
  if (name === 'Array') return shells.arrayShell(json)
  if (name === 'Null') return shells.nullShell(json)
  return name === 'Error' ? shells.errorShell(json) : undefined
}
