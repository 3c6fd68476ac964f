/** Classes that users registered with superjson. It is loaded when the first instance of a class is met, not before. */
import { nodeModule } from '../node-module.ts'
import { shared } from '../shared.ts'

/** The part of superjson's class that is used here. */
interface SuperJson {
  serialize(value: unknown): unknown
  deserialize(payload: unknown): unknown
  readonly defaultInstance: Registries
}

/** What is registered with one copy of superjson. */
export interface Registries {
  readonly classRegistry: {
    getIdentifier(value: unknown): string | undefined
    getValue(identifier: string): unknown
    getAllowedProps(value: unknown): readonly string[] | undefined
  }
  readonly customTransformerRegistry: {
    findApplicable(value: unknown): Transformer | undefined
    findByName(name: string): Transformer | undefined
  }
  readonly symbolRegistry: {
    getIdentifier(value: unknown): string | undefined
    getValue(identifier: string): symbol | undefined
  }
  readonly allowedErrorProps: readonly string[]
}

/** What users give to `registerCustom`. */
export interface Transformer {
  readonly name: string
  serialize(value: unknown): unknown
  deserialize(payload: unknown): unknown
}

interface NodeModule {
  createRequire(place: string): (id: string) => unknown
}

const node = nodeModule<NodeModule>('node:module')
// Browsers cannot load it at once, when it is needed: there, what is registered is known a moment after the start.
if (node === undefined) void loadSuperJson()

async function loadSuperJson(): Promise<void> {
  try {
    const { default: superjson } = await import('superjson')
    shared().superjsons.add(superjson)
  } catch {
    // Not installed: then nothing is registered with it.
  }
}

/** Where superjson was looked for. */
const known = new Set<string>()
/** Where it is to be looked for when it is needed. */
const waiting = new Set<string>()

/** Makes the classes known that a module, or what it imports, registers. Called with the modules of tasks. */
export function lookForCustomClassesIn(moduleUrl: string): void {
  waiting.add(moduleUrl)
}

/** Every copy of superjson with which somebody may have registered something. */
function superjsons(): Iterable<SuperJson> {
  // Empty where this is part of a bundle that is no module.
  const here: string | undefined = import.meta.url
  if (here) waiting.add(here)
  for (const place of waiting) lookIn(place)
  waiting.clear()
  return shared().superjsons as Set<SuperJson>
}

function lookIn(place: string): void {
  if (node === undefined || known.has(place)) return
  known.add(place)
  try {
    const { default: superjson } = node.createRequire(place)('superjson') as { default: SuperJson }
    if (typeof superjson.defaultInstance === 'object') shared().superjsons.add(superjson)
  } catch {
    // Not installed there: then nothing was registered with it.
  }
}

/** What stands for an instance of a registered class. */
export interface Custom {
  readonly payload: unknown
}

/** @returns undefined if its class is not registered */
export function serializeCustom(value: object): Custom | undefined {
  for (const superjson of superjsons()) {
    if (identifierIn(superjson, value) !== undefined || hasTransformer(superjson, value))
      return { payload: superjson.serialize(value) }
  }
  return undefined
}

/** The same for what is registered with `registerCustom`, but not for classes, of whose errors superjson would lose message and stack. */
export function transformCustom(value: object): Custom | undefined {
  for (const superjson of superjsons()) {
    if (hasTransformer(superjson, value)) return { payload: superjson.serialize(value) }
  }
  return undefined
}

function hasTransformer({ defaultInstance }: SuperJson, value: object): boolean {
  return defaultInstance.customTransformerRegistry.findApplicable(value) !== undefined
}

/** The instance again. @throws what superjson says, if it does not know the class here */
export function deserializeCustom(payload: unknown): unknown {
  let failure: unknown = new Error('superjson is not installed')
  for (const superjson of superjsons()) {
    try {
      return superjson.deserialize(payload)
    } catch (error) {
      failure = error
    }
  }
  throw failure
}

/** The name under which the class of an object is registered; undefined if it is not. */
export function identifierOf(value: object): string | undefined {
  for (const superjson of superjsons()) {
    const identifier = identifierIn(superjson, value)
    if (identifier !== undefined) return identifier
  }
  return undefined
}

function identifierIn({ defaultInstance }: SuperJson, value: object): string | undefined {
  const itsClass: unknown = value.constructor
  return typeof itsClass === 'function' ? defaultInstance.classRegistry.getIdentifier(itsClass) : undefined
}

/** The class of a name. */
export function classOf(identifier: string): unknown {
  for (const { defaultInstance } of superjsons()) {
    const found = defaultInstance.classRegistry.getValue(identifier)
    if (found !== undefined) return found
  }
  return undefined
}

/** What is registered, by each copy of superjson that is known. */
export function* registries(): Iterable<Registries> {
  for (const { defaultInstance } of superjsons()) yield defaultInstance
}
