import { execFile } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const checkout = join(import.meta.dirname, '../..')

const PACKAGE = ['dist', 'package.json']
const { dependencies } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as {
  readonly dependencies: Readonly<Record<string, string>>
}

/** What a program left behind. */
export interface Outcome {
  readonly code: number | string | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly execArgv?: readonly string[]
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Variables of the test runner that say how Node has to run: a user's program would not have them. */
const OF_THE_RUNNER = /^(NODE_OPTIONS|NODE_PATH|VITEST.*|TEST|NODE_ENV|DEV|PROD|SSR|MODE|BASE_URL)$/

const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OF_THE_RUNNER.test(name)))

/** Longer than any of these programs takes, so that one that hangs or starts itself for ever is ended. */
const TIMEOUT = 30_000

/** A user's project, with the built package and the tools that it names in its `node_modules`. */
export class Project implements Disposable {
  readonly folder: string
  readonly #top: string = realpathSync(mkdtempSync(join(tmpdir(), 'taps-sdk-shipping-')))

  /** @param name - of the folder, where that matters */
  constructor(files: Readonly<Record<string, string>>, name = 'project') {
    this.folder = join(this.#top, name)
    this.write({ 'package.json': '{ "type": "module" }', ...files })
    // A copy, as an installation makes one: tools treat a link like the user's own sources.
    const library = join(this.folder, 'node_modules/taps-sdk')
    for (const part of PACKAGE) cpSync(join(checkout, part), join(library, part), { recursive: true })
    this.install(...Object.keys(dependencies))
  }

  /** Makes packages of this checkout available. */
  install(...names: readonly string[]): this {
    for (const name of names) symlinkSync(join(checkout, 'node_modules', name), join(this.folder, 'node_modules', name))
    return this
  }

  write(files: Readonly<Record<string, string>>): this {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.folder, name)), { recursive: true })
      writeFileSync(join(this.folder, name), text)
    }
    return this
  }

  /** What one of its files holds; nothing, if it is not there. */
  read(name: string): string {
    const path = join(this.folder, name)
    return existsSync(path) ? readFileSync(path, 'utf8') : ''
  }

  /** Takes files or folders away, so that a program shows that it does without them. */
  remove(...names: readonly string[]): void {
    for (const name of names) rmSync(join(this.folder, name), { recursive: true })
  }

  /** Runs one of its programs. */
  run(program: string, { execArgv = [], args = [], env = {} }: RunOptions = {}): Promise<Outcome> {
    return new Promise((resolve) => {
      const all = [...execArgv, program, ...args]
      const options = { cwd: this.folder, env: { ...environment, ...env }, timeout: TIMEOUT, maxBuffer: 2 ** 24 }
      execFile(process.execPath, all, { ...options, killSignal: 'SIGKILL' }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : (error.code ?? error.signal ?? null), stdout, stderr }),
      )
    })
  }

  /** What a program prints as JSON, where all goes well. */
  async answer(program: string, options?: RunOptions): Promise<unknown> {
    const { code, stdout, stderr } = await this.run(program, options)
    if (code !== 0 || stderr !== '') throw new Error(`${program} ended with ${code}:\n${stderr}\n${stdout}`)
    return JSON.parse(stdout)
  }

  [Symbol.dispose](): void {
    rmSync(this.#top, { recursive: true, force: true })
  }
}

/** A tasks module: of a function without a name, and one that tells where it runs. */
export const TASKS = `
import { isMainThread } from 'node:worker_threads'
import { task } from 'taps-sdk'
export const square = task((x) => x * x)
export const place = task(function place(client) {
  return isMainThread ? (process.pid === client ? 'client' : 'process') : 'thread'
})
`

/** The same, as sources that have to lose their types. */
export const TYPED_TASKS: string = TASKS.replaceAll('(x)', '(x: number): number').replaceAll(
  '(client)',
  '(client: number): string',
)

/** The same, as static methods. */
export const DECORATED_TASKS = `
import { isMainThread } from 'node:worker_threads'
import { task } from 'taps-sdk'
class Numbers {
  static factor = 1
  @task() static square(x: number): number { return this.factor * x * x }
  @task({ name: 'where' }) static place(client: number): string {
    return isMainThread ? (process.pid === client ? 'client' : 'process') : 'thread'
  }
}
export const { square, place } = Numbers
`

/** A program that runs these tasks in both kinds of workers, behind an engine too. */
export function program(tasks = './tasks.js'): string {
  return `
import { Engine } from 'taps-sdk'
import { ProcessPoolExecutor, ThreadPoolExecutor } from 'taps-sdk/node'
import { place, square } from '${tasks}'
const answers = []
for (const Pool of [ThreadPoolExecutor, ProcessPoolExecutor]) {
  const engine = new Engine({ executor: new Pool({ maxWorkers: 1 }) })
  answers.push(await engine.submit(square, engine.submit(square, 3)), await engine.submit(place, process.pid))
  await engine.shutdown()
}
console.log(JSON.stringify(answers))
`
}

/** What that prints. */
export const ANSWERS: readonly unknown[] = [81, 'thread', 81, 'process']
