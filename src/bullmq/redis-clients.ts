import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigError, TapsError } from '../errors.ts'
import type { QueuePlace } from './options.ts'
import type { Packages, RawClient } from './packages.ts'

/** A command and its arguments. */
export type Command = readonly (string | Buffer)[]

/** Told of a server that goes and comes back. */
export interface ClientsListener {
  /** It answers again. */
  back(): void
  /** It has been away for too long. */
  gone(error: unknown): void
}

/** Milliseconds between attempts to reach the server again: first, and at the most. */
const [FIRST_DELAY, LONGEST_DELAY] = [50, 1_000]

/** All connections of a program to a queue: BullMQ makes copies of the first one. */
export class RedisClients {
  /** Host and port. */
  readonly place: string
  /** For commands that do not block. */
  readonly main: RawClient
  readonly #all: Set<RawClient> = new Set()
  readonly #place: QueuePlace
  readonly #listener: ClientsListener
  readonly #asBytes: object
  #isHeld = true
  #isConnected = false
  #isClosed = false
  /** Ends an attempt to connect. */
  #giveUp: (error: Error) => void = () => {}
  #lastError: unknown
  #away: ReturnType<typeof setTimeout> | undefined = undefined

  constructor({ redis }: Packages, place: QueuePlace, listener: ClientsListener) {
    this.#place = place
    this.#listener = listener
    this.place = placeOf(place.url)
    this.#asBytes = { typeMapping: { [redis.RESP_TYPES.BLOB_STRING]: Buffer } }
    const reconnectStrategy = (tries: number): number => Math.min(FIRST_DELAY * 2 ** tries, LONGEST_DELAY)
    // Of version 3 of the protocol there is nothing that we use, and servers older than 6 do not know it.
    const socket = { connectTimeout: 5_000, reconnectStrategy }
    this.main = this.#track(redis.createClient({ url: place.url, RESP: 2, disableClientInfo: true, socket }))
    this.main.on('ready', () => this.#ready())
    this.main.on('reconnecting', () => this.#lost())
  }

  /** @throws TapsError that names host and port, if the server does not answer in time */
  async connect(): Promise<void> {
    const { connectTimeout } = this.#place
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      if (connectTimeout === Infinity) return
      timer = setTimeout(() => reject(this.#unreachable('cannot be reached', connectTimeout)), connectTimeout)
    })
    try {
      // Without a password the server is silent until it is asked for something.
      const answered = this.main.connect().then(() => this.send('PING'))
      await Promise.race([answered, late, this.#refused(), this.#givenUp()])
    } catch (error) {
      this.close()
      if (isRefusal(error)) throw this.#refusal(error)
      throw error instanceof TapsError ? error : this.#unreachable('cannot be used', 0, error)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Rejects if the server does not let us in: then it is no use to try again. */
  #refused(): Promise<never> {
    return new Promise((_, reject) => {
      this.main.on('error', (error) => isRefusal(error) && reject(error))
    })
  }

  /** Rejects when it is closed meanwhile: the server may never answer. */
  #givenUp(): Promise<never> {
    return new Promise((_, reject) => {
      this.#giveUp = reject
    })
  }

  #refusal(cause: Error): ConfigError {
    return new ConfigError(
      `Redis at ${this.place} refuses the connection (${cause.message}): are user and password in connection right?`,
      { cause },
    )
  }

  /** What is wrong, with host and port. */
  errorOf(error: unknown): unknown {
    return isConnectionError(error) ? this.#unreachable('cannot be used', 0, error) : error
  }

  /** Sends a command; texts of the answer are Buffers. */
  bytes(command: Command): Promise<unknown> {
    return this.main.sendCommand(command, this.#asBytes)
  }

  /** Sends a command that may wait until the server is back. */
  send(...command: Command): Promise<unknown> {
    return this.main.sendCommand(command)
  }

  /** Sends commands between which the server does nothing else: all of them, or none. */
  async together(commands: readonly Command[]): Promise<void> {
    const multi = this.main.multi()
    for (const command of commands) multi.addCommand(command)
    await multi.exec()
  }

  /** For what is not worth waiting for. */
  tell(...command: Command): void {
    if (this.main.isReady) this.main.sendCommand(command).catch(() => {})
  }

  /** Does something that may be done twice, until the server has answered. */
  async persistently<T>(act: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await act()
      } catch (error) {
        if (this.#isClosed || !isConnectionError(error)) throw error
        await sleep(AGAIN)
      }
    }
  }

  /** One more connection. */
  copy(): RawClient {
    return this.main.duplicate()
  }

  /** Whether the program has to stay alive for them. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
    for (const client of this.#all) setHold(client, isHeld)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    clearTimeout(this.#away)
    this.#giveUp(
      new TapsError('ILLEGAL_STATE', `The connection to Redis at ${this.place} was closed before it was there`),
    )
    for (const client of this.#all) {
      try {
        client.destroy()
      } catch {
        // It never was open.
      }
    }
  }

  #track(client: RawClient): RawClient {
    this.#all.add(client)
    setHold(client, this.#isHeld)
    // Without a listener an error would end the program. What fails is tried again.
    client.on('error', (error) => {
      this.#lastError = error
    })
    // One that is closed while it connects is connected all the same.
    client.on('ready', () => this.#isClosed && client.destroy())
    const [duplicate, evalSha] = [client.duplicate.bind(client), client.evalSha.bind(client)]
    client.duplicate = (options) => this.#track(duplicate(options))
    // BullMQ does again what failed because the server was away, but knows only this message. Else what has run would fail.
    client.evalSha = (...args) =>
      evalSha(...args).catch((error) => {
        throw isConnectionError(error) ? new Error('Connection is closed.', { cause: error }) : error
      })
    return client
  }

  #ready(): void {
    clearTimeout(this.#away)
    this.#away = undefined
    if (this.#isConnected) this.#listener.back()
    this.#isConnected = true
  }

  #lost(): void {
    const { reconnectTimeout } = this.#place
    if (!this.#isConnected || this.#isClosed || this.#away !== undefined || reconnectTimeout === Infinity) return
    const gone = (): void => this.#listener.gone(this.#unreachable('has been away', reconnectTimeout))
    this.#away = setTimeout(gone, reconnectTimeout)
  }

  #unreachable(what: string, ms: number, cause: unknown = this.#lastError): TapsError {
    const time = ms > 0 ? ` for ${ms} ms` : ''
    const message = `Redis at ${this.place} ${what}${time}${reasonOf(cause)}: is it running, and is the address in connection right?`
    return new TapsError('ILLEGAL_STATE', message, { cause })
  }
}

/** Whether the server wants another user, or another password. */
function isRefusal(error: unknown): error is Error {
  return error instanceof Error && /^(WRONGPASS|NOAUTH|NOPERM|ERR AUTH|ERR invalid password)/.test(error.message)
}

/** Whether the server was not reached, or is not ready: then it may be done or not, and is worth another attempt. */
export function isConnectionError(error: unknown): boolean {
  const { name = '', message = '', code = '' } = (error ?? {}) as { name?: string; message?: string; code?: string }
  return (
    /closed|ECONN|EPIPE|ETIMEDOUT|disconnect/i.test(`${name} ${message} ${code}`) ||
    /^(LOADING|MASTERDOWN) /.test(message)
  )
}

/** Milliseconds between two attempts. */
const AGAIN = 100

function setHold(client: RawClient, isHeld: boolean): void {
  if (isHeld) client.ref()
  else client.unref()
}

function reasonOf(cause: unknown): string {
  const { code, message } = (cause ?? {}) as { code?: unknown; message?: unknown }
  const reason = typeof code === 'string' ? code : message
  return reason === undefined || reason === '' ? '' : ` (${String(reason)})`
}

function placeOf(url: string): string {
  const { hostname, port } = new URL(url)
  return `${hostname}:${port || 6379}`
}
