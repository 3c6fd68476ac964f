import { Engine } from '../engine/engine.ts'
import { ConfigError } from '../errors.ts'
import type { Executor } from '../executor/executor.ts'
import { add, addLater, echo, fail, holdSlot, leaveTrace } from './contract-tasks.ts'

/** The part of a test runner that the suite needs; vitest, Jest and Bun have it. */
export interface ContractRunner {
  /** Declares a test. */
  readonly test: (name: string, fn: () => Promise<void>) => unknown
  /** Begins an assertion. */
  readonly expect: (value: unknown) => {
    toBe(expected: unknown): void
    toEqual(expected: unknown): void
  }
}

/** How to test one executor. */
export interface ContractOptions {
  /** A new executor, with room for at least one call. The suite shuts it down. */
  readonly create: () => Executor | Promise<Executor>
  /** Clauses that cannot hold for it, by name, each with the reason. */
  readonly exempt?: Readonly<Record<string, string>> | undefined
}

interface Bench {
  readonly executor: Executor
  readonly expect: ContractRunner['expect']
  /** A file that tasks write to. */
  readonly trace: string
  /** A file that does not exist yet. */
  readonly gate: string
  traces(): string[]
  /** Once the file of traces has this line. */
  traced(line: string): Promise<void>
  open(): void
}

type Clause = (bench: Bench) => Promise<void>

/** One clause for each promise of the contract; see `Executor`. */
const CLAUSES: Readonly<Record<string, Clause>> = {
  'a call gives the value of its function': async ({ executor, expect }) => {
    expect(await executor.submit(add, 2, 3)).toBe(5)
  },
  'the promise of a function is awaited': async ({ executor, expect }) => {
    expect(await executor.submit(addLater, 2, 3)).toBe(5)
  },
  'empty values are values like others': async ({ executor, expect }) => {
    for (const value of [undefined, null, 0, false, '']) expect(await executor.submit(echo, value)).toBe(value)
  },
  'arguments and results arrive as they were': async ({ executor, expect }) => {
    const value = {
      text: 'Grüße 🌍',
      list: [1, [2, { three: 3 }]],
      nothing: null,
      when: new Date(0),
      set: new Set([1]),
      map: new Map([['k', 1n]]),
    }
    expect(await executor.submit(echo, value)).toEqual(value)
  },
  'binary data arrives as it was': async ({ executor, expect }) => {
    const value = new Float64Array([0, -0, Number.NaN, 1.5])
    expect(await executor.submit(echo, value)).toEqual(value)
  },
  'what a call throws comes back with its name, message, code and cause': async ({ executor, expect }) => {
    const error = (await outcome(executor.submit(fail, 'broken'))) as Error & { code?: unknown }
    expect(error instanceof RangeError).toBe(true)
    expect([error.name, error.message, error.code]).toEqual(['RangeError', 'broken', 'E_CONTRACT'])
    expect((error.cause as Error).name).toBe('TypeError')
    expect((error.cause as Error).message).toBe('the cause')
  },
  'submit does not throw what a call throws': async ({ executor, expect }) => {
    const future = executor.submit(fail, 'later')
    expect(typeof future.then).toBe('function')
    expect(((await outcome(future)) as Error).message).toBe('later')
  },
  'submit throws for what is no function': async ({ executor, expect }) => {
    let thrown: unknown
    try {
      void executor.submit(42 as never)
    } catch (error) {
      thrown = error
    }
    expect(thrown instanceof TypeError).toBe(true)
  },
  'a body does not run before submit returns': async ({ executor, expect, trace, traces }) => {
    const future = executor.submit(leaveTrace, trace, 'ran')
    expect(traces()).toEqual([])
    await future
    expect(traces()).toEqual(['ran'])
  },
  'each of many calls runs once, and gives its own result': async ({ executor, expect, trace, traces }) => {
    const texts = Array.from({ length: 200 }, (_, i) => `call ${i}`)
    expect(await Promise.all(texts.map((text) => executor.submit(leaveTrace, trace, text)))).toEqual(texts)
    expect(traces().sort()).toEqual([...texts].sort())
  },
  'a call that fails does not disturb its neighbours': async ({ executor, expect }) => {
    const all = await Promise.allSettled([
      executor.submit(add, 1, 1),
      executor.submit(fail, 'x'),
      executor.submit(add, 2, 2),
    ])
    expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  },
  'a call that has ended cannot be cancelled': async ({ executor, expect }) => {
    const future = executor.submit(add, 1, 1)
    await future
    expect(future.cancel?.() ?? false).toBe(false)
  },
  'a cancelled call that had not started never runs': async ({
    executor,
    expect,
    trace,
    gate,
    traces,
    traced,
    open,
  }) => {
    // Enough to fill every slot there may be; one after the other, so that the last ones wait.
    const holders = [executor.submit(holdSlot, trace, gate)]
    await traced('held')
    const queued = Array.from({ length: 64 }, (_, i) => executor.submit(leaveTrace, trace, `queued ${i}`))
    const cancelled = queued
      .map((future, i) => (future.cancel?.() === true ? `queued ${i}` : ''))
      .filter((name) => name !== '')
    open()
    await Promise.allSettled([...holders, ...queued])
    expect(traces().filter((name) => cancelled.includes(name))).toEqual([])
  },
  'shutdown waits for calls that run': async ({ executor, expect, trace, gate, traced, open }) => {
    const future = executor.submit(holdSlot, trace, gate)
    await traced('held')
    let hasShutDown = false
    const shutdown = Promise.resolve(executor.shutdown?.()).then(() => {
      hasShutDown = true
    })
    await null
    const before = hasShutDown
    open()
    expect(await future).toBe('released')
    await shutdown
    expect(before).toBe(false)
  },
  'after shutdown a call rejects with ExecutorShutdownError': async ({ executor, expect }) => {
    await executor.shutdown?.()
    const error = (await outcome(executor.submit(add, 1, 1))) as Error & { code?: unknown }
    expect(error.code).toBe('EXECUTOR_SHUTDOWN')
  },
  'shutdown may be called twice': async ({ executor }) => {
    await executor.shutdown?.()
    await executor.shutdown?.()
  },
  'an engine runs a graph on it': async ({ executor, expect }) => {
    const engine = new Engine({ executor })
    const sums = engine.map(add, [1, 2, 3], [10, 20, 30])
    const total = engine.submit(add, engine.submit(add, sums.at(0) as never, sums.at(1) as never), sums.at(2) as never)
    expect(await total).toBe(66)
    expect(await engine.submit(echo, { deep: [engine.submit(add, 1, 2)] })).toEqual({ deep: [3] })
    await engine.shutdown()
  },
  'an engine tells a child of the failure of its parent': async ({ executor, expect }) => {
    const engine = new Engine({ executor })
    const error = (await outcome(engine.submit(echo, engine.submit(fail, 'root')))) as Error & { code?: unknown }
    expect(error.code).toBe('DEPENDENCY_FAILED')
    expect((error.cause as Error).message).toBe('root')
    await engine.shutdown()
  },
}

/**
 * The tests that every executor has to pass, for Node. Call it in a test file, once for each executor.
 *
 * @example
 * ```ts
 * describe('MyExecutor', () => executorContract({ test, expect }, { create: () => new MyExecutor() }))
 * ```
 */
export function executorContract(runner: ContractRunner, options: ContractOptions): void {
  const { exempt = {} } = options
  for (const name of Object.keys(exempt)) {
    if (!(name in CLAUSES)) throw new ConfigError(`The executor contract has no clause ${JSON.stringify(name)}`)
  }
  for (const [name, clause] of Object.entries(CLAUSES)) {
    if (!(name in exempt)) runner.test(name, () => runClause(clause, runner, options))
  }
}

async function runClause(clause: Clause, { expect }: ContractRunner, { create }: ContractOptions): Promise<void> {
  const { process } = globalThis as unknown as { process: { getBuiltinModule(id: string): unknown } }
  const fs = process.getBuiltinModule('node:fs') as typeof import('node:fs')
  const { tmpdir } = process.getBuiltinModule('node:os') as typeof import('node:os')
  const dir = fs.mkdtempSync(`${tmpdir()}/executor-contract-`)
  const [trace, gate] = [`${dir}/trace`, `${dir}/gate`]
  const traces = (): string[] => (fs.existsSync(trace) ? fs.readFileSync(trace, 'utf8').split('\n').slice(0, -1) : [])
  const executor = await create()
  try {
    await clause({
      executor,
      expect,
      trace,
      gate,
      traces,
      traced: async (line) => {
        while (!traces().includes(line)) await new Promise((resolve) => setTimeout(resolve, 5))
      },
      open: () => fs.writeFileSync(gate, ''),
    })
  } finally {
    fs.writeFileSync(gate, '')
    await executor.shutdown?.()
    fs.rmSync(dir, { recursive: true, force: true })
  }
}

/** What a promise rejects with; undefined if it does not. */
async function outcome(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise
    return undefined
  } catch (error) {
    return error
  }
}
