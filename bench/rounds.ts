import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Case, type Figure, median, type Variant } from './case.ts'

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url))
/** Where the package is found by its own name. */
const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** The command line of a variant, for Node. */
export function commandOf(one: Case, key: string, variant: Variant): string[] {
  const flags = one.flags ?? []
  if ('program' in variant) return [...flags, '--input-type=module', '--eval', variant.program]
  return [...flags, CHILD, one.name, key]
}

/** Each variant once in each round, in turn, so that a busy moment of the machine meets them all. */
export async function measure(one: Case, rounds: number): Promise<ReadonlyMap<string, Figure>> {
  const build = fingerprint()
  const values = new Map<string, number[]>()
  for (let round = 1; round <= rounds; round++) {
    for (const [key, variant] of one.variants) {
      progress(`${one.name}, round ${round} of ${rounds}: ${key}`)
      for (const [name, value] of await figuresOf(one, key, variant)) {
        const all = values.get(name) ?? []
        values.set(name, all)
        all.push(value)
      }
      if (fingerprint() !== build) throw new Error('dist/ has changed meanwhile: the figures would be of two builds')
    }
  }
  progress('')
  return new Map([...values].map(([key, all]) => [key, summary(all)]))
}

async function figuresOf(one: Case, key: string, variant: Variant): Promise<[name: string, value: number][]> {
  const stdout = await outputOf(commandOf(one, key, variant)).catch((error: { stderr?: string }) => {
    throw new Error(`${one.name}, ${key} failed: ${error.stderr || error}`)
  })
  const printed = parsed(stdout)
  const figures = Object.entries(typeof printed === 'object' ? (printed ?? {}) : { '': printed })
  if (figures.length === 0 || !figures.every(([, value]) => Number.isFinite(value))) {
    throw new Error(`${key} printed ${JSON.stringify(stdout)}`)
  }
  return figures.map(([what, value]) => [what === '' ? key : `${key}, ${what}`, value as number])
}

function parsed(stdout: string): unknown {
  try {
    return JSON.parse(stdout)
  } catch {
    return undefined
  }
}

async function outputOf(command: readonly string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, command, { cwd: ROOT })).stdout
}

function summary(values: readonly number[]): Figure {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) }
}

function fingerprint(): string {
  const hash = createHash('sha256')
  for (const file of globSync('dist/**/*.js', { cwd: ROOT }).sort()) hash.update(readFileSync(`${ROOT}/${file}`))
  return hash.digest('hex')
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}
