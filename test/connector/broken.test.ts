/** Each clause of the contract is seen to fail once: on a connector that breaks one promise. */
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { type Connector, defineConnector } from '../../src/connector/connector.ts'
import { connectorContract } from '../../src/testing/connector-contract.ts'

type Breakage = (connector: Connector & Inside) => Partial<Connector>

interface Inside {
  readonly map: Map<unknown, Uint8Array>
  isClosed: boolean
  readonly isCopy: boolean
}

const stores: Map<string, Map<unknown, Uint8Array>> = new Map()
let breakage: Breakage | undefined

/** One that keeps all promises, but for those that a breakage takes away. */
const breakable = defineConnector<{ store: string }>({
  name: 'breakable',
  module: import.meta.url,
  create({ store }) {
    const isCopy = stores.has(store)
    const map = stores.get(store) ?? new Map<unknown, Uint8Array>()
    stores.set(store, map)
    const own = (key: unknown): unknown => {
      if (typeof key === 'string' && key.startsWith('key ')) return key
      throw new Error('no key')
    }
    const sound: Connector & Inside = {
      map,
      isCopy,
      isClosed: false,
      put(chunks) {
        if (sound.isClosed) throw new Error('closed')
        const key = `key ${randomUUID()}`
        map.set(key, new Uint8Array(Buffer.concat(chunks)))
        return key
      },
      get: (key) => map.get(own(key))?.slice(),
      exists: (key) => map.has(own(key)),
      evict: (key) => map.delete(own(key)),
      close() {
        sound.isClosed = true
        if (!isCopy) map.clear()
      },
    }
    const sane = { ...sound }
    return Object.assign(sound, breakage?.(Object.assign(sane, { map, isCopy })))
  },
})

const never = (): never => {
  throw new Error('broken')
}

/** What is broken, and the clauses that have to notice it; others may notice it too. */
const BREAKAGES: Readonly<Record<string, readonly [Breakage, ...string[]]>> = {
  'get forgets after the first time': [
    ({ map }) => ({
      get: (key) => {
        const bytes = map.get(key)
        map.delete(key)
        return bytes
      },
    }),
    'what is put can be got, any number of times',
  ],
  'chunks in reverse': [
    ({ put }) => ({ put: (chunks) => put([...chunks].reverse()) }),
    'chunks belong together, in their order',
    'many chunks are like one',
    'every byte is kept, in small values and in large ones',
  ],
  'only 1,024 chunks': [({ put }) => ({ put: (chunks) => put(chunks.slice(0, 1_024)) }), 'many chunks are like one'],
  'nothing for no bytes': [
    ({ map }) => ({ get: (key) => (map.get(key)?.byteLength ? map.get(key)?.slice() : undefined) }),
    'no bytes are something too',
  ],
  'the whole buffer of a view': [
    ({ put }) => ({ put: (chunks) => put(chunks.map(({ buffer }) => new Uint8Array(buffer))) }),
    'a part of a larger piece of memory is stored alone',
  ],
  'a limit of 2 MB': [
    ({ put }) => ({ put: (chunks) => put([Buffer.concat(chunks).subarray(0, 2_000_000)]) }),
    'every byte is kept, in small values and in large ones',
  ],
  'chunks are read later': [
    ({ put }) => ({
      async put(chunks) {
        await null
        return put(chunks)
      },
    }),
    'what is done to chunks after put has returned changes nothing',
  ],
  'get gives the store itself': [
    ({ map }) => ({ get: (key) => map.get(key) }),
    'what is done to bytes that were got changes nothing',
  ],
  'keys are objects': [
    ({ map }) => ({
      put(chunks) {
        const key = { unique: Symbol() }
        map.set(key, new Uint8Array(Buffer.concat(chunks)))
        return key
      },
      get: (key) => map.get(key),
    }),
    'a key fits into JSON',
  ],
  'keys are made of the bytes': [
    ({ map }) => ({
      put(chunks) {
        const key = `key ${Buffer.concat(chunks).toString('base64').slice(0, 40)}`
        map.set(key, new Uint8Array(Buffer.concat(chunks)))
        return key
      },
    }),
    'each put gives a key of its own',
  ],
  'puts get mixed up': [
    ({ put }) => {
      let last: readonly Uint8Array[] = []
      return {
        async put(chunks) {
          last = chunks
          await null
          return put(last)
        },
      }
    },
    'many at once do not disturb each other',
  ],
  'evict does nothing': [
    () => ({ evict: () => {} }),
    'what is evicted is there no more',
    'evicting twice does nothing',
    'a copy that is made from its recipe sees the same bytes',
  ],
  'evict wants something to evict': [
    ({ map }) => ({ evict: (key) => (map.delete(key) ? undefined : never()) }),
    'evicting twice does nothing',
  ],
  'any key will do': [
    ({ map }) => ({ get: (key) => map.get(key), exists: (key) => map.has(key), evict: (key) => map.delete(key) }),
    'what is no key of its own is refused',
  ],
  'a copy sees nothing': [
    ({ isCopy }) => (isCopy ? { get: () => undefined } : {}),
    'a copy that is made from its recipe sees the same bytes',
  ],
  'a copy removes everything': [
    ({ map }) => ({ close: () => map.clear() }),
    'a copy leaves everything where it is when it is closed',
    'what is closed takes nothing more',
  ],
  'close does nothing': [
    () => ({ close: () => {} }),
    'close removes everything, also what copies have put',
    'what is closed takes nothing more',
  ],
  'close wants something to close': [
    ({ map }) => ({ close: () => (map.size === 0 ? never() : map.clear()) }),
    'close may be called twice, and with nothing stored',
  ],
}

async function failingClauses(): Promise<string[]> {
  const clauses = new Map<string, () => Promise<void>>()
  const runner = { test: (name: string, fn: () => Promise<void>) => clauses.set(name, fn), expect }
  connectorContract(runner, { create: () => breakable({ store: randomUUID() }) })
  const failing: string[] = []
  for (const [name, clause] of clauses) await clause().catch(() => failing.push(name))
  return failing
}

test('a connector that keeps its promises passes', async () => {
  breakage = undefined
  expect(await failingClauses()).toEqual([])
})

test.each(Object.entries(BREAKAGES))('the contract notices: %s', async (_, [breaks, ...clauses]) => {
  breakage = breaks
  expect(await failingClauses()).toEqual(expect.arrayContaining(clauses))
})

test('every clause is seen to fail', () => {
  const all: string[] = []
  connectorContract({ test: (name) => all.push(name), expect }, { create: never })
  const noticed = new Set(Object.values(BREAKAGES).flatMap(([, ...clauses]) => clauses))
  expect(all.filter((name) => !noticed.has(name))).toEqual([])
})

test.each(['nonsense', 'toString'])('an exemption from a clause that does not exist is refused: %s', (name) => {
  expect(() => connectorContract({ test, expect }, { create: never, exempt: { [name]: 'why not' } })).toThrow(
    `no clause "${name}"`,
  )
})
