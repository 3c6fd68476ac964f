import { describe, expect, test } from 'vitest'
import { type Outcome, Project } from './project.ts'

/** The start of an entry file that is its own task module; each time it is run, the file `starts` grows. */
const ENTRY = `
import { appendFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { Engine, task } from 'taps-sdk'
import { ProcessPoolExecutor, ThreadPoolExecutor } from 'taps-sdk/node'
import { square } from './tasks.js'
appendFileSync('starts', 'x')
const Pool = { threads: ThreadPoolExecutor, processes: ProcessPoolExecutor }[process.env.POOL]
const double = task(function double(x) { return 2 * x })
`

const TASKS = `
import { task } from 'taps-sdk'
export const square = task((x) => x * x)
`

/** The program in it. */
const RUN = `
  const pool = new Pool({ maxWorkers: 2 })
  console.log(await pool.submit(square, 3), await pool.submit(double, 1))
  await pool.shutdown()
`

/** One that starts when the module has been imported: a worker may run its task before it fails. */
const LATE = `
async function main() {
  const pool = new Pool({ maxWorkers: 2 })
  const exited = new Promise((resolve) => pool.on('workerExited', resolve))
  // A worker that is idle keeps no program alive.
  const alive = setInterval(() => {}, 1000)
  await Promise.allSettled([pool.submit(double, 1), exited])
  clearInterval(alive)
  await pool.shutdown()
}
setImmediate(() => main().catch((error) => {
  appendFileSync('refused', error.name + '\\n')
  throw error
}))
`

interface Run extends Outcome {
  /** How often the entry file was run. */
  readonly starts: number
  /** The errors that it wrote down. */
  readonly refused: readonly string[]
}

async function run(pool: string, entry: string): Promise<Run> {
  using project = new Project({ 'main.js': ENTRY + entry, 'tasks.js': TASKS })
  const outcome = await project.run('main.js', { env: { POOL: pool } })
  const [starts, refused] = ['starts', 'refused'].map((name) => project.read(name)) as [string, string]
  return { ...outcome, starts: starts.length, refused: refused.split('\n').filter((name) => name !== '') }
}

describe.each(['threads', 'processes'])('an entry file that declares a task, on %s', (pool) => {
  test.each([
    ['a pool', RUN],
    ['an engine', RUN.replace('new Pool({ maxWorkers: 2 })', 'new Engine({ executor: new Pool({ maxWorkers: 2 }) })')],
  ])('is refused where it also runs it, with %s, and starts nothing more', async (_, body) => {
    const { code, stdout, stderr, starts } = await run(pool, body)
    expect(stderr).toContain('BootstrapError')
    expect(stderr).toContain('Move the tasks into a module of their own')
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(starts).toBeLessThanOrEqual(3)
  })

  test('is refused where it does so after the import too, and the program ends', async () => {
    const { code, starts, refused } = await run(pool, LATE)
    expect(code).toBe(0)
    expect(new Set(refused)).toEqual(new Set(['BootstrapError']))
    expect(starts).toBeLessThanOrEqual(12)
  })

  test('goes on where it bears the refusal', async () => {
    const body = `async function main() {${RUN}}\nmain().catch(({ code }) => console.log(code))`
    const { code, stdout, starts } = await run(pool, body)
    expect(code).toBe(0)
    expect(stdout.split('\n').sort()).toEqual(expect.arrayContaining(['9 2', 'BOOTSTRAP']))
    expect(starts).toBeLessThanOrEqual(3)
  })

  test.each(['import.meta.main', 'import.meta.url === String(pathToFileURL(process.argv[1] ?? ""))'])(
    'works where it runs the program only if %s',
    async (condition) => {
      const { code, stdout, stderr, starts } = await run(pool, `if (${condition}) {${RUN}}`)
      expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '9 2\n', stderr: '' })
      expect(starts).toBeGreaterThanOrEqual(2)
    },
  )
})
