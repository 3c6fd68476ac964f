import { expect } from 'vitest'
import type { ContractRunner } from '../../src/testing/executor-contract.ts'

/** Runs a contract here and now. @returns the names of the clauses that fail */
export async function failures(declare: (runner: ContractRunner) => void): Promise<string[]> {
  const clauses: [name: string, fn: () => Promise<void>][] = []
  declare({ test: (name, fn) => clauses.push([name, fn]), expect })
  const failed: string[] = []
  for (const [name, fn] of clauses) await fn().catch(() => failed.push(name))
  return failed
}
