/** What a worker that has a data plane tells of a result: the value, or the identifier that travels in its place. */
export class Moved {
  /** The value, or its identifier. */
  readonly value: unknown
  /** For an identifier: whether it was stored for this. */
  readonly left: { readonly isNew: boolean } | undefined
  /** Milliseconds that it took to resolve the arguments. */
  readonly inputMs: number
  /** Milliseconds that it took to transform the result. */
  readonly resultMs: number

  readonly #isMoved = true

  static is(value: unknown): value is Moved {
    return typeof value === 'object' && value !== null && #isMoved in value
  }

  constructor(value: unknown, left: { readonly isNew: boolean } | undefined, inputMs: number, resultMs: number) {
    this.value = value
    this.left = left
    this.inputMs = inputMs
    this.resultMs = resultMs
  }
}

/** As it is sent: what it is (0: the value, 1: an identifier that was there, 2: a new one), the times, the value or the identifier. */
export type MovedMessage = readonly [kind: 0 | 1 | 2, inputMs: number, resultMs: number, value: unknown]

export function movedFrom([kind, inputMs, resultMs, value]: MovedMessage): Moved {
  return new Moved(value, kind === 0 ? undefined : { isNew: kind === 2 }, inputMs, resultMs)
}
