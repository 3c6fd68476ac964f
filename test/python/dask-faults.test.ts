import { randomUUID } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Engine, SerializationError, WorkerCrashedError } from '../../src/index.ts'
import { DaskExecutor, RayExecutor } from '../../src/python/index.ts'
import { echo } from '../../src/testing/contract-tasks.ts'
import { numbers, Scratch } from '../executor/pool/scratch.ts'
import { type Cluster, startDask, startDaskWorker } from '../servers/clusters.ts'
import { pythonWithBackends } from '../servers/python.ts'
import { complain, handle, shout, work } from './fault-tasks.ts'
import { commandOf, marked, parentOf, until } from './processes.ts'

const python = pythonWithBackends()

async function failure(call: { exception(): Promise<unknown> }): Promise<Error> {
  const error = await call.exception()
  if (error === undefined) throw new Error('it did not fail')
  return error as Error
}

describe('on a cluster that was started apart', () => {
  let cluster: Cluster
  let engine: Engine
  let executor: DaskExecutor
  beforeAll(async () => {
    cluster = await startDask()
    const env = { DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT: '2s' }
    executor = new DaskExecutor({ python, scheduler: cluster.address, env })
    engine = new Engine({ executor, history: 0 })
  })
  afterAll(async () => {
    await engine.shutdown()
    await cluster.stop()
  })

  test('a task that throws fails with what it threw', async () => {
    const error = await failure(engine.submit(complain))
    expect(error).toBeInstanceOf(RangeError)
    expect(error.message).toBe('no luck')
  })

  test('a task that ends its process says with which code', async () => {
    const error = await failure(engine.submit(work, '/dev/null', 1, { exit: 3 }))
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect(error.message).toMatch(/^The worker that ran work exited with code 3 \(process \d+ on /)
  })

  test('a result that cannot travel is told with its path', async () => {
    const error = await failure(engine.submit(handle))
    expect(error).toBeInstanceOf(SerializationError)
    expect(error.message).toContain('deep[0]')
  })

  test('megabytes of output arrive', async () => {
    let lines = 0
    const count = (): void => void lines++
    executor.on('output', count)
    await engine.submit(shout, 5_000)
    executor.off('output', count)
    expect(lines).toBe(5_000)
  })

  test('two clients get their own results', async () => {
    await using other = new Engine({ executor: new DaskExecutor({ python, scheduler: cluster.address }) })
    const [ours, theirs] = await Promise.all([
      engine.map(echo, numbers(2_000)),
      other.map(echo, numbers(2_000).map(String)),
    ])
    expect(ours).toEqual(numbers(2_000))
    expect(theirs).toEqual(numbers(2_000).map(String))
  })

  test('a hundred thousand calls leave the client small', async () => {
    setFlagsFromString('--expose-gc')
    const gc = runInNewContext('gc') as () => void
    await engine.map(echo, numbers(1_000))
    gc()
    const before = process.memoryUsage().heapUsed
    await engine.map(echo, numbers(100_000))
    gc()
    expect((process.memoryUsage().heapUsed - before) / 100_000).toBeLessThan(50)
  })

  // The last one: there is no cluster after it.
  test('its scheduler dies: what runs fails in time, and says so; so does the next call, with its address', async () => {
    using scratch = new Held()
    const running = engine.submit(work, '/dev/null', 1, { gate: scratch.gate })
    await scratch.isHeld()
    await cluster.kill()
    const error = await failure(running)
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect(error.message).toMatch(/is gone|was lost (by the back end|with the Python process)/)
    const next = await failure(engine.submit(work, '/dev/null', 2))
    expect(next).toBeInstanceOf(WorkerCrashedError)
    expect(next.message).toContain(cluster.address)
  })
})

/** For a call that is let go, or gone, at the end of a test. */
class Held implements Disposable {
  readonly #scratch: Scratch = new Scratch()
  readonly gate: string = this.#scratch.path()

  /** @returns the process that it is in */
  isHeld(): Promise<number> {
    return until(() => Number(this.#scratch.lines(`${this.gate}.pid`)[0] ?? 0) || undefined)
  }

  [Symbol.dispose](): void {
    this.#scratch.remove()
  }
}

describe('with workers of the command line', () => {
  const cleanups: (() => unknown)[] = []
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  })

  test.each(['nanny', 'worker'])('a %s that is killed loses what ran below it, once; others go on', async (which) => {
    const cluster = await startDask(0)
    cleanups.push(() => cluster.stop())
    const mark = `TAPS_SDK_TEST_MARK=${randomUUID()}`
    const [name = '', value] = mark.split('=')
    const nannies = numbers(2).map(() => startDaskWorker(cluster.address, { [name]: value }))
    cleanups.push(() => {
      for (const nanny of nannies) nanny.kill('SIGKILL')
      return until(() => marked(mark).length === 0)
    })
    await using engine = new Engine({
      executor: new DaskExecutor({ python, scheduler: cluster.address, waitForWorkers: 2 }),
    })
    using held = new Held()
    const scratch = new Scratch()
    cleanups.push(() => scratch.remove())
    const trace = scratch.path()
    await engine.map(echo, numbers(100))
    const running = engine.submit(work, trace, 'held', { gate: held.gate })
    const worker = parentOf(await held.isHeld())
    let victim = worker
    if (which === 'nanny') while (!nannies.some(({ pid }) => pid === victim)) victim = parentOf(victim)
    expect(commandOf(victim)).not.toBe('')
    process.kill(victim, 'SIGKILL')
    const error = await failure(running)
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect(error.message).toMatch(/^The worker that ran work was lost .* \(process \d+ on /s)
    expect(await engine.map(echo, numbers(10))).toEqual(numbers(10))
    expect(scratch.lines(trace)).toEqual(['held'])
  })
})

describe('an address where nobody is', () => {
  // Dask's own patience is 30 s.
  const env = { DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT: '2s' }
  test.each([
    ['Dask', () => new DaskExecutor({ python, scheduler: 'tcp://127.0.0.1:9', env }), 'tcp://127.0.0.1:9'],
    ['Ray', () => new RayExecutor({ python, address: '127.0.0.1:9' }), '127.0.0.1:9'],
  ])('of %s fails in time, and is named', async (_, create, address) => {
    await using executor = create()
    const start = performance.now()
    await expect(executor.submit(echo, 1)).rejects.toThrowError(address)
    expect(performance.now() - start).toBeLessThan(15_000)
  })
})
