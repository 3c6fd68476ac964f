// npm run bench [-- case …] [--rounds 7]: measures side by side, and prints the tables of bench/README.md.
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import type { Case, Table } from './case.ts'
import { cases } from './cases/index.ts'
import { measure } from './rounds.ts'

const FEWEST_ROUNDS = 5
const PEERS = ['p-limit', 'p-queue', 'effect', 'piscina', 'tinypool', 'workerpool', 'poolifier', 'jest-worker']

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '7' } },
})
const rounds = Number(values.rounds)
const unknown = positionals.find((name) => !cases.some((one) => one.name === name))

if (unknown !== undefined) {
  fail(`There is no case ${unknown}; there are ${cases.map(({ name }) => name).join(', ')}`)
} else if (!Number.isInteger(rounds) || rounds < 1) {
  fail(`--rounds takes a whole number of at least 1, not ${values.rounds}`)
} else {
  console.log(`${machine()}\n`)
  for (const one of cases)
    if (positionals.length === 0 || positionals.includes(one.name))
      await report(one, Math.max(rounds, one.leastRounds ?? 0))
}

function fail(message: string): void {
  console.error(message)
  process.exitCode = 1
}

async function report(one: Case, rounds: number): Promise<void> {
  const before = load()
  const figures = await measure(one, rounds)
  const few = rounds < FEWEST_ROUNDS ? ' (too few to compare)' : ''
  console.log(`### ${one.title} (\`${one.name}\`)\n\n${one.about}`)
  console.log(`Medians of ${rounds} rounds${few}; load average ${before} before, ${load()} after.\n`)
  for (const table of one.tables((key) => found(figures.get(key), key))) console.log(`${markdown(table)}\n`)
}

function found<T>(value: T | undefined, key: string): T {
  if (value === undefined) throw new Error(`There is no figure of ${key}`)
  return value
}

function markdown({ head, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function machine(): string {
  const date = new Date().toISOString().slice(0, 10)
  const peers = PEERS.map((name) => `${name} ${versionOf(name)}`).join(', ')
  return `${date}, Node ${process.versions.node}, ${availableParallelism()} CPUs (${cpus()[0]?.model.trim()}), ${peers}`
}

function versionOf(name: string): string {
  const file = new URL(`../node_modules/${name}/package.json`, import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}

/** Over the last minute: what else the machine had to do, and the benchmark itself. */
function load(): string {
  return (loadavg()[0] as number).toFixed(1)
}
