import type * as BullMQ from 'bullmq'
import { MissingPeerError } from '../errors.ts'

/** What is needed of the package `redis`, whose own types are very large. */
interface RedisModule {
  readonly RESP_TYPES: { readonly BLOB_STRING: number }
  createClient(options: object): RawClient
}

/** Commands that go together. */
interface RawMulti {
  addCommand(command: readonly (string | Buffer)[]): unknown
  exec(): Promise<unknown>
}

/** A connection of that package. */
export interface RawClient {
  readonly isReady: boolean
  readonly isOpen: boolean
  connect(): Promise<unknown>
  multi(): RawMulti
  sendCommand(command: readonly (string | Buffer)[], options?: object): Promise<unknown>
  evalSha(...args: readonly unknown[]): Promise<unknown>
  subscribe(channels: string, listener: (message: Buffer) => void, isBuffer: true): Promise<void>
  unsubscribe(channels: string): Promise<void>
  on(event: 'error' | 'ready' | 'reconnecting' | 'end', listener: (error: Error) => void): unknown
  duplicate(options?: object): RawClient
  ref(): void
  unref(): void
  destroy(): void
}

/** The two packages that the queue needs. */
export interface Packages {
  readonly bullmq: typeof BullMQ
  readonly redis: RedisModule
}

/** Loads them, when the queue is first used. @throws MissingPeerError */
export async function loadPackages(owner: string): Promise<Packages> {
  const [bullmq, redis] = await Promise.all([
    load(owner, 'bullmq', () => import('bullmq')),
    load(owner, 'redis', () => import('redis')),
  ])
  return { bullmq: bullmq as typeof BullMQ, redis: redis as unknown as RedisModule }
}

async function load(owner: string, name: string, load: () => Promise<object>): Promise<object> {
  try {
    return await load()
  } catch (cause) {
    throw new MissingPeerError(
      `${owner} needs the packages bullmq and redis, and ${name} could not be loaded: install them with \`npm install bullmq redis\``,
      { cause },
    )
  }
}
