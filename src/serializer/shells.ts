/** Containers that are made empty, so that anything may refer to them, and filled when all they contain is there. */
import { define, fillError, makeError } from '../worker/error-shape.ts'
import { isObject, type Raw } from './raw.ts'
import { allowedErrorProps, classNamed, unregistered } from './registered.ts'

/** A container, what belongs in it, and how it is put there. */
export interface Shell {
  readonly value: object
  readonly content: Raw
  fill(): void
  /** Which one it is to be filled. */
  turn: number
}

export function mapShell(json: unknown): Shell {
  const rows = list(json)
  const value = new Map<unknown, unknown>()
  const fill = (): void => {
    for (const row of rows) {
      if (!Array.isArray(row) || row.length !== 2) throw new TypeError('there is no such entry of a Map')
      value.set(row[0], row[1])
    }
  }
  return { value, content: content(rows), fill, turn: 0 }
}

export function setShell(json: unknown): Shell {
  const elements = list(json)
  const value = new Set<unknown>()
  const fill = (): void => {
    for (const element of elements) value.add(element)
  }
  return { value, content: content(elements), fill, turn: 0 }
}

/** An instance of a registered class. As superjson does, it calls the setters of the class. */
export function instanceShell(identifier: string, json: unknown): Shell {
  const properties = object(json)
  const itsClass = classNamed(identifier)
  if (itsClass === undefined) throw unregistered('class', identifier)
  const value: object = Object.create(itsClass.prototype)
  const fill = (): void => {
    for (const [key, property] of Object.entries(properties)) {
      if (key === '__proto__' || !Reflect.set(value, key, property)) define(value, key, property, true)
    }
  }
  return { value, content: properties, fill, turn: 0 }
}

export function nullShell(json: unknown): Shell {
  const properties = object(json)
  const value: object = Object.create(null)
  const fill = (): void => {
    for (const [key, property] of Object.entries(properties)) define(value, key, property, true)
  }
  return { value, content: properties, fill, turn: 0 }
}

/** An array with holes, or with properties besides its elements. */
export function arrayShell(json: unknown): Shell {
  const parts = list(json)
  const [length, properties] = [parts[0], object(parts[1])]
  if (typeof length !== 'number') throw new TypeError('a length is missing')
  const value: unknown[] = []
  const fill = (): void => {
    const entries = Object.entries(properties)
    // One of this size never has memory for its holes; nor has it when it shrinks.
    if (length > 2 * entries.length + 1_000) value.length = 2 ** 32 - 1
    value.length = length
    for (const [key, element] of entries) define(value, key, element, true)
  }
  return { value, content: content(parts), fill, turn: 0 }
}

export function errorShell(json: unknown): Shell {
  const parts = list(json)
  const [shown, hidden] = [object(parts[5]), object(parts[6])]
  const [type, name, message, stack, identifier] = parts.slice(0, 5).map(text)
  const value = makeError(['error', type, name, message, stack, identifier] as Parameters<typeof makeError>[0])
  return { value, content: content(parts), fill: () => fillError(value, { shown, hidden }), turn: 0 }
}

/** An error that superjson wrote: it has neither class nor stack. */
export function plainErrorShell(json: unknown): Shell {
  const properties = object(json)
  const [name, message] = [text(properties.name), text(properties.message)]
  const stack = typeof properties.stack === 'string' ? properties.stack : `${name}: ${message}`
  const value = makeError(['error', 'Error', name, message, stack, ''])
  const fill = (): void => {
    if ('cause' in properties) define(value, 'cause', properties.cause, false)
    for (const key of allowedErrorProps()) if (Object.hasOwn(properties, key)) define(value, key, properties[key], true)
  }
  return { value, content: properties, fill, turn: 0 }
}

export function list(json: unknown): unknown[] {
  if (!Array.isArray(json)) throw new TypeError('a list is missing')
  return json
}

export function object(json: unknown): Raw {
  if (!isObject(json)) throw new TypeError('an object is missing')
  return json
}

export function text(json: unknown): string {
  if (typeof json !== 'string') throw new TypeError('a text is missing')
  return json
}

/** A list as what paths lead into. */
function content(parts: unknown[]): Raw {
  return parts as unknown as Raw
}
