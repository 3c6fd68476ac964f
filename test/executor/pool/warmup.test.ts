import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { ExecutorShutdownError, NotShippableError, task, WorkerCrashedError } from '../../../src/index.ts'
import { ProcessPoolExecutor } from '../../../src/node/index.ts'
import { collect, failureOf, next, POOLS } from './each-pool.ts'
import { count, initializeBadly, meet, place, variables } from './option-tasks.ts'

const temporary = mkdtempSync(join(tmpdir(), 'pool-warmup-'))
afterAll(() => rmSync(temporary, { recursive: true }))

describe.each(POOLS)('warmup of a pool of $kind', ({ kind, Pool }) => {
  test('starts all workers; with tasks, it has their modules imported before the first call', async () => {
    await using pool = new Pool({ maxWorkers: 2 })
    const started = collect(pool, 'workerStarted')
    await pool.warmup()
    expect(started.length).toBe(2)
    const imported = join(temporary, `imports-${kind}`)
    const slow = join(temporary, `slow-${kind}.mjs`)
    writeFileSync(
      slow,
      `import { appendFileSync } from 'node:fs'\nappendFileSync(${JSON.stringify(imported)}, 'imported ')`,
    )
    await failureOf(
      pool.warmup(
        task({ module: `file://${slow}` }, function elsewhere() {}),
        place,
      ),
    )
    expect(readFileSync(imported, 'utf8')).toBe('imported imported ')
    expect(started.length).toBe(2)
    const shared = join(temporary, `${kind}-shared`)
    mkdirSync(shared)
    const places = await Promise.all(['a', 'b'].map((name) => pool.submit(meet, shared, name, 2)))
    expect(places.sort()).toEqual(started.map(({ id }) => id).sort())
  })

  test('waits until a module is imported, and rejects if that fails', async () => {
    const broken = join(temporary, `broken-${kind}.mjs`)
    writeFileSync(broken, "throw new RangeError('broken on purpose')")
    const lost = task({ module: `file://${broken}` }, function lost() {})
    await using pool = new Pool({ maxWorkers: 1 })
    const error = await failureOf(pool.warmup(place, lost))
    expect(error.message).toContain('broken on purpose')
    expect(error.cause).toBeInstanceOf(RangeError)
    // The worker is as good as before.
    expect((await pool.submit(count))[1]).toBe(1)
  })

  test('rejects where no worker can be started', async () => {
    const obstacle = join(temporary, `obstacle-${kind}`)
    writeFileSync(obstacle, '')
    await using pool = new Pool({ maxWorkers: 1, initializer: initializeBadly, initializerArgs: [obstacle] })
    const error = await failureOf(pool.warmup())
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect(error.message).toContain('there is an obstacle')
  })

  test('refuses what cannot be imported', async () => {
    await using pool = new Pool({ maxWorkers: 1 })
    expect(await failureOf(pool.warmup((() => {}) as never))).toBeInstanceOf(TypeError)
    const local = task({ module: 'nowhere' }, function local() {})
    expect(await failureOf(pool.warmup(local))).toBeInstanceOf(NotShippableError)
    await pool.shutdown()
    expect(await failureOf(pool.warmup(place))).toBeInstanceOf(ExecutorShutdownError)
  })

  test('leaves workers that end when they are idle for too long', async () => {
    await using pool = new Pool({ maxWorkers: 1, idleTimeout: 1 })
    const exited = next(pool, 'workerExited')
    await pool.warmup()
    expect((await exited).how).toBe('exited with code 0')
  })
})

test('warmup starts a worker for each prefix that its tasks need', async () => {
  await using pool = new ProcessPoolExecutor({
    maxWorkers: 2,
    prefix: { blue: ['env', 'COLOUR=blue'], red: ['env', 'COLOUR=red'], none: ['/no/such/command'] },
  })
  const [blue, red] = ['blue', 'red'].map((labels) => variables.with({ labels })) as [
    typeof variables,
    typeof variables,
  ]
  const started = collect(pool, 'workerStarted')
  await pool.warmup(blue, red)
  expect([await pool.submit(blue, 'COLOUR'), await pool.submit(red, 'COLOUR')]).toEqual([['blue'], ['red']])
  expect(started.length).toBe(2)
})
