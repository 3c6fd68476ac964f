/**
 * The tasks of the executor contract, in a module of their own that every worker can import. What they did, they write to
 * a file, because they may run in another process.
 */
import { type Task, task } from '../task/task.ts'

interface Fs {
  appendFileSync(path: string, text: string): void
  existsSync(path: string): boolean
}

function fs(): Fs {
  const { process } = globalThis as unknown as { process: { getBuiltinModule(id: string): unknown } }
  return process.getBuiltinModule('node:fs') as Fs
}

const here = { module: import.meta.url }

export const echo: Task<[value: unknown], unknown> = task(
  { ...here, name: 'contract.echo' },
  (value: unknown): unknown => value,
)

export const add: Task<[a: number, b: number], number> = task(
  { ...here, name: 'contract.add' },
  (a: number, b: number): number => a + b,
)

export const addLater: Task<[a: number, b: number], Promise<number>> = task(
  { ...here, name: 'contract.addLater' },
  async (a: number, b: number): Promise<number> => {
    await null
    return a + b
  },
)

/** Fails with an error that has all that an error can have. */
export const fail: Task<[message: string], never> = task(
  { ...here, name: 'contract.fail' },
  (message: string): never => {
    throw Object.assign(new RangeError(message, { cause: new TypeError('the cause') }), { code: 'E_CONTRACT' })
  },
)

/** Writes down that it ran. */
export const leaveTrace: Task<[path: string, text: string], string> = task(
  { ...here, name: 'contract.leaveTrace' },
  (path: string, text: string): string => {
    fs().appendFileSync(path, `${text}\n`)
    return text
  },
)

/** Writes down that it runs, and ends when the file at `gate` exists. */
export const holdSlot: Task<[path: string, gate: string], Promise<string>> = task(
  { ...here, name: 'contract.holdSlot' },
  async (path: string, gate: string): Promise<string> => {
    fs().appendFileSync(path, 'held\n')
    while (!fs().existsSync(gate)) await new Promise((resolve) => setTimeout(resolve, 5))
    return 'released'
  },
)
