import { MissingPeerError } from '../errors.ts'
import { redisError } from './redis-errors.ts'

/** The name of a command, and its arguments. */
export type Command = readonly (string | Buffer)[]

/** How to reach a server. */
export interface RedisServer {
  readonly url: string
  /** How long it may take to connect, in ms. */
  readonly connectTimeout: number
  /** How long the server may be silent while something is wanted of it, in ms. */
  readonly timeout: number
}

/** What is needed of the package `redis`, whose own types are very large. */
interface RedisModule {
  readonly RESP_TYPES: { readonly BLOB_STRING: number }
  readonly SocketTimeoutError: new () => Error
  createClient(options: object): RedisClient
}

interface RedisClient {
  connect(): Promise<unknown>
  sendCommand(command: Command): Promise<unknown>
  on(event: 'error', listener: (error: Error) => void): unknown
  ref(): void
  unref(): void
  destroy(): void
}

interface Connected {
  readonly client: RedisClient
  /** Whether it was closed by the other side. */
  isClosed: boolean
}

/**
 * A connection that is made when something is sent, and made again after it was lost. Nothing is tried again and again: what
 * cannot be sent fails. All that is sent has to be such that it may be done twice.
 */
export class RedisConnection {
  /** Host and port. */
  readonly place: string
  readonly #server: RedisServer
  #connecting: Promise<Connected> | undefined
  #client: RedisClient | undefined
  /** How many senders the program has to stay alive for. */
  #waiting = 0
  #isClosed = false

  constructor(server: RedisServer) {
    const { hostname, port } = new URL(server.url)
    this.place = `${hostname}:${port || 6379}`
    this.#server = server
  }

  /** Sends commands at once, in this order. @returns their answers; texts are Buffers @throws TransformError */
  async send(...commands: readonly Command[]): Promise<unknown[]> {
    this.#hold(1)
    try {
      return await this.#sendTwice(commands)
    } catch (error) {
      throw error instanceof MissingPeerError ? error : redisError(this.place, error)
    } finally {
      this.#hold(-1)
    }
  }

  /** Like {@link send}, for what is not worth staying alive for. */
  async sendInBackground(...commands: readonly Command[]): Promise<void> {
    const { client } = await this.#open()
    await sendAll(client, commands)
  }

  /** What is sent and not yet answered fails. */
  close(): void {
    this.#isClosed = true
    this.#connecting = undefined
    this.#client?.destroy()
    this.#client = undefined
  }

  /** A server may have closed a connection that has been idle, without our knowing yet: then a new one is worth a try. */
  async #sendTwice(commands: readonly Command[]): Promise<unknown[]> {
    const connected = await this.#open()
    try {
      return await sendAll(connected.client, commands)
    } catch (error) {
      if (!connected.isClosed) throw error
    }
    return await sendAll((await this.#open()).client, commands)
  }

  #open(): Promise<Connected> {
    if (this.#connecting !== undefined) return this.#connecting
    const connecting = this.#connect(() => {
      if (this.#connecting === connecting) this.#connecting = undefined
    })
    this.#connecting = connecting
    connecting.catch(() => {})
    return connecting
  }

  async #connect(forget: () => void): Promise<Connected> {
    try {
      const redis = await loadRedis()
      if (this.#isClosed) throw new Error('the connector was closed')
      const client = createClient(redis, this.#server)
      const connected = { client, isClosed: false }
      client.on('error', (error) => {
        connected.isClosed = !(error instanceof redis.SocketTimeoutError)
        forget()
      })
      this.#client = client
      this.#hold(0)
      await within(this.#server.connectTimeout, client.connect())
      return connected
    } catch (error) {
      forget()
      this.#client?.destroy()
      throw error
    }
  }

  #hold(change: number): void {
    this.#waiting += change
    if (this.#waiting > 0) this.#client?.ref()
    else this.#client?.unref()
  }
}

function sendAll(client: RedisClient, commands: readonly Command[]): Promise<unknown[]> {
  return Promise.all(commands.map((command) => client.sendCommand(command)))
}

async function loadRedis(): Promise<RedisModule> {
  try {
    return (await import('redis')) as unknown as RedisModule
  } catch (cause) {
    throw new MissingPeerError('RedisConnector needs the package redis: install it with `npm install redis`', { cause })
  }
}

function createClient(redis: RedisModule, { url, connectTimeout, timeout }: RedisServer): RedisClient {
  return redis.createClient({
    url,
    // Of version 3 there is nothing that we use, and servers older than 6 do not know it.
    RESP: 2,
    disableClientInfo: true,
    socket: { connectTimeout, socketTimeout: timeout, reconnectStrategy: false },
    // The timeout of the package counts from the call: large values on a slow line would run into it.
    commandOptions: { timeout: undefined, typeMapping: { [redis.RESP_TYPES.BLOB_STRING]: Buffer } },
  })
}

/** The package limits the time of each step; this limits all of them, up to the login. */
function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no connection after ${ms} ms`)), ms)
    timer.unref()
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
