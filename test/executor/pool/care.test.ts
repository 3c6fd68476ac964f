import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { CancelledError, Engine, NotShippableError, SerializationError } from '../../../src/index.ts'
import { ThreadPoolExecutor } from '../../../src/node/index.ts'
import { identity, onlyOne, stopIfTold, where } from './care-tasks.ts'
import { failureOf, POOLS } from './each-pool.ts'

describe.each(POOLS)('a pool of $kind', ({ Pool }) => {
  test('a call that is cancelled while its module is imported is told so', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'care-'))
    const importing = join(folder, 'importing')
    await using pool = new Pool({ maxWorkers: 1, env: { TAPS_TEST_IMPORTING: importing } })
    const call = pool.submit(stopIfTold)
    while (!existsSync(importing)) await new Promise((resolve) => setImmediate(resolve))
    expect(call.cancel()).toBe(false)
    expect(await failureOf(call)).toBeInstanceOf(CancelledError)
    expect(call.cancelled()).toBe(true)
    rmSync(folder, { recursive: true })
  })

  test('a closure is refused when it is submitted, although its parent is not done', async () => {
    await using engine = new Engine({ executor: new Pool({ maxWorkers: 1 }) })
    let resolve: (value: number) => void = () => {}
    const parent = new Promise<number>((given) => {
      resolve = given
    })
    const child = engine.submit((x: number) => x, parent)
    expect(child.done()).toBe(true)
    expect(await failureOf(child)).toBeInstanceOf(NotShippableError)
    resolve(1)
  })

  test('the signal of a task cancels a call straight to the pool', async () => {
    await using pool = new Pool({ maxWorkers: 1 })
    const controller = new AbortController()
    const call = pool.submit(identity.with({ signal: controller.signal }), 1)
    controller.abort()
    expect(call.cancelled()).toBe(true)
    expect(await pool.submit(identity, 2)).toBe(2)
  })
})

describe('a pool of threads', () => {
  test('spreads calls over the workers before it fills the lanes of one', async () => {
    await using pool = new ThreadPoolExecutor({ maxWorkers: 2, concurrency: 2 })
    await pool.warmup(where)
    const gate = new SharedArrayBuffer(4)
    const [a, b] = await Promise.all([pool.submit(where, gate), pool.submit(where, gate)])
    expect(a).not.toBe(b)
  })

  test('goes on with the workers that it has, when no more can be started', async () => {
    const count = new SharedArrayBuffer(4)
    await using pool = new ThreadPoolExecutor({ maxWorkers: 3, initializer: onlyOne, initializerArgs: [count] })
    const values = Array.from({ length: 50 }, (_, i) => i)
    expect(await Promise.all(values.map((value) => pool.submit(identity, value)))).toEqual(values)
  })

  test('arguments that cannot be sent fail their call, and no other one', async () => {
    await using pool = new ThreadPoolExecutor({ maxWorkers: 1 })
    const { port1, port2 } = new MessageChannel()
    port2.close()
    const refused = pool.submit(identity, port1)
    // Moved away before the pool has sent it.
    structuredClone(port1, { transfer: [port1 as never] })
    expect(await failureOf(refused)).toBeInstanceOf(SerializationError)
    expect(await pool.submit(identity, 3)).toBe(3)
  })
})
