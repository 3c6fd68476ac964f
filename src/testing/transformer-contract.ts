import { extract } from '../transformer/lazy.ts'
import type { Transformer } from '../transformer/transformer.ts'
import { type Clauses, declareClauses, madeByWorker, ordinaryValues } from './clauses.ts'
import type { ContractRunner } from './executor-contract.ts'

/** How to test one transformer. */
export interface TransformerContractOptions {
  /** A new transformer. The suite closes it. */
  readonly create: () => Transformer | Promise<Transformer>
  /** Values that it has to carry, made anew by each call. @defaultValue values of all kinds that tasks take and give */
  readonly values?: (() => readonly unknown[]) | undefined
  /** Clauses that cannot hold for it, by name, each with the reason. */
  readonly exempt?: Readonly<Record<string, string>> | undefined
}

interface Bench extends Pick<ContractRunner, 'expect'> {
  readonly transformer: Transformer
  /** Another one, which the suite closes as well. */
  another(): Promise<Transformer>
  values(): readonly unknown[]
}

/** Something that nothing has made, in the shape of an identifier. */
const FOREIGN: readonly unknown[] = [undefined, null, 0, 'identifier', [], {}, { id: 1 }, new Uint8Array(3)]

const LATER = { list: [1, 2, 3], bytes: new Uint8Array([1, 2, 3]) }

/** One clause for each promise of the contract; see `Transformer`. */
const CLAUSES: Clauses<Bench> = {
  'every value comes back as it was': async ({ transformer, expect, values }) => {
    for (const value of values()) {
      const resolved = await resolve(transformer, await transformer.transform(value))
      expect([resolved]).toEqual([value])
    }
  },
  'an identifier is told from all else': async ({ transformer, expect, values }) => {
    for (const value of values()) {
      expect(transformer.isIdentifier(await transformer.transform(value))).toBe(true)
      expect(transformer.isIdentifier(value)).toBe(false)
    }
    for (const value of [...ordinaryValues(), ...FOREIGN]) expect(transformer.isIdentifier(value)).toBe(false)
  },
  'asked whether a hostile object is an identifier, it does not throw': ({ transformer, expect }) => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    expect(transformer.isIdentifier(proxy)).toBe(false)
  },
  'an identifier is not the value': async ({ transformer, expect, values }) => {
    for (const value of values()) expect(Object.is(await transformer.transform(value), value)).toBe(false)
  },
  'an identifier survives structured clone': async ({ transformer, expect }) => {
    const identifier = structuredClone(await transformer.transform('value'))
    expect(transformer.isIdentifier(identifier)).toBe(true)
    expect(await resolve(transformer, identifier)).toBe('value')
  },
  'an identifier survives JSON': async ({ transformer, expect }) => {
    const identifier = JSON.parse(JSON.stringify(await transformer.transform('value')))
    expect(transformer.isIdentifier(identifier)).toBe(true)
    expect(await resolve(transformer, identifier)).toBe('value')
  },
  'an identifier can be resolved again and again, at the same time too': async ({ transformer, expect }) => {
    const identifier = await transformer.transform({ list: [1] })
    expect(await resolve(transformer, identifier)).toEqual({ list: [1] })
    const both = await Promise.all([resolve(transformer, identifier), resolve(transformer, identifier)])
    expect(both).toEqual([{ list: [1] }, { list: [1] }])
  },
  'one value may be transformed twice': async ({ transformer, expect }) => {
    const value = { list: [1] }
    const identifiers = await Promise.all([transformer.transform(value), transformer.transform(value)])
    const both = await Promise.all(identifiers.map((identifier) => resolve(transformer, identifier)))
    expect(both).toEqual([value, value])
  },
  'many values at the same time are kept apart': async ({ transformer, expect }) => {
    const numbers = Array.from({ length: 50 }, (_, i) => i)
    const identifiers = await Promise.all(numbers.map((i) => transformer.transform({ i })))
    const resolved = await Promise.all(identifiers.map((identifier) => resolve(transformer, identifier)))
    expect(resolved).toEqual(numbers.map((i) => ({ i })))
  },
  'what changes after transform has returned does not change what was stored': async ({ transformer, expect }) => {
    const value = structuredClone(LATER)
    const transforming = transformer.transform(value)
    value.list.push(4)
    value.bytes.fill(9)
    expect(await resolve(transformer, await transforming)).toEqual(LATER)
  },
  'what a worker makes for itself resolves what this one stored, and the other way round': async ({
    transformer,
    expect,
  }) => {
    const worker = await madeByWorker(transformer, 'transformer')
    const sent: unknown = structuredClone(await transformer.transform(LATER))
    expect(worker.isIdentifier(sent)).toBe(true)
    expect(await resolve(worker, sent)).toEqual(LATER)
    const returned: unknown = structuredClone(await worker.transform(LATER))
    expect(transformer.isIdentifier(returned)).toBe(true)
    expect(await resolve(transformer, returned)).toEqual(LATER)
  },
  'what is no identifier cannot be resolved': async ({ transformer, expect }) => {
    for (const foreign of FOREIGN) expect(await fails(() => resolve(transformer, foreign))).toBe(true)
  },
  'sizeOf, if there is one, gives a number of bytes': async ({ transformer, expect, values }) => {
    if (transformer.sizeOf === undefined) return
    for (const value of values()) {
      const size = transformer.sizeOf(await transformer.transform(value))
      expect(Number.isFinite(size) && size >= 0).toBe(true)
    }
    expect(transformer.sizeOf(await transformer.transform(new Uint8Array(1_000))) >= 1_000).toBe(true)
  },
  'evict, if there is one, frees the value, and nothing else': async ({ transformer, expect }) => {
    if (transformer.evict === undefined) return
    const [gone, kept] = [await transformer.transform('value'), await transformer.transform('value')]
    await transformer.evict(gone)
    expect(await fails(() => resolve(transformer, gone))).toBe(true)
    expect(await resolve(transformer, kept)).toBe('value')
    await transformer.evict(gone)
  },
  'what was stored is gone once it is closed': async ({ transformer, expect, another }) => {
    const identifier = await transformer.transform('value')
    const next = await another()
    await transformer.close?.()
    expect(await fails(() => resolve(next, identifier))).toBe(true)
  },
  'it may be closed twice, and without having been used': async ({ transformer }) => {
    await transformer.close?.()
    await transformer.close?.()
  },
}

/**
 * The tests that every transformer has to pass, those of the identifiers that it gives included. Call it in a test file, once
 * for each transformer. One of this process only is exempt from the clause of workers.
 *
 * @example
 * ```ts
 * describe('zipped', () => transformerContract({ test, expect }, { create: () => zipped({ level: 1 }) }))
 * ```
 */
export function transformerContract(runner: ContractRunner, options: TransformerContractOptions): void {
  const { create, values = ordinaryValues, exempt = {} } = options
  declareClauses('transformer', CLAUSES, runner, exempt, async (clause) => {
    const open: Transformer[] = []
    const another = async (): Promise<Transformer> => {
      const transformer = await create()
      open.push(transformer)
      return transformer
    }
    try {
      await clause({ transformer: await another(), another, values, expect: runner.expect })
    } finally {
      for (const transformer of open) await transformer.close?.()
    }
  })
}

/** The value of an identifier, also where it comes as a lazy one. */
async function resolve(transformer: Transformer, identifier: unknown): Promise<unknown> {
  return extract(await transformer.resolve(identifier))
}

async function fails(run: () => Promise<unknown>): Promise<boolean> {
  return run().then(
    () => false,
    () => true,
  )
}
