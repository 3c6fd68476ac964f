import { BaseFuture } from '../future/future.ts'
import { together } from '../future/reference.ts'
import { isFuture } from '../future/task-future.ts'
import { ValueFuture } from '../future/values.ts'
import { hasFutures } from './arguments.ts'

/** What a task waits for after its body has ended: the futures that its result consists of. */
export class Join {
  readonly #result: unknown
  /** By the element of the result, the future as this copy of the library has it. */
  readonly #futures: Map<unknown, BaseFuture<unknown>> = new Map()
  #missing: number

  /** For a future, or an array with futures; undefined for any other result. Throws what reading the result throws. */
  static of(value: unknown): Join | undefined {
    if (isFuture(value)) return new Join(value, [value])
    if (!Array.isArray(value) || !hasFutures(value)) return undefined
    // A plain array, whatever class it is of: what is done with it later must not throw.
    const elements: unknown[] = Array.from(value)
    return new Join(elements, elements.filter(isFuture))
  }

  private constructor(result: unknown, futures: readonly PromiseLike<unknown>[]) {
    this.#result = result
    for (const future of futures) {
      if (this.#futures.has(future)) continue
      this.#futures.set(future, future instanceof BaseFuture ? future : ValueFuture.adopt(future))
    }
    this.#missing = this.#futures.size
  }

  get futures(): Iterable<BaseFuture<unknown>> {
    return this.#futures.values()
  }

  /** One more of them has succeeded. @returns whether it was the last one */
  countDown(): boolean {
    this.#missing--
    return this.#missing === 0
  }

  /** The result, with outcomes in the places of futures. */
  get value(): unknown {
    const resolve = (element: unknown): unknown =>
      this.#futures.has(element) ? this.#futures.get(element)?.outcome : element
    return Array.isArray(this.#result) ? together(this.#result.map(resolve)) : resolve(this.#result)
  }
}
