import { execFile, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'
import { CancelledError, Engine, ExecutorShutdownError } from '../../../src/index.ts'
import { collect, failureOf, POOLS } from './each-pool.ts'
import { hold, place, run, spin } from './fault-tasks.ts'
import { numbers, Scratch } from './scratch.ts'

const scratch = new Scratch()
afterAll(() => scratch.remove())

const program = fileURLToPath(new URL('exit-child.ts', import.meta.url))

/** Whether a process runs: one that nobody has buried does not. */
function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return process.platform !== 'linux' || !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

describe.each(POOLS)('a pool of $kind', ({ kind, Pool }) => {
  test('waits for all calls that were submitted, then ends its workers', async () => {
    const pool = new Pool({ maxWorkers: 1 })
    const [started, exited] = [collect(pool, 'workerStarted'), collect(pool, 'workerExited')]
    const trace = scratch.path()
    const calls = numbers(5).map((i) => pool.submit(run, trace, i))
    await pool.shutdown()
    expect(await Promise.all(calls)).toEqual(numbers(5))
    expect(started.length).toBe(1)
    expect(exited).toMatchObject([{ id: started[0]?.id, how: 'exited with code 0' }])
  })

  test('refuses calls as soon as it is shut down', async () => {
    const pool = new Pool({ maxWorkers: 1 })
    const trace = scratch.path()
    const before = pool.submit(run, trace, 'before')
    const closing = pool.shutdown()
    expect(await failureOf(pool.submit(run, trace, 'after'))).toBeInstanceOf(ExecutorShutdownError)
    expect(await failureOf(pool.warmup(run))).toBeInstanceOf(ExecutorShutdownError)
    expect(await before).toBe('before')
    await closing
    await pool.shutdown()
    expect(scratch.lines(trace)).toEqual(['before'])
  })

  test('cancels with cancelFutures what no worker has, and waits for the rest', async () => {
    const pool = new Pool({ maxWorkers: 1 })
    const [trace, gate] = [scratch.path(), scratch.path()]
    const held = pool.submit(hold, trace, 'held', gate)
    const waiting = numbers(5).map((i) => pool.submit(run, trace, i))
    await scratch.written(trace, 'held')
    const closing = pool.shutdown({ cancelFutures: true })
    for (const error of await Promise.all(waiting.map(failureOf))) expect(error).toBeInstanceOf(CancelledError)
    scratch.open(gate)
    expect(await held).toBe('held')
    await closing
    expect(scratch.lines(trace)).toEqual(['held'])
  })

  test('cancels what was submitted while it waited for the rest, if it is told so later', async () => {
    const pool = new Pool({ maxWorkers: 1 })
    const [trace, gate] = [scratch.path(), scratch.path()]
    const held = pool.submit(hold, trace, 'held', gate)
    const waiting = pool.submit(run, trace, 'waiting')
    await scratch.written(trace, 'held')
    const closing = pool.shutdown()
    void pool.shutdown({ wait: false, cancelFutures: true })
    expect(await failureOf(waiting)).toBeInstanceOf(CancelledError)
    scratch.open(gate)
    await Promise.all([held, closing])
  })

  test('answers at once when it is not to wait; what was submitted still runs', async () => {
    const pool = new Pool({ maxWorkers: 1 })
    const [trace, gate] = [scratch.path(), scratch.path()]
    const calls = [pool.submit(hold, trace, 'held', gate), pool.submit(run, trace, 'last')]
    await pool.shutdown({ wait: false })
    scratch.open(gate)
    expect(await Promise.all(calls)).toEqual(['held', 'last'])
    await pool.shutdown()
  })

  test('ends workers that are just being started, without a call or with one', async () => {
    const [empty, other] = [new Pool({ maxWorkers: 2 }), new Pool({ maxWorkers: 2 })]
    const exited = collect(empty, 'workerExited')
    const warm = empty.warmup().catch(() => {})
    const call = other.submit(place)
    await Promise.all([empty.shutdown(), other.shutdown()])
    await warm
    expect(await call).toBeTypeOf('number')
    expect(exited.length).toBe(2)
  })

  test('starts no worker to be shut down', async () => {
    const pool = new Pool({ maxWorkers: 2 })
    const started = collect(pool, 'workerStarted')
    await pool.shutdown()
    expect(started).toEqual([])
  })

  test('ends an endless call that has a time limit', async () => {
    const pool = new Pool({ maxWorkers: 1, killAfter: 0 })
    const call = pool.submit(spin.with({ timeout: 10 }), scratch.path(), 'endless')
    await pool.shutdown()
    expect((await failureOf(call)).name).toBe('TimeoutError')
  })

  test('waits for a call that was lost with its worker, and runs again in another one', async () => {
    const pool = new Pool({ maxWorkers: 1 })
    const trace = scratch.path()
    const calls = [pool.submit(run, trace, 'exit', 'exit'), pool.submit(run, trace, 'after')]
    await pool.shutdown()
    expect(await Promise.allSettled(calls)).toMatchObject([{ status: 'rejected' }, { value: 'after' }])
  })

  test('serves two engines; the one that closes it lets the other one know', async () => {
    const pool = new Pool({ maxWorkers: 1 })
    const [one, other] = [new Engine({ executor: pool }), new Engine({ executor: pool })]
    const [trace, gate] = [scratch.path(), scratch.path()]
    const held = one.submit(hold, trace, 'held', gate)
    const theirs = numbers(3).map((i) => other.submit(run, trace, i))
    await scratch.written(trace, 'held')
    const closing = one.shutdown()
    scratch.open(gate)
    expect(await held).toBe('held')
    expect(await Promise.all(theirs)).toEqual(numbers(3))
    await closing
    expect(await failureOf(other.submit(run, trace, 'late'))).toBeInstanceOf(ExecutorShutdownError)
    await other.shutdown()
  })

  test('cancels the tasks of an engine that wait, when it is shut down with cancelFutures', async () => {
    const pool = new Pool({ maxWorkers: 1 })
    const engine = new Engine({ executor: pool })
    const [trace, gate] = [scratch.path(), scratch.path()]
    const held = engine.submit(hold, trace, 'held', gate)
    const waiting = numbers(3).map((i) => engine.submit(run.with({ retries: 2 }), trace, i))
    await scratch.written(trace, 'held')
    const closing = pool.shutdown({ cancelFutures: true })
    for (const error of await Promise.all(waiting.map(failureOf))) expect(error).toBeInstanceOf(CancelledError)
    expect(waiting.map((task) => task.info.status)).toEqual(['cancelled', 'cancelled', 'cancelled'])
    scratch.open(gate)
    await Promise.all([held, closing])
    await engine.shutdown()
  })

  test('keeps no program alive that has its results', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [program, kind, 'end', scratch.path()])
    expect(stdout).toBe("[ 'a', 'b' ]\n")
  })

  test('leaves nothing open after shutdown', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [program, kind, 'shutdown', scratch.path()])
    expect(stdout).toBe("[ 'a', 'b' ]\n[]\n")
  })
})

describe('processes', () => {
  test('end with their client, even when that is killed and they are in an endless loop', async () => {
    const client = spawn(process.execPath, [program, 'processes', 'spin', scratch.path()], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const { value } = await createInterface(client.stdout)[Symbol.asyncIterator]().next()
    const workers = JSON.parse(value as string) as number[]
    expect(workers.map(isThere)).toEqual([true, true])
    client.kill('SIGKILL')
    // It ends in the test's time limit, or this does not.
    while (workers.some(isThere)) await sleep(5)
  })
})
