import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import { checkOptions, oneOf } from '../options.ts'
import { enterPlugin, withRecipe } from '../plugin.ts'
import type { Connector } from './connector.ts'
import { newRun, runOption } from './run.ts'
import { RunFolder } from './run-folder.ts'
import { ThreadMemory } from './thread-memory.ts'
import { ttlOption } from './ttl.ts'

/** Options of {@link SharedMemoryConnector}. */
export interface SharedMemoryConnectorOptions {
  /**
   * Who shares it. `'threads'` of one process share the memory itself: one copy in, none out; `'processes'` of one machine copy
   * in and out, by files that stay in memory.
   * @defaultValue 'processes'
   */
  readonly between?: 'threads' | 'processes' | undefined
  /**
   * The folder, for `'processes'`.
   * @defaultValue `/dev/shm`; where there is none, as on macOS, the one for temporary files, which may be on a disk
   */
  readonly dir?: string | undefined
  /** How long bytes are valid, in ms. @defaultValue until `evict` or `close` */
  readonly ttl?: number | undefined
  /** Shares what another connector stores: the `run` of that one. `close` then removes nothing. @defaultValue a new one */
  readonly run?: string | undefined
}

/** Where connectors of shared memory put their files, unless they are told. */
export function sharedMemoryDir(): string {
  return existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
}

/**
 * Stores bytes in memory that the threads of this process, or all processes of this machine, share.
 *
 * Between threads a key holds the memory, so that keys travel between threads only, never through JSON, and the memory is free
 * when the last key is gone: `close` has nothing to remove. What `get` gives is what the others see; do not change it.
 */
export class SharedMemoryConnector implements Connector {
  /** What tells the keys of this connector from those of others. */
  readonly run: string
  /** Whether `get` gives memory that others see as well: `between: 'threads'`. */
  readonly isSharedMemory: boolean
  /** Whether its bytes go without a checksum: those in a folder of a disk do not. */
  readonly isMemory: boolean
  readonly #isOwner: boolean
  readonly #store: RunFolder | ThreadMemory

  /** @throws ConfigError for a wrong option */
  constructor(options: SharedMemoryConnectorOptions = {}) {
    checkOptions('SharedMemoryConnector', options, {
      between: oneOf("'threads' or 'processes'", (value) => value === 'threads' || value === 'processes'),
      dir: oneOf('the path of a folder', (value) => typeof value === 'string' && value !== ''),
      ttl: ttlOption,
      run: runOption,
    })
    const { between = 'processes', ttl, run = newRun() } = options
    const dir = resolve(options.dir ?? sharedMemoryDir())
    this.run = run
    this.#isOwner = options.run === undefined
    this.isSharedMemory = between === 'threads'
    this.isMemory = this.isSharedMemory || `${dir}/`.startsWith('/dev/shm/')
    this.#store = this.isSharedMemory
      ? new ThreadMemory(run, ttl)
      : new RunFolder({ dir, run, ttl, owner: 'SharedMemoryConnector', mode: 0o700 })
    withRecipe(this, { module: import.meta.url, name: 'SharedMemoryConnector', options: { between, dir, ttl, run } })
  }

  /** Copies the bytes once. @returns between processes a string, between threads what holds the memory */
  put(chunks: readonly Uint8Array[]): unknown {
    return this.#store.put(chunks)
  }

  /**
   * Between threads the memory itself, else a copy; `undefined` if there is none (any more).
   * @throws TransformError for a key of another run
   */
  get(key: unknown): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    return this.#store.get(key)
  }

  /** Whether there are bytes under a key. */
  exists(key: unknown): boolean {
    return this.#store.exists(key)
  }

  /** Between processes frees the memory; between threads the key is void, and the memory is freed with the last key. */
  evict(key: unknown): void {
    this.#store.evict(key)
  }

  /** Frees what the run has stored between processes, if this connector has begun it. */
  close(): void {
    this.#store.close(this.#isOwner)
  }
}

enterPlugin(
  import.meta.url,
  'SharedMemoryConnector',
  (options) => new SharedMemoryConnector(options as SharedMemoryConnectorOptions),
)
