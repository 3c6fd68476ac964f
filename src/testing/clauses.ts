import { ConfigError } from '../errors.ts'
import { follow, recipeOf } from '../plugin.ts'
import type { ContractRunner } from './executor-contract.ts'

/** Tests by name, each for one promise of a contract. */
export type Clauses<Bench> = Readonly<Record<string, (bench: Bench) => unknown>>

/** Declares a test for each clause that is not exempt. @param contract - for the error: `filter` */
export function declareClauses<Bench>(
  contract: string,
  clauses: Clauses<Bench>,
  { test }: ContractRunner,
  exempt: Readonly<Record<string, string>>,
  run: (clause: (bench: Bench) => unknown) => Promise<void>,
): void {
  for (const name of Object.keys(exempt)) {
    if (!Object.hasOwn(clauses, name))
      throw new ConfigError(`The ${contract} contract has no clause ${JSON.stringify(name)}`)
  }
  for (const [name, clause] of Object.entries(clauses)) {
    if (!Object.hasOwn(exempt, name)) test(name, () => run(clause))
  }
}

/** The plug-in that a worker makes for itself, from a recipe that has travelled as text. @throws ConfigError if there is none */
export async function madeByWorker<Plugin extends object>(plugin: Plugin, what: string): Promise<Plugin> {
  const recipe = JSON.parse(JSON.stringify(recipeOf(plugin, what)))
  return (await follow(recipe, (module) => import(/* @vite-ignore */ module))) as Plugin
}

/** Values of all kinds that tasks take and give. Made anew each time, because some change what they get. */
export function ordinaryValues(): unknown[] {
  const list = [1, [2, { three: 3 }]]
  return [
    undefined,
    null,
    false,
    0,
    -0,
    Number.NaN,
    1.5,
    10n ** 30n,
    '',
    'Grüße 🌍',
    'x'.repeat(100_000),
    [],
    list,
    {},
    { text: 'a', nothing: null, missing: undefined, list, same: list },
    new Date(0),
    new Map<unknown, unknown>([['key', new Set([1, 'a'])]]),
    new Uint8Array([0, 1, 255]),
    new Float64Array([-0, Number.NaN, 1.5]),
    { header: 'bytes', parts: [new Uint8Array(100_000).fill(7)] },
  ]
}
