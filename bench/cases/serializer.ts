import { isDeepStrictEqual } from 'node:util'
import { type Case, type Figure, format, range, type Table, type Variant, verdict } from '../case.ts'

const RECORDS = 1_000
const BYTES = 10_000_000
const WARM_UP_MS = 500
const LEAST_MS = 1_000
/** How long calls are timed together, where one is too short for the clock. */
const BATCH_MS = 1

/** Writes a value in bytes, in one or several pieces, and reads it again from one. */
interface Serializer {
  write(value: unknown): readonly Uint8Array[]
  read(bytes: Uint8Array): unknown
}

const OURS = 'taps-sdk'
const UNCHECKED = 'taps-sdk, no checksum'
const COPY = 'a plain copy'

const serializers: Readonly<Record<string, () => Promise<Serializer>>> = {
  async [OURS]() {
    const { serialize, deserialize } = await import('taps-sdk')
    return { write: (value) => serialize(value) as readonly Uint8Array[], read: deserialize }
  },
  async [UNCHECKED]() {
    const { serialize, deserialize } = await import('taps-sdk')
    return { write: (value) => serialize(value, { checksum: false }) as readonly Uint8Array[], read: deserialize }
  },
  async superjson() {
    const { default: superjson } = await import('superjson')
    return text(superjson.stringify, superjson.parse)
  },
  async devalue() {
    const { stringify, parse } = await import('devalue')
    return text(stringify, parse)
  },
  async v8() {
    const { serialize, deserialize } = await import('node:v8')
    // What it reads shares the memory of its bytes, if they are aligned; ours, which starts in a buffer, is not.
    return { write: (value) => [serialize(value)], read: deserialize }
  },
  async [COPY]() {
    const copy = (bytes: unknown): Uint8Array => (bytes as Uint8Array).slice()
    return { write: (value) => [copy(value)], read: copy }
  },
}

/** Text becomes bytes, as on every way out of a process. */
function text(write: (value: unknown) => string, read: (text: string) => unknown): Serializer {
  return {
    write: (value) => [Buffer.from(write(value))],
    read: (bytes) => read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()),
  }
}

function record(i: number): object {
  return {
    id: i,
    name: `record ${i}`,
    created: new Date(1_700_000_000_000 + i),
    tags: new Map([
      ['a', i],
      ['b', undefined],
    ]),
    note: undefined,
    score: i / 3,
  }
}

function tree(depth: number): object {
  if (depth === 0) return { id: 7, name: 'a leaf', isLeaf: true, list: [1, 2, 3.5, 'x'] }
  return { name: `level ${depth}`, children: Array.from({ length: 6 }, () => tree(depth - 1)) }
}

interface Group {
  readonly value: () => unknown
  readonly names: readonly string[]
  /** What ours may take at most, against which. */
  readonly goal: number
  readonly base: string
}

const structure = { names: [OURS, 'superjson', 'devalue', 'v8'], goal: 1, base: 'superjson' }

const groups: Readonly<Record<string, Group>> = {
  'small object': { value: () => ({ id: 1, name: 'x', when: new Date(0), tags: ['a', 'b'] }), ...structure },
  'table of 1,000 records with Dates, Maps and undefined': {
    value: () => Array.from({ length: RECORDS }, (_, i) => record(i)),
    ...structure,
  },
  'tree of plain JSON, 500 kB': { value: () => tree(5), ...structure },
  'Uint8Array of 10 MB': {
    value: () => new Uint8Array(BYTES).map((_, i) => i * 7),
    names: [OURS, UNCHECKED, 'devalue', 'v8', COPY],
    goal: 1.5,
    base: COPY,
  },
}

/** The mean time of a call in µs, warm. */
function microseconds(run: () => unknown): number {
  timeFor(WARM_UP_MS, 1, run)
  const batch = Math.ceil(BATCH_MS / timeFor(BATCH_MS, 1, run))
  return timeFor(LEAST_MS, batch, run) * 1_000
}

/** The mean time of a call in ms. */
function timeFor(leastMs: number, batch: number, run: () => unknown): number {
  const start = performance.now()
  let calls = 0
  let ms = 0
  do {
    for (let i = 0; i < batch; i++) run()
    calls += batch
    ms = performance.now() - start
  } while (ms < leastMs)
  return ms / calls
}

async function measure(name: string, value: unknown): Promise<Record<string, number>> {
  const { write, read } = await (serializers[name] as () => Promise<Serializer>)()
  const bytes = new Uint8Array(Buffer.concat(write(value)))
  if (!isDeepStrictEqual(read(bytes), value)) throw new Error(`${name} gives another value`)
  return { write: microseconds(() => write(value)), read: microseconds(() => read(bytes)) }
}

const keyOf = (group: string, name: string): string => `${group}: ${name}`

function tableOf(title: string, { names, goal, base }: Group, figureOf: (name: string) => Figure): Table {
  const figures = (name: string): Figure[] =>
    ['write', 'read'].map((what) => figureOf(`${keyOf(title, name)}, ${what}`))
  const bases = figures(base)
  return {
    head: [
      title,
      'write, µs',
      'lowest – highest',
      `of ${base}`,
      'read, µs',
      'lowest – highest',
      `of ${base}`,
      'goal',
      '',
    ],
    rows: names.map((name) => {
      const ratios = figures(name).map(({ median }, i) => median / (bases[i] as Figure).median)
      const cells = figures(name).flatMap((figure, i) => [
        format(figure.median),
        range(figure),
        `${format(ratios[i] as number)} ×`,
      ])
      const judged = name.startsWith(OURS) ? [`≤ ${goal} ×`, verdict(Math.max(...ratios) <= goal)] : ['', '']
      return [name, ...cells, ...judged]
    }),
  }
}

export const serializer: Case = {
  name: 'serializer',
  title: 'Serializer',
  about:
    'µs to write a value in bytes, and to read it from them, warm. What is text elsewhere becomes bytes too. superjson writes bytes as lists of numbers, and is left out there.',
  variants: new Map(
    Object.entries(groups).flatMap(([title, { names, value }]) =>
      names.map((name): [string, Variant] => [keyOf(title, name), { run: () => measure(name, value()) }]),
    ),
  ),
  tables: (figureOf) => Object.entries(groups).map(([title, group]) => tableOf(title, group, figureOf)),
}
