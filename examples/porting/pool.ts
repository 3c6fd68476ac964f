import pLimit from 'p-limit'

/**
 * The executor that the program has, in the style of `concurrent.futures`: it knows nothing of dependencies. Yours may be
 * a pool of threads, a queue, or a client of a cluster.
 */
export class Pool {
  readonly #limit: ReturnType<typeof pLimit>

  constructor(workers: number) {
    this.#limit = pLimit(workers)
  }

  submit<A extends unknown[], R>(fn: (...args: A) => R | PromiseLike<R>, ...args: A): Promise<R> {
    return this.#limit(fn, ...args)
  }
}
