import type { Place, Step } from '../worker/place.ts'
import { escapeKey, type Type } from './notation.ts'

/** Annotations of what stands in a container, by path. */
export type Notes = Record<string, unknown>
/** What a value is, and what stands in it. */
type Note = [type: Type, inside?: Notes]

/** Where a value stands: in the value that is written, for errors, and in the JSON, for annotations. */
export interface Spot extends Place {
  readonly parent: Spot | undefined
  /** The way from the parent in JSON, as a path; if it is not there, that is the key. */
  readonly path: string | undefined
  /** Where it stands in the copy of its parent. */
  readonly holder: Record<PropertyKey, unknown>
  readonly at: PropertyKey
  note: Note | undefined
  notes: Notes | undefined
}

export function rootSpot(name: string, holder: object): Spot {
  return {
    parent: undefined,
    step: 'root',
    key: name,
    depth: 0,
    inError: undefined,
    path: undefined,
    holder: holder as Spot['holder'],
    at: 'json',
    note: undefined,
    notes: undefined,
  }
}

/** A child, still with the value that it has in the source. */
export function spotIn(
  parent: Spot,
  step: Step,
  key: unknown,
  path: string | undefined,
  holder: object,
  at: PropertyKey,
): Spot {
  const depth = parent.depth + 1
  const { inError } = parent
  const whole = holder as Spot['holder']
  return { parent, step, key, depth, inError, path, holder: whole, at, note: undefined, notes: undefined }
}

/** The path of a spot in the whole JSON. */
export function fullPath(spot: Spot): string {
  const steps: string[] = []
  for (let at: Spot | undefined = spot; at?.parent !== undefined; at = at.parent) steps.push(stepOf(at))
  return steps.reverse().join('.')
}

/** The last step of its path. */
export function stepOf({ path, key }: Spot): string {
  return path ?? escapeKey(String(key))
}

/** Whether a spot is inside of another. */
export function isWithin(spot: Spot, other: Spot): boolean {
  for (let at = spot.parent; at !== undefined; at = at.parent) if (at === other) return true
  return false
}
