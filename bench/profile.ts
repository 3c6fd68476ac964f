// node bench/profile.ts <case> <variant>: where the time of one variant goes, by the function it is spent in itself; for
// each thread and each process, where these are told the options of Node.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { cases } from './cases/index.ts'
import { commandOf } from './rounds.ts'

const TOP = 20

interface Profile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

const [name = '', key = ''] = process.argv.slice(2)
const one = cases.find((other) => other.name === name)
const variant = one?.variants.get(key)
if (one === undefined || variant === undefined) {
  console.error(`node bench/profile.ts <case> <variant>, one of:\n${list().join('\n')}`)
  process.exitCode = 1
} else {
  const dir = mkdtempSync(join(tmpdir(), 'taps-bench-'))
  execFileSync(process.execPath, ['--cpu-prof', `--cpu-prof-dir=${dir}`, ...commandOf(one, key, variant)])
  for (const file of readdirSync(dir).sort()) {
    const [, , , pid, tid] = file.split('.')
    console.log(`Process ${pid}, thread ${tid}`)
    print(JSON.parse(readFileSync(join(dir, file), 'utf8')))
  }
  rmSync(dir, { recursive: true })
}

function list(): string[] {
  return cases.flatMap((other) => [...other.variants.keys()].map((variant) => `  ${other.name} "${variant}"`))
}

function print({ nodes, samples, timeDeltas }: Profile): void {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, frameName(callFrame)]))
  const times = new Map<string, number>()
  samples.forEach((id, i) => {
    const frame = frames.get(id) ?? ''
    if (frame !== '(idle)') times.set(frame, (times.get(frame) ?? 0) + (timeDeltas[i] ?? 0))
  })
  const total = [...times.values()].reduce((a, b) => a + b, 0)
  const top = [...times].sort(([, a], [, b]) => b - a).slice(0, TOP)
  for (const [frame, time] of top) console.log(`${((time / total) * 100).toFixed(1).padStart(5)} %  ${frame}`)
}

function frameName({ functionName, url, lineNumber }: Profile['nodes'][number]['callFrame']): string {
  const place = url === '' ? '' : ` ${url.startsWith('node:') ? url : basename(url)}:${lineNumber + 1}`
  return `${functionName || '(anonymous)'}${place}`
}
