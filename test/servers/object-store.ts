import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** How to start a store. */
export interface ObjectStoreOptions {
  /** The size of the largest object, in bytes: larger ones are refused with 413. @defaultValue 64 MiB */
  readonly maxObjectBytes?: number
  /** How many bytes there may be in all: what does not fit is refused with 507. @defaultValue Infinity */
  readonly maxBytes?: number
}

/**
 * What goes wrong with a request: `error` answers 500, `drop` hangs up without an answer, `cut` in the middle of one, `late` hangs
 * up although it has done what it was asked for, and `hang` never answers.
 */
export type Fault = 'error' | 'drop' | 'cut' | 'late' | 'hang'

/** A store of objects in memory that speaks HTTP, in the manner of S3. */
export interface ObjectStore {
  /** Of a bucket; there is one of any name. */
  readonly url: string
  /** Objects by path: `/bucket/name`. */
  readonly objects: ReadonlyMap<string, Buffer>
  /** What was asked for so far: `PUT /bucket/name`. */
  readonly requests: readonly string[]
  /** Lets the next requests of a method fail. */
  failNext(method: string, ...faults: readonly Fault[]): void
  /** Hangs up on everybody, and forgets all objects. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** As many names as one answer lists. */
const PAGE = 100

/** Starts a store on a free port of this machine. */
export async function startObjectStore(options: ObjectStoreOptions = {}): Promise<ObjectStore> {
  const store = new Store(options)
  const server = createServer((request, response) => void store.serve(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async (): Promise<void> => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
    store.objects.clear()
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/bucket`,
    objects: store.objects,
    requests: store.requests,
    failNext: (method, ...faults) => store.faults.push(...faults.map((fault) => ({ method, fault }))),
    close,
    [Symbol.asyncDispose]: close,
  }
}

interface Answer {
  readonly status: number
  readonly body?: Buffer | string
}

class Store {
  readonly objects: Map<string, Buffer> = new Map()
  readonly requests: string[] = []
  readonly faults: { readonly method: string; readonly fault: Fault }[] = []
  readonly #maxObjectBytes: number
  readonly #maxBytes: number

  constructor({ maxObjectBytes = 64 * 2 ** 20, maxBytes = Infinity }: ObjectStoreOptions) {
    this.#maxObjectBytes = maxObjectBytes
    this.#maxBytes = maxBytes
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '' } = request
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
    this.requests.push(`${method} ${pathname}`)
    const fault = this.#takeFault(method)
    const body = await this.#read(request)
    // Whoever has hung up gets no answer, and half of an object is none.
    if (body === undefined || fault === 'hang') return
    if (fault === 'drop') return void request.socket.destroy()
    const answer =
      fault === 'error' ? { status: 500, body: 'a fault' } : this.#answer(method, pathname, searchParams, body)
    if (fault === 'late') return void request.socket.destroy()
    send(response, method, answer, fault === 'cut')
  }

  #takeFault(method: string): Fault | undefined {
    const index = this.faults.findIndex((fault) => fault.method === method)
    return index < 0 ? undefined : this.faults.splice(index, 1)[0]?.fault
  }

  /** @returns what was sent, no more than one byte above the limit; undefined if it broke off */
  async #read(request: IncomingMessage): Promise<Buffer | undefined> {
    const chunks: Buffer[] = []
    let size = 0
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) {
        size += chunk.length
        if (size <= this.#maxObjectBytes) chunks.push(chunk)
        else chunks.length = 0
      }
    } catch {
      return undefined
    }
    return size <= this.#maxObjectBytes ? Buffer.concat(chunks) : Buffer.alloc(this.#maxObjectBytes + 1)
  }

  #answer(method: string, path: string, search: URLSearchParams, body: Buffer): Answer {
    switch (method) {
      case 'PUT':
        return this.#put(path, body)
      case 'GET':
        return search.has('prefix') ? this.#list(path, search.get('prefix') as string) : this.#get(path)
      case 'HEAD':
        return this.#get(path)
      case 'DELETE':
        this.objects.delete(path)
        return { status: 204 }
      default:
        return { status: 405 }
    }
  }

  #put(path: string, body: Buffer): Answer {
    if (body.length > this.#maxObjectBytes) return { status: 413, body: 'the object is too large' }
    let total = body.length - (this.objects.get(path)?.length ?? 0)
    for (const { length } of this.objects.values()) total += length
    if (total > this.#maxBytes) return { status: 507, body: 'the store is full' }
    this.objects.set(path, body)
    return { status: 200 }
  }

  #get(path: string): Answer {
    const body = this.objects.get(path)
    return body === undefined ? { status: 404, body: 'no such object' } : { status: 200, body }
  }

  /** The first names in a bucket that begin in some way, one a line. */
  #list(bucket: string, prefix: string): Answer {
    const names = [...this.objects.keys()].filter((path) => path.startsWith(`${bucket}/${prefix}`))
    return {
      status: 200,
      body: names
        .slice(0, PAGE)
        .map((path) => path.slice(bucket.length + 1))
        .join('\n'),
    }
  }
}

function send(response: ServerResponse, method: string, { status, body = '' }: Answer, isCut: boolean): void {
  const bytes = Buffer.from(body)
  if (isCut) {
    response.writeHead(200, { 'content-length': bytes.length + 1 })
    response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy())
    return
  }
  response.writeHead(status, status === 204 ? {} : { 'content-length': bytes.length })
  response.end(method === 'HEAD' || status === 204 ? undefined : bytes)
}
