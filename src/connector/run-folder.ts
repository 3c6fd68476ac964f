import * as fs from 'node:fs'
import { join } from 'node:path'
import { TapsError, TransformError } from '../errors.ts'
import { handOver, totalOf } from './chunks.ts'
import { folderError, isMissing, unlessMissing } from './folder-errors.ts'
import { nameOf, newKey, newPart } from './run.ts'

/** Larger files are read in a thread of libuv, so that the event loop goes on; smaller ones take less time than that. */
const LARGE = 1_000_000
/** So many of these are read at once, by few threads anyway: each is open meanwhile, and not many files may be. */
const MOST_OPEN = 32

// Neither a link nor a pipe that somebody put in the place of a file may lead elsewhere, or hold up the process.
const READ = fs.constants.O_RDONLY | (fs.constants.O_NOFOLLOW ?? 0) | (fs.constants.O_NONBLOCK ?? 0)

/** What a {@link RunFolder} is made for. */
export interface RunFolderOptions {
  /** The absolute path of the folder that the folders of runs are in. */
  readonly dir: string
  readonly run: string
  /** The class that stores here, for errors. */
  readonly owner: string
  /** In ms. */
  readonly ttl: number | undefined
  /** Who may use the folder of the run. */
  readonly mode?: number
}

/**
 * A folder of a run, with a folder for each writer, and one file for each key. A file gets its name when it is complete, and
 * never changes again.
 *
 * Files are written synchronously, whatever their size: what is put has to be taken before `put` returns, and to copy it for a
 * thread that writes takes as long as to copy it into the page cache, which is what writing does.
 */
export class RunFolder {
  readonly #options: RunFolderOptions
  readonly #path: string
  /** Processes that create files in one folder wait for each other: each has one of its own. */
  readonly #part: string = newPart()
  #isClosed = false

  constructor(options: RunFolderOptions) {
    this.#options = options
    this.#path = join(options.dir, options.run)
  }

  put(chunks: readonly Uint8Array[]): string {
    if (this.#isClosed) throw new TapsError('ILLEGAL_STATE', `The ${this.#options.owner} is closed: it stores no more`)
    const key = newKey(this.#options.run, this.#part)
    const path = this.#pathOf(key)
    const part = `${path}.part`
    try {
      writeNew(this.#create(part), chunks)
      fs.renameSync(part, path)
    } catch (error) {
      removeQuietly(part)
      throw folderError('write', path, error)
    }
    return key
  }

  get(key: unknown): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    const path = this.#pathOf(key)
    return open < MOST_OPEN ? this.#read(path) : inTurn(() => this.#read(path))
  }

  #read(path: string): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    const file = this.#openFile(path)
    if (file === undefined) return undefined
    const { fd, size } = file
    return size > LARGE ? readLater(fd, size, path) : readNow(fd, size, path)
  }

  exists(key: unknown): boolean {
    const path = this.#pathOf(key)
    try {
      const stats = fs.lstatSync(path, { throwIfNoEntry: false })
      return stats?.isFile() === true && !this.#isExpired(stats)
    } catch (error) {
      throw folderError('read', path, error)
    }
  }

  evict(key: unknown): void {
    const path = this.#pathOf(key)
    try {
      unlessMissing(() => fs.unlinkSync(path))
    } catch (error) {
      throw folderError('remove', path, error)
    }
  }

  /** @param isOwner - whether what is stored goes as well */
  close(isOwner: boolean): void {
    this.#isClosed = true
    if (!isOwner) return
    try {
      unlessMissing(() => fs.rmSync(this.#path, { recursive: true }))
    } catch (error) {
      throw folderError('remove', this.#path, error)
    }
  }

  #pathOf(key: unknown): string {
    return join(this.#path, nameOf(key, this.#options.run, this.#options.owner))
  }

  /** The folder is made when there is something to put into it. */
  #create(path: string): number {
    const create = () => fs.openSync(path, 'wx')
    const fd = unlessMissing(create)
    if (fd !== undefined) return fd
    fs.mkdirSync(this.#options.dir, { recursive: true })
    fs.mkdirSync(join(this.#path, this.#part), { recursive: true, mode: this.#options.mode })
    return create()
  }

  #openFile(path: string): { fd: number; size: number } | undefined {
    const fd = unlessMissing(() => openToRead(path))
    if (fd === undefined) return undefined
    const stats = fs.fstatSync(fd)
    if (stats.isFile() && !this.#isExpired(stats)) return { fd, size: stats.size }
    fs.closeSync(fd)
    if (!stats.isFile()) throw new TransformError(`Cannot read ${path}: it is no file`)
    removeQuietly(path)
    return undefined
  }

  #isExpired({ mtimeMs }: fs.Stats): boolean {
    return mtimeMs + (this.#options.ttl ?? Number.POSITIVE_INFINITY) <= Date.now()
  }
}

function openToRead(path: string): number {
  try {
    return fs.openSync(path, READ)
  } catch (error) {
    if (isMissing(error)) throw error
    throw folderError('read', path, error)
  }
}

/** For what nobody knows of, or is about to be told of. */
function removeQuietly(path: string): void {
  try {
    fs.unlinkSync(path)
  } catch {
    // It is not there, or it will be found by `close`.
  }
}

function writeNew(fd: number, chunks: readonly Uint8Array[]): void {
  try {
    let rest = chunks
    // A disk that is nearly full takes a part, and complains when it is offered the rest.
    for (let left = totalOf(chunks); left > 0; ) {
      const written = fs.writevSync(fd, rest)
      left -= written
      if (left > 0) rest = after(written, rest)
    }
  } finally {
    fs.closeSync(fd)
  }
}

/** What is left of chunks after so many bytes. */
function after(bytes: number, chunks: readonly Uint8Array[]): readonly Uint8Array[] {
  let first = 0
  let skip = bytes
  for (; skip >= (chunks[first] as Uint8Array).byteLength; first++) skip -= (chunks[first] as Uint8Array).byteLength
  return [(chunks[first] as Uint8Array).subarray(skip), ...chunks.slice(first + 1)]
}

function readNow(fd: number, size: number, path: string): Uint8Array {
  try {
    const bytes = newMemory(size)
    for (let read = 0; read < size; ) {
      read += orShortened(fs.readSync(fd, bytes, read, size - read, null))
    }
    return bytes
  } catch (error) {
    throw folderError('read', path, error)
  } finally {
    fs.closeSync(fd)
  }
}

/** How many large files this thread has open to read them, and what waits for that to be fewer. */
let open = 0
const waiting: (() => void)[] = []

async function inTurn<T>(read: () => T): Promise<Awaited<T>> {
  while (open >= MOST_OPEN) await new Promise<void>((goOn) => waiting.push(goOn))
  try {
    return await read()
  } finally {
    // It may have been a small one.
    letNext()
  }
}

function letNext(): void {
  if (open < MOST_OPEN) waiting.shift()?.()
}

async function readLater(fd: number, size: number, path: string): Promise<Uint8Array> {
  open++
  try {
    const bytes = newMemory(size)
    for (let read = 0; read < size; ) {
      read += orShortened(await readSome(fd, bytes, read))
    }
    return bytes
  } catch (error) {
    throw folderError('read', path, error)
  } finally {
    fs.closeSync(fd)
    open--
    letNext()
  }
}

/** Not zeroed, since all of it is read over; never a part of the pool, which others use too. */
function newMemory(size: number): Uint8Array {
  return handOver(Buffer.allocUnsafeSlow(size))
}

function readSome(fd: number, bytes: Uint8Array, offset: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(fd, bytes, offset, bytes.byteLength - offset, null, (error, count) => {
      if (error === null) resolve(count)
      else reject(error)
    })
  })
}

function orShortened(count: number): number {
  if (count === 0) throw new Error('it was shortened while it was read')
  return count
}
