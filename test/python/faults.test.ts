import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Engine, WorkerCrashedError } from '../../src/index.ts'
import {
  DaskExecutor,
  type PackExecutor,
  ParslExecutor,
  PythonExecutor,
  type PythonOptions,
  pythonTask,
  RayExecutor,
} from '../../src/python/index.ts'
import { numbers, Scratch, twice } from '../executor/pool/scratch.ts'
import { pythonWithBackends } from '../servers/python.ts'
import { work } from './fault-tasks.ts'
import { commandOf, isProgram, marked, parentOf, until } from './processes.ts'

const python = pythonWithBackends()
const FUNCTIONS = new URL('program', import.meta.url).pathname
const countRun = pythonTask<[path: string], number>('functions:count_run')
const exitProcess = pythonTask<[path: string], never>('functions:exit_process')

interface BackEnd {
  readonly name: string
  readonly create: (options: PythonOptions) => PackExecutor
  /** What it cannot do without, by the command. */
  readonly hearts: readonly string[]
  /** Whether it ends all its workers when one of them has. */
  readonly hasOneFate?: boolean
}

const BACK_ENDS: readonly BackEnd[] = [
  {
    name: 'a process pool',
    create: (options) =>
      new PythonExecutor({
        ...options,
        factory: 'concurrent.futures:ProcessPoolExecutor',
        options: { max_workers: 2 },
      }),
    hearts: [],
    hasOneFate: true,
  },
  { name: 'Dask', create: (options) => new DaskExecutor({ ...options, workers: 2 }), hearts: [] },
  {
    name: 'Ray',
    create: (options) => new RayExecutor({ ...options, numCpus: 2 }),
    hearts: ['gcs_server', 'raylet/raylet'],
  },
  { name: 'Parsl', create: (options) => new ParslExecutor({ ...options, workers: 2 }), hearts: ['interchange'] },
]

async function failure(promise: PromiseLike<unknown>): Promise<Error> {
  const failed = promise.then(
    () => undefined,
    (error) => error as Error,
  )
  const error = await failed
  if (error === undefined) throw new Error('it did not fail')
  return error
}

describe.each(BACK_ENDS)('on $name', ({ name, create, hearts, hasOneFate = false }) => {
  const mark = randomUUID()
  let engine: Engine
  let scratch: Scratch

  /** Processes that the executor has started, and that are still there. */
  const ours = (): readonly number[] => marked(`TAPS_SDK_TEST_MARK=${mark}`)

  /** Twenty calls, of which one waits in each of two workers; those that came before it have ended. */
  async function held(retries = 0) {
    const trace = scratch.path()
    const gates = [scratch.path(), scratch.path()] as const
    const gateOf = (i: number): string | undefined => (i === 3 ? gates[0] : i === 13 ? gates[1] : undefined)
    const calls = numbers(20).map((i) => {
      const gate = gateOf(i)
      return gate === undefined
        ? engine.submit(work, trace, i)
        : engine.submit(work.with({ retries }), trace, i, { gate })
    })
    const pids = await Promise.race([
      Promise.all(gates.map((gate) => until(() => Number(scratch.lines(`${gate}.pid`)[0] ?? 0) || undefined))),
      // One that fails instead of waiting is what is wrong, not that the gate is never reached.
      Promise.all([calls[3], calls[13]]).then(() => [] as readonly number[]),
    ])
    await Promise.all([...calls.slice(0, 3), ...calls.slice(10, 13)])
    const [second] = calls.splice(13, 1)
    const [first] = calls.splice(3, 1)
    type Call = (typeof calls)[number]
    return { first: first as Call, second: second as Call, others: calls, pid: pids[0] as number, trace, gates }
  }

  beforeAll(async () => {
    const env = { TAPS_SDK_TEST_MARK: mark, PYTHONPATH: FUNCTIONS }
    engine = new Engine({ executor: create({ python, env }) })
    await Promise.all(numbers(100).map((i) => engine.submit(work, '/dev/null', i)))
  })
  afterAll(async () => {
    await engine.shutdown()
    await until(() => ours().length === 0)
  })
  beforeEach(() => {
    scratch = new Scratch()
  })
  afterEach(() => scratch.remove())

  test('a task that kills its worker fails alone, and runs once', async () => {
    const trace = scratch.path()
    const calls = numbers(40).map((i) => engine.submit(work, trace, i, i === 17 ? { kill: true } : {}))
    const error = await failure(calls[17] as PromiseLike<unknown>)
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect(error.message).toMatch(/^The worker that ran work was killed by SIGKILL \(process \d+ on /)
    expect(error.message).toContain(hostname())
    calls.splice(17, 1)
    expect(await Promise.all(calls)).toEqual(numbers(40).filter((i) => i !== 17))
    expect(twice(scratch.lines(trace))).toEqual([])
  })

  test('a worker process that is killed in the middle of a pack loses the call that ran; what had not begun runs', async () => {
    const { first, second, others, pid, trace, gates } = await held()
    process.kill(parentOf(pid), 'SIGKILL')
    const error = await failure(first)
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect(error.message).toMatch(/^The worker that ran work was lost .* \(process \d+ on /s)
    expect(error.message).toContain(`(process ${pid} on ${hostname()})`)
    expect(await Promise.all(others)).toEqual(numbers(20).filter((i) => i !== 3 && i !== 13))
    scratch.open(gates[1])
    // A pool ends all its processes when one of them has.
    if (hasOneFate) expect(await failure(second)).toBeInstanceOf(WorkerCrashedError)
    else expect(await second).toBe(13)
    expect(twice(scratch.lines(trace))).toEqual([])
  })

  test('a call that may be tried again runs once more where its process was killed', async () => {
    const { first, second, others, pid, trace, gates } = await held(1)
    process.kill(parentOf(pid), 'SIGKILL')
    await until(() => scratch.lines(trace).filter((line) => line === '3').length === 2)
    for (const gate of gates) scratch.open(gate)
    expect(await first).toBe(3)
    expect(await second).toBe(13)
    await Promise.all(others)
    expect(twice(scratch.lines(trace))).toEqual(hasOneFate ? expect.arrayContaining(['3', '13']) : ['3'])
  })

  test('a Python function that ends its process loses its call alone, and runs once', async () => {
    const runs = numbers(20).map(() => scratch.path())
    const calls = runs.map((path, i) => engine.submit(i === 7 ? exitProcess : countRun, path))
    const [dying] = calls.splice(7, 1)
    const error = await failure(dying as PromiseLike<unknown>)
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect(error.message).toMatch(/^The worker that ran functions:exit_process was lost .* \(process \d+ on /s)
    const outcomes = await Promise.allSettled(calls)
    for (const outcome of outcomes) {
      // What ran, or had ended a moment ago, in another process of the pool is lost with it.
      if (hasOneFate && outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(WorkerCrashedError)
      else expect(outcome).toEqual({ status: 'fulfilled', value: 1 })
    }
    // One that is killed may just have opened its file.
    expect(runs.map((path) => readFileSync(path, 'utf8') || 'x')).toEqual(numbers(20).map(() => 'x'))
  })

  test.each([
    ['the Python program', (pid: number) => isProgram(parentOf(pid))],
    ['what watches over it', (pid: number) => !isProgram(parentOf(pid))],
  ])('%s is killed: what has not ended fails, nothing stays, and the next call has another one', async (_, isIt) => {
    const { first, second, others, trace } = await held()
    const before = ours()
    process.kill(before.filter(isProgram).find(isIt) as number, 'SIGKILL')
    for (const call of [first, second]) {
      const error = await failure(call)
      expect(error).toBeInstanceOf(WorkerCrashedError)
      // Before its end it may still tell what it sees end.
      expect(error.message).toMatch(
        /^The (Python program of \w+|worker that ran work was lost (with the Python process \d+|by the back end))/,
      )
    }
    for (const call of others) expect([undefined, WorkerCrashedError]).toContain((await call.exception())?.constructor)
    await until(() => !ours().some((pid) => before.includes(pid)))
    expect(await engine.submit(work, trace, 'next')).toBe('next')
    expect(twice(scratch.lines(trace))).toEqual([])
  })

  test.each(name === 'Parsl' ? ['manager'] : [])(
    'a %s of workers is killed: its calls are lost, and it is replaced',
    async () => {
      const { first, second, trace } = await held()
      const managers = ours().filter((pid) => commandOf(pid).includes('process_worker_pool'))
      const manager = managers.find((pid) => !managers.includes(parentOf(pid)))
      process.kill(manager as number, 'SIGKILL')
      for (const call of [first, second]) expect(await failure(call)).toBeInstanceOf(WorkerCrashedError)
      expect(await engine.submit(work, trace, 'next')).toBe('next')
      expect(twice(scratch.lines(trace))).toEqual([])
    },
  )

  test.each(hearts)('%s is killed: that is told, and the next call starts another one', async (heart) => {
    const { first, second, trace } = await held()
    const pid = ours().find((each) => commandOf(each).includes(heart))
    process.kill(pid as number, 'SIGKILL')
    for (const call of [first, second]) {
      const error = await failure(call)
      expect(error).toBeInstanceOf(WorkerCrashedError)
      expect(error.message).toMatch(
        / is gone: its (gcs_server|raylet|interchange \(process \d+\)) has ended|was lost with/,
      )
    }
    expect(await engine.submit(work, trace, 'next')).toBe('next')
    expect(twice(scratch.lines(trace))).toEqual([])
  })
})
