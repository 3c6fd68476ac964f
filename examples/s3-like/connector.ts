// A connector of one's own: bytes become objects of a store that speaks HTTP, each with an address, as in S3 and its like.
import { type Connector, defineConnector, TransformError } from 'taps-sdk'

export interface BucketOptions {
  /** The address of a bucket, such as `http://localhost:9000/bucket`. */
  readonly url: string
  /** How long one request may take, in ms. @defaultValue 30_000 */
  readonly timeout?: number
  /** How often a request is made again that the network or the store could not serve. @defaultValue 3 */
  readonly retries?: number
  /** How long to wait before the first of these, in ms; before each further one twice as long. @defaultValue 100 */
  readonly retryDelay?: number
}

/** What workers are told. */
interface Shared extends Required<BucketOptions> {
  /** Begins the names of all objects of this run, so that they can be found, and told from those of others. */
  readonly run: string
}

/** Defined where a worker that imports this module finds it. It makes the connector for itself, from the same options. */
const connect = defineConnector({
  name: 'bucket',
  module: import.meta.url,
  create: (shared: Shared): Connector => new BucketConnector(shared),
})

/** Stores bytes in a bucket. What is left there when the engine has shut down is removed. */
export function bucket({ url, timeout = 30_000, retries = 3, retryDelay = 100 }: BucketOptions): Connector {
  // A run of its own, which the client makes up, and its workers share.
  return connect({ url: url.replace(/\/+$/, ''), timeout, retries, retryDelay, run: crypto.randomUUID() })
}

interface Answer {
  readonly status: number
  readonly bytes: Uint8Array
}

const KEY = /^[0-9a-f-]{36}\/[0-9a-f-]{36}$/

class BucketConnector implements Connector {
  readonly #shared: Shared
  #isClosed = false

  constructor(shared: Shared) {
    this.#shared = shared
  }

  async put(chunks: readonly Uint8Array[]): Promise<string> {
    if (this.#isClosed) throw new Error(`The connector of ${this.#shared.url} is closed`)
    // A name that nobody else uses: to store it twice, after a failure, does no harm.
    const key = `${this.#shared.run}/${crypto.randomUUID()}`
    // A copy, made before the first await: the memory is the caller's.
    await this.#request('PUT', `/${key}`, Buffer.concat(chunks))
    return key
  }

  async get(key: unknown): Promise<Uint8Array | undefined> {
    const { status, bytes } = await this.#request('GET', `/${this.#own(key)}`)
    return status === 404 ? undefined : bytes
  }

  async exists(key: unknown): Promise<boolean> {
    const { status } = await this.#request('HEAD', `/${this.#own(key)}`)
    return status !== 404
  }

  async evict(key: unknown): Promise<void> {
    await this.#request('DELETE', `/${this.#own(key)}`)
  }

  /** Removes what this run has stored, workers included. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    for (let keys = await this.#list(); keys.length > 0; keys = await this.#list()) {
      await Promise.all(keys.map((key) => this.evict(key)))
    }
  }

  /** Keys that are there. A store lists some of them at a time. */
  async #list(): Promise<string[]> {
    const { status, bytes } = await this.#request('GET', `?prefix=${this.#shared.run}/`)
    // Without a bucket there is nothing in it.
    return status === 404 ? [] : new TextDecoder().decode(bytes).split('\n').filter(Boolean)
  }

  /** A key is part of an address, so it is looked at closely. */
  #own(key: unknown): string {
    if (typeof key === 'string' && KEY.test(key) && key.startsWith(this.#shared.run)) return key
    throw new TransformError(`${JSON.stringify(key)} is no key of this run in ${this.#shared.url}`)
  }

  async #request(method: string, path: string, body?: Uint8Array<ArrayBuffer>): Promise<Answer> {
    const { url, retries, retryDelay } = this.#shared
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#ask(`${url}${path}`, { method, ...(body && { body }) })
      } catch (error) {
        if (error instanceof Refusal || attempt >= retries) throw error
      }
      await new Promise((resolve) => setTimeout(resolve, retryDelay * 2 ** attempt))
    }
  }

  async #ask(
    address: string,
    request: { readonly method: string; readonly body?: Uint8Array<ArrayBuffer> },
  ): Promise<Answer> {
    const { method } = request
    const answer = await answerTo(address, { ...request, signal: AbortSignal.timeout(this.#shared.timeout) })
    const { status, bytes } = answer
    if (status < 300 || (status === 404 && method !== 'PUT')) return answer
    const message = `${method} ${address} was answered ${status}: ${new TextDecoder().decode(bytes.subarray(0, 200))}`
    throw status < 500 ? new Refusal(message) : new Error(message)
  }
}

/** An answer that would be the same the next time. */
class Refusal extends Error {}

async function answerTo(address: string, request: RequestInit): Promise<Answer> {
  try {
    const response = await fetch(address, request)
    // Also where it is of no interest: only then is the connection free for the next request.
    return { status: response.status, bytes: new Uint8Array(await response.arrayBuffer()) }
  } catch (error) {
    // `fetch` says why in the cause only.
    const { cause = error } = error as Error
    throw new Error(`${request.method} ${address} failed: ${(cause as Error).message}`, { cause })
  }
}
