import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

/** What a program left behind. */
export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface ChildOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Modules to load first. */
  readonly preload?: readonly URL[]
}

const sources = new URL('./from-sources.ts', import.meta.url)

/** Runs a program of this checkout in a process of its own. */
export async function run(program: string, args: readonly string[], options: ChildOptions = {}): Promise<Outcome> {
  const imports = [sources, ...(options.preload ?? [])].flatMap((url) => ['--import', url.href])
  const child = spawn(process.execPath, [...imports, program, ...args], {
    cwd: options.cwd ?? fileURLToPath(new URL('../..', import.meta.url)),
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const code = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { code: await code, stdout, stderr }
}
