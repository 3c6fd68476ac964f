import { resolve } from 'node:path'
import { ConfigError } from '../errors.ts'
import { checkOptions, oneOf } from '../options.ts'
import { enterPlugin, withRecipe } from '../plugin.ts'
import type { Connector } from './connector.ts'
import { newRun, runOption } from './run.ts'
import { RunFolder } from './run-folder.ts'
import { ttlOption } from './ttl.ts'

/** Options of {@link FileConnector}. */
export interface FileConnectorOptions {
  /** The folder; made when something is stored. For workers on other machines, one on a file system that all share. */
  readonly dir: string
  /** Whether files stay, to be inspected: none is evicted before its time, and `close` leaves them where they are. @defaultValue false */
  readonly keep?: boolean | undefined
  /** How long a file is valid, in ms after it was written. @defaultValue until `evict` or `close` */
  readonly ttl?: number | undefined
  /**
   * Reads and adds to what another connector stores, or did with `keep`: the `run` of that one. `close` then removes nothing.
   * @defaultValue a new one
   */
  readonly run?: string | undefined
}

/**
 * Stores bytes in files: `dir/<run>/<part>/<uuid>`, with a part for each process that writes. A file is there when it is complete.
 * Keys are strings, valid in this run only.
 * What goes wrong is told by a `TransformError` that names the path.
 */
export class FileConnector implements Connector {
  /** The name of the folder in `dir` that is this connector's own. */
  readonly run: string
  /** Whether what is stored is kept. */
  readonly keep: boolean
  readonly #isOwner: boolean
  readonly #folder: RunFolder

  /** @throws ConfigError for a wrong option */
  constructor(options: FileConnectorOptions) {
    checkOptions('FileConnector', options, {
      dir: oneOf('the path of a folder', (value) => typeof value === 'string' && value !== ''),
      keep: oneOf('true or false', (value) => typeof value === 'boolean'),
      ttl: ttlOption,
      run: runOption,
    })
    if (options.dir === undefined) throw new ConfigError('FileConnector takes { dir }, the path of a folder')
    const { keep = false, ttl, run = newRun() } = options
    // Workers may have another working directory.
    const dir = resolve(options.dir)
    this.run = run
    this.keep = keep
    this.#isOwner = options.run === undefined && !keep
    this.#folder = new RunFolder({ dir, run, ttl, owner: 'FileConnector' })
    withRecipe(this, { module: import.meta.url, name: 'FileConnector', options: { dir, ttl, run } })
  }

  /**
   * Writes a file, whole or not at all.
   * @returns `<run>/<part>/<uuid>`
   * @throws TransformError if that fails, TapsError after `close`
   */
  put(chunks: readonly Uint8Array[]): string {
    return this.#folder.put(chunks)
  }

  /**
   * What the file holds; a promise if it is large. `undefined` if there is none (any more).
   * @throws TransformError for a key of another run
   */
  get(key: unknown): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    return this.#folder.get(key)
  }

  /** Whether there is a file that has not expired. */
  exists(key: unknown): boolean {
    return this.#folder.exists(key)
  }

  /** Removes the file, if it is there. */
  evict(key: unknown): void {
    this.#folder.evict(key)
  }

  /** Removes the folder of the run, if this connector has begun it and is not to keep it. */
  close(): void {
    this.#folder.close(this.#isOwner)
  }
}

enterPlugin(import.meta.url, 'FileConnector', (options) => new FileConnector(options as FileConnectorOptions))
