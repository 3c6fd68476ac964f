import { mockTask, restoreTasks, summarizeGraph, TestEngine } from 'taps-sdk/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { countWares, readOrders } from './tasks.ts'
import { shoppingList } from './workflow.ts'

describe('shoppingList', () => {
  // Tasks that reach outside are replaced; those that only compute run as they are.
  beforeEach(() => {
    mockTask(readOrders, (shop) => `apples ${shop.length}\n`)
  })
  afterEach(restoreTasks)

  test('adds up the orders of all shops', async () => {
    await using engine = new TestEngine()
    expect(await shoppingList(engine, ['a', 'bb', 'ccc'])).toEqual({ wares: { apples: 1 + 2 + 3 }, missing: [] })
  })

  test('reads each shop once, and counts what was read there', async () => {
    await using engine = new TestEngine()
    await shoppingList(engine, ['a', 'bb'])
    expect(
      engine
        .callsOf(readOrders)
        .map(({ args }) => args)
        .sort(),
    ).toEqual([['a'], ['bb']])
    expect(summarizeGraph(engine.graph()).edges).toEqual({
      'readOrders -> countWares': 2,
      'countWares -> summarize': 2,
    })
  })

  test('reads again after a failure, later each time', async () => {
    await using engine = new TestEngine({ faults: [{ kind: 'fail', task: readOrders, times: 2 }] })
    expect((await shoppingList(engine, ['a'])).missing).toEqual([])
    // No real time passes: the clock of the engine jumps.
    expect(engine.callsOf(readOrders).map(({ time }) => time)).toEqual([0, 1_000, 3_000])
  })

  test('does without a shop that cannot be read, and says so', async () => {
    mockTask(readOrders, (shop) => {
      if (shop === 'closed') throw new Error('no such file')
      return 'apples 1\n'
    })
    await using engine = new TestEngine()
    expect(await shoppingList(engine, ['a', 'closed'])).toEqual({ wares: { apples: 1 }, missing: ['closed'] })
    expect(engine.callsOf(countWares)).toHaveLength(1)
  })

  test('gives up a shop that never answers, after all attempts', async () => {
    await using engine = new TestEngine({ faults: [{ kind: 'hang', task: readOrders }] })
    expect(await shoppingList(engine, ['a'])).toEqual({ wares: {}, missing: ['a'] })
    expect(engine.clock.now()).toBe(4 * 10_000 + 1_000 + 2_000 + 4_000)
    expect(engine.injectedFaults.map(({ kind, attempt }) => [kind, attempt])).toEqual([
      ['hang', 1],
      ['hang', 2],
      ['hang', 3],
      ['hang', 4],
    ])
  })

  test.each([1, 2, 3, 4, 5])('leaves no shop out unnoticed, whatever fails (seed %i)', async (seed) => {
    const shops = Array.from({ length: 30 }, (_, i) => `shop ${i}`)
    await using engine = new TestEngine({ seed, faults: [{ kind: 'fail', rate: 0.4, task: /readOrders|countWares/ }] })
    const { wares, missing } = await shoppingList(engine, shops)
    const counted = shops.filter((shop) => !missing.includes(shop))
    expect(wares.apples ?? 0).toBe(counted.reduce((sum, shop) => sum + shop.length, 0))
    expect(missing).not.toEqual([])
  })
})
