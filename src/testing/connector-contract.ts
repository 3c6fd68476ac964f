import type { Connector } from '../connector/connector.ts'
import { type Clauses, declareClauses, madeByWorker } from './clauses.ts'
import type { ContractRunner } from './executor-contract.ts'

/** How to test one connector. */
export interface ConnectorContractOptions {
  /** A new connector, with nothing stored. The suite closes it. */
  readonly create: () => Connector | Promise<Connector>
  /** Clauses that cannot hold for it, by name, each with the reason. */
  readonly exempt?: Readonly<Record<string, string>> | undefined
}

interface Bench {
  readonly connector: Connector
  readonly expect: ContractRunner['expect']
  /** Another copy, as a worker makes it for itself. */
  copy(): Promise<Connector>
}

const encoder = new TextEncoder()

/** One clause for each promise of the contract; see `Connector`. */
const CLAUSES: Clauses<Bench> = {
  'what is put can be got, any number of times': async ({ connector, expect }) => {
    const key = await connector.put([bytesOf('hello')])
    expect(await read(connector, key)).toBe('hello')
    expect(await read(connector, key)).toBe('hello')
  },
  'chunks belong together, in their order': async ({ connector, expect }) => {
    const key = await connector.put(['a', '', 'bc', '', 'd'].map(bytesOf))
    expect(await read(connector, key)).toBe('abcd')
  },
  'many chunks are like one': async ({ connector, expect }) => {
    const chunks = Array.from({ length: 3_000 }, (_, i) => `${i};`)
    const key = await connector.put(chunks.map(bytesOf))
    expect(await read(connector, key)).toBe(chunks.join(''))
  },
  'no bytes are something too': async ({ connector, expect }) => {
    for (const chunks of [[], [new Uint8Array()], [new Uint8Array(), new Uint8Array()]]) {
      const key = await connector.put(chunks)
      expect(await connector.exists(key)).toBe(true)
      expect((await connector.get(key))?.byteLength).toBe(0)
    }
  },
  'a part of a larger piece of memory is stored alone': async ({ connector, expect }) => {
    const key = await connector.put([bytesOf('before, inside, after').subarray(8, 14)])
    expect(await read(connector, key)).toBe('inside')
  },
  'every byte is kept, in small values and in large ones': async ({ connector, expect }) => {
    for (const size of [256, 100_000, 1_000_000, 3_000_000]) {
      const bytes = pattern(size)
      const key = await connector.put([bytes.subarray(0, 100), bytes.subarray(100)])
      expect(firstDifference(await connector.get(key), bytes)).toBe(-1)
    }
  },
  'what is done to chunks after put has returned changes nothing': async ({ connector, expect }) => {
    for (const size of [10, 2_000_000]) {
      const bytes = pattern(size)
      const putting = connector.put([bytes])
      bytes.fill(0)
      expect(firstDifference(await connector.get(await putting), pattern(size))).toBe(-1)
    }
  },
  'what is done to bytes that were got changes nothing': async ({ connector, expect }) => {
    const key = await connector.put([bytesOf('hello')])
    ;(await connector.get(key))?.fill(0)
    expect(await read(connector, key)).toBe('hello')
  },
  'a key fits into JSON': async ({ connector, expect }) => {
    const key = await connector.put([bytesOf('hello')])
    expect(await read(connector, JSON.parse(JSON.stringify(key)))).toBe('hello')
  },
  'each put gives a key of its own': async ({ connector, expect }) => {
    const keys = [await connector.put([bytesOf('same')]), await connector.put([bytesOf('same')])]
    await connector.evict(keys[0])
    expect(await connector.exists(keys[0])).toBe(false)
    expect(await read(connector, keys[1])).toBe('same')
  },
  'what is evicted is there no more': async ({ connector, expect }) => {
    const key = await connector.put([bytesOf('hello')])
    expect(await connector.exists(key)).toBe(true)
    await connector.evict(key)
    expect(await connector.exists(key)).toBe(false)
    expect(await connector.get(key)).toBe(undefined)
  },
  'evicting twice does nothing': async ({ connector, expect }) => {
    const key = await connector.put([bytesOf('hello')])
    await connector.evict(key)
    await connector.evict(key)
    expect(await connector.exists(key)).toBe(false)
  },
  'many at once do not disturb each other': async ({ connector, expect }) => {
    const texts = Array.from({ length: 50 }, (_, i) => `${i} `.repeat(i * 100))
    const keys = await Promise.all(texts.map((text) => connector.put([bytesOf(text)])))
    const found = await Promise.all(keys.map((key) => read(connector, key)))
    expect(found.findIndex((text, i) => text !== texts[i])).toBe(-1)
    expect(found.length).toBe(50)
  },
  'what is no key of its own is refused': async ({ connector, expect }) => {
    for (const key of [undefined, null, 7, '', 'nonsense', '../../etc/passwd', '/etc/passwd', {}, [], { memory: 1 }]) {
      expect([key, (await outcome(async () => connector.get(key))) instanceof Error]).toEqual([key, true])
      expect([key, (await outcome(async () => connector.exists(key))) instanceof Error]).toEqual([key, true])
      expect([key, (await outcome(async () => connector.evict(key))) instanceof Error]).toEqual([key, true])
    }
  },
  'a copy that is made from its recipe sees the same bytes': async ({ connector, expect, copy }) => {
    const other = await copy()
    const here = await connector.put([bytesOf('from here')])
    const there = await other.put([bytesOf('from there')])
    expect(await read(other, here)).toBe('from here')
    expect(await read(connector, there)).toBe('from there')
    await other.evict(here)
    expect(await connector.exists(here)).toBe(false)
  },
  'a copy leaves everything where it is when it is closed': async ({ connector, expect, copy }) => {
    const other = await copy()
    const keys = [await connector.put([bytesOf('one')]), await other.put([bytesOf('two')])]
    await other.close?.()
    expect([await read(connector, keys[0]), await read(connector, keys[1])]).toEqual(['one', 'two'])
  },
  'close removes everything, also what copies have put': async ({ connector, expect, copy }) => {
    const [other, third] = [await copy(), await copy()]
    const keys = [await connector.put([bytesOf('one')]), await other.put([bytesOf('two')])]
    await connector.close?.()
    expect([await third.exists(keys[0]), await third.exists(keys[1])]).toEqual([false, false])
  },
  'what is closed takes nothing more': async ({ connector, expect }) => {
    await connector.put([bytesOf('hello')])
    await connector.close?.()
    expect((await outcome(async () => connector.put([bytesOf('late')]))) instanceof Error).toBe(true)
  },
  'close may be called twice, and with nothing stored': async ({ connector }) => {
    await connector.close?.()
    await connector.close?.()
  },
}

/**
 * The tests that every connector has to pass. Call it in a test file, once for each connector.
 *
 * @example
 * ```ts
 * describe('bucket', () => connectorContract({ test, expect }, { create: () => bucket({ url }) }))
 * ```
 */
export function connectorContract(runner: ContractRunner, options: ConnectorContractOptions): void {
  const { create, exempt = {} } = options
  declareClauses('connector', CLAUSES, runner, exempt, async (clause) => {
    const connector = await create()
    const copies: Connector[] = []
    const copy = async (): Promise<Connector> => {
      const made = await madeByWorker(connector, 'connector')
      copies.push(made)
      return made
    }
    try {
      await clause({ connector, expect: runner.expect, copy })
    } finally {
      for (const each of [...copies, connector]) await each.close?.()
    }
  })
}

function bytesOf(text: string): Uint8Array {
  return encoder.encode(text)
}

/** @returns undefined if there is nothing */
async function read(connector: Connector, key: unknown): Promise<string | undefined> {
  const bytes = await connector.get(key)
  // Not all decoders take memory that is shared.
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes.slice())
}

/** Bytes that differ from themselves when they are moved by any distance below 251, or by one that disks and pipes like. */
function pattern(size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let i = 0; i < size; i++) bytes[i] = (i % 251) + ((i >> 16) % 5)
  return bytes
}

/** @returns -1 if they are the same, -2 if their sizes are not */
function firstDifference(found: Uint8Array | undefined, wanted: Uint8Array): number {
  if (found?.byteLength !== wanted.byteLength) return -2
  for (let i = 0; i < wanted.byteLength; i++) if (found[i] !== wanted[i]) return i
  return -1
}

/** What it throws or rejects with; undefined if it does not. */
async function outcome(action: () => Promise<unknown>): Promise<unknown> {
  try {
    await action()
    return undefined
  } catch (error) {
    return error
  }
}
