import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutorLike, Filter, Task, Transformer } from 'taps-sdk'
import { startRedis } from '../../test/servers/redis.ts'
import { type Case, format, median, range, type Table, type Variant, verdict } from '../case.ts'
import { check } from '../measure.ts'
import { type Kind, limitNames, loadExecutor, loadPool, loadTasks, OURS, WORKERS } from '../pools.ts'

const SIZES = [10_000, 100_000, 1_000_000, 10_000_000]
const IN_FLIGHT = 2
const WARM_UP_MS = 500
const LEAST_TRIPS = 14
const LEAST_MS = 1_000

type Bytes = Uint8Array<ArrayBuffer>
type Trip = (bytes: Bytes) => PromiseLike<Bytes>

/** What TaPS takes here for the same, by a process pool, in ms: it is not published as a package, so these figures stand for it. */
const TAPS: Readonly<Record<string, readonly number[]>> = {
  pickled: [1.8, 2.6, 10, 69],
  file: [4.2, 4.2, 4.7, 75],
  Redis: [5.1, 5.8, 12, 112],
}

/** By size, the median of the round trips. */
async function tripsOf(
  trip: Trip,
  allocate = (size: number): Bytes => new Uint8Array(size),
): Promise<Record<string, number>> {
  const figures: Record<string, number> = {}
  for (const size of SIZES) figures[String(size)] = await medianTrip(trip, size, allocate)
  return figures
}

/** @param allocate - makes the bytes that are sent */
async function medianTrip(trip: Trip, size: number, allocate: (size: number) => Bytes): Promise<number> {
  const times: number[] = []
  const start = performance.now() + WARM_UP_MS
  const isEnough = (): boolean => times.length >= LEAST_TRIPS && performance.now() - start > LEAST_MS
  const keepGoing = async (): Promise<void> => {
    // Each its own: an object that two tasks take at the same time is stored once.
    let bytes = allocate(size).fill(65)
    while (!isEnough()) {
      bytes[0] = 65
      const before = performance.now()
      const back = await trip(bytes)
      if (before > start) times.push(performance.now() - before)
      check(back.length, size)
      check(back[0] as number, 66)
      // Moved: what came back goes on.
      if (bytes.length === 0) bytes = back
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, keepGoing))
  return median(times)
}

interface Plane {
  readonly transformer: Transformer | undefined
  readonly stop?: () => unknown
}

/** Round trips through an engine. */
async function ours(kind: Kind, plane: () => Promise<Plane>): Promise<Record<string, number>> {
  const { always, Engine } = await import('taps-sdk')
  const executor = (await loadExecutor(kind))(WORKERS) as ExecutorLike
  const { transformer, stop } = await plane()
  const filter: Filter = always()
  const engine = new Engine(transformer === undefined ? { executor } : { executor, transformer, filter })
  const touch = (await loadTasks()).touch as unknown as Task<[Bytes], Bytes>
  const figures = await tripsOf((bytes) => engine.submit(touch, bytes) as PromiseLike<Bytes>)
  await engine.shutdown()
  await stop?.()
  return figures
}

/** Bytes that change hands, and come back. */
async function moved(): Promise<Record<string, number>> {
  const { move } = (await loadPool('threads', OURS))({ workers: WORKERS, isBinary: true })
  return tripsOf(move as Trip)
}

/** Memory that was shared to begin with. */
async function sharedFromTheStart(): Promise<Record<string, number>> {
  const { Engine } = await import('taps-sdk')
  const engine = new Engine({ executor: (await loadExecutor('threads'))(WORKERS) as ExecutorLike })
  const touch = (await loadTasks()).touch as unknown as Task<[Bytes], Bytes>
  const allocate = (size: number): Bytes => new Uint8Array(new SharedArrayBuffer(size)) as unknown as Bytes
  const figures = await tripsOf((bytes) => engine.submit(touch, bytes) as PromiseLike<Bytes>, allocate)
  await engine.shutdown()
  return figures
}

async function filePlane(): Promise<Plane> {
  const { fileTransformer } = await import('taps-sdk/node')
  const dir = mkdtempSync(join(tmpdir(), 'taps-sdk-bench-'))
  return { transformer: fileTransformer({ dir }), stop: () => rmSync(dir, { recursive: true }) }
}

async function redisPlane(): Promise<Plane> {
  const { proxyTransformer } = await import('taps-sdk')
  const { RedisConnector } = await import('taps-sdk/redis')
  const server = await startRedis()
  const connector = new RedisConnector({ url: server.url })
  // No value is kept at hand: each is read.
  return { transformer: proxyTransformer({ connector, cacheSize: 0 }), stop: () => server.stop() }
}

async function memoryPlane(between: 'threads' | 'processes'): Promise<Plane> {
  const { proxyTransformer } = await import('taps-sdk')
  const { SharedMemoryConnector } = await import('taps-sdk/node')
  return { transformer: proxyTransformer({ connector: new SharedMemoryConnector({ between }), cacheSize: 0 }) }
}

/** The bytes written to a new file, read, written to another and read again, in one process: without a pool, without a task. */
async function fileLimit(): Promise<Record<string, number>> {
  const dir = mkdtempSync(join(tmpdir(), 'taps-sdk-bench-'))
  let next = 0
  const through = (bytes: Bytes): Bytes => {
    const path = join(dir, String(next++))
    writeFileSync(path, bytes)
    return new Uint8Array(readFileSync(path))
  }
  const figures = await tripsOf(async (bytes) => through(touched(through(bytes))))
  rmSync(dir, { recursive: true })
  return figures
}

/** What is used of the package. Its own types are so large that checking them takes as long as checking the rest. */
interface RedisModule {
  readonly RESP_TYPES: { readonly BLOB_STRING: number }
  createClient(options: object): {
    connect(): Promise<unknown>
    set(key: string, value: Buffer): Promise<unknown>
    get(key: string): Promise<unknown>
    close(): Promise<unknown>
  }
}

function loadRedis(): Promise<RedisModule> {
  const name: string = 'redis'
  return import(name)
}

async function redisLimit(): Promise<Record<string, number>> {
  const { createClient, RESP_TYPES } = await loadRedis()
  const server = await startRedis()
  const redis = createClient({ url: server.url, commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } } })
  await redis.connect()
  let next = 0
  const through = async (bytes: Bytes): Promise<Bytes> => {
    const key = String(next++ % 100)
    await redis.set(key, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
    return (await redis.get(key)) as Bytes
  }
  const figures = await tripsOf(async (bytes) => through(touched(await through(bytes))))
  await redis.close()
  await server.stop()
  return figures
}

async function pipeLimit(): Promise<Record<string, number>> {
  const touch = (await loadPool('processes', limitNames.processes))({ workers: 1, isBinary: true }).bind('touch')
  return tripsOf(touch)
}

function touched(bytes: Bytes): Bytes {
  const copy = new Uint8Array(bytes)
  copy[0] = (copy[0] as number) + 1
  return copy
}

const PATHS = [
  { name: 'pickled', ours: async (): Promise<Plane> => ({ transformer: undefined }), limit: 'limit: a bare pipe' },
  { name: 'file', ours: filePlane, limit: 'limit: a bare file' },
  { name: 'Redis', ours: redisPlane, limit: 'limit: bare Redis' },
] as const

const MEMORY = 'shared memory'
const THREADS = [
  { name: 'threads, copied', ours: async (): Promise<Plane> => ({ transformer: undefined }) },
  { name: 'threads, shared memory', ours: () => memoryPlane('threads') },
] as const

const MOVED = 'threads, transferred'
const SHARED = 'threads, a SharedArrayBuffer'

const GOAL = 3
const LIMIT_GOAL = 1.5
const MOST_MS = 2

const variants: ReadonlyMap<string, Variant> = new Map([
  ...PATHS.map((path): [string, Variant] => [path.name, { run: () => ours('processes', path.ours) }]),
  ...THREADS.map((path): [string, Variant] => [path.name, { run: () => ours('threads', path.ours) }]),
  [MOVED, { run: moved }],
  [SHARED, { run: sharedFromTheStart }],
  [MEMORY, { run: () => ours('processes', () => memoryPlane('processes')) }],
  ['limit: a bare pipe', { run: pipeLimit }],
  ['limit: a bare file', { run: fileLimit }],
  ['limit: bare Redis', { run: redisLimit }],
])

const nameOf = (size: number): string => (size < 1_000_000 ? `${size / 1000} kB` : `${size / 1_000_000} MB`)

type FigureOf = Parameters<Case['tables']>[0]

function pathTable(figureOf: FigureOf): Table {
  const rows = PATHS.flatMap(({ name, limit }) =>
    SIZES.map((size, i) => {
      const figure = figureOf(`${name}, ${size}`)
      const bare = figureOf(`${limit}, ${size}`).median
      const taps = TAPS[name]?.[i] as number
      const isReached = figure.median <= taps / GOAL || figure.median <= bare * LIMIT_GOAL
      return [
        `${name}, ${nameOf(size)}`,
        format(figure.median),
        range(figure),
        format(taps),
        `${format(taps / figure.median)} ×`,
        format(bare),
        `${format(figure.median / bare)} ×`,
        verdict(isReached),
      ]
    }),
  )
  return {
    head: [
      'processes',
      'ms',
      'lowest – highest',
      'TaPS',
      'as fast',
      'limit',
      'against it',
      `≥ ${GOAL} ×, or ≤ ${LIMIT_GOAL} ×`,
    ],
    rows,
  }
}

function memoryTable(figureOf: FigureOf): Table {
  const rows = [MEMORY, ...THREADS.map(({ name }) => name), MOVED, SHARED].map((name) => {
    const figures = SIZES.map((size) => figureOf(`${name}, ${size}`))
    const largest = figures.at(-1) as ReturnType<FigureOf>
    return [name, ...figures.map(({ median }) => format(median)), `≤ ${MOST_MS}`, verdict(largest.median <= MOST_MS)]
  })
  return { head: ['ms', ...SIZES.map(nameOf), 'goal for the last', ''], rows }
}

export const dataPlane: Case = {
  name: 'data-plane',
  title: 'Data plane: values of 10 kB to 10 MB there and back',
  about: `ms for a task whose argument and result are a Uint8Array of that size: the median of the round trips, through an engine, ${WORKERS} workers, ${IN_FLIGHT} in flight. By file and Redis every value travels by reference, and is awaited by the client.`,
  variants,
  tables: (figureOf) => [pathTable(figureOf), memoryTable(figureOf)],
}
