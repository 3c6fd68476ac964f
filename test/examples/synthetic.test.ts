import { join } from 'node:path'
import { Engine } from 'taps-sdk'
import { seededRandom, summarizeGraph, TestEngine } from 'taps-sdk/testing'
import { describe, expect, test } from 'vitest'
import { OptionError, type Structure, type SyntheticOptions } from '../../examples/synthetic/options.ts'
import { runSynthetic } from '../../examples/synthetic/synthetic.ts'
import { noop, type Work } from '../../examples/synthetic/tasks.ts'
import { run } from './child.ts'

/** What the tasks of an engine were given, in the order of submission. */
function works(engine: TestEngine): Work[] {
  return engine
    .callsOf(noop)
    .toSorted((a, b) => (a.taskId < b.taskId ? -1 : 1))
    .map(({ args }) => args[0] as Work)
}

const bag = { structure: 'bag', taskCount: 12, bagMaxRunning: 4 } as const

describe('synthetic', () => {
  test.each<[Structure, number, Record<string, number>]>([
    ['bag', 12, {}],
    ['diamond', 14, { 'noop -> noop': 12 + 12 }],
    ['reduce', 13, { 'noop -> noop': 12 }],
    ['sequential', 12, { 'noop -> noop': 11 }],
  ])('%s runs %i tasks for 12', async (structure, tasks, edges) => {
    await using engine = new TestEngine()
    expect((await runSynthetic(engine, { ...bag, structure })).tasks).toBe(tasks)
    expect(summarizeGraph(engine.graph())).toEqual({ tasks: { noop: tasks }, edges, statuses: { succeeded: tasks } })
  })

  test('takes the name of a structure in capitals, as TaPS does', async () => {
    await using engine = new Engine()
    expect((await runSynthetic(engine, { structure: 'DIAMOND' as Structure, taskCount: 1 })).tasks).toBe(3)
  })

  test('runs the tasks of the warm-up first, and counts them', async () => {
    await using engine = new TestEngine()
    expect((await runSynthetic(engine, { ...bag, warmupTasks: 3 })).tasks).toBe(3 + 12)
    expect(engine.calls.map(({ name }) => name)).toEqual([...Array(3).fill('warmup'), ...Array(12).fill('noop')])
  })

  test.each<[Structure, number[]]>([
    ['bag', [1, 1, 1]],
    ['diamond', [1, 1, 1, 1, 3]],
    ['reduce', [1, 1, 1, 3]],
    ['sequential', [1, 1, 1]],
  ])('each task of a %s is given data of the size that was asked for, from each parent', async (structure, inputs) => {
    await using engine = new TestEngine()
    await runSynthetic(engine, { structure, taskCount: 3, taskDataBytes: 100, bagMaxRunning: 2 })
    const sizes = works(engine).map((work) => work.inputs.map((input) => input.length))
    expect(sizes).toEqual(inputs.map((count) => Array(count).fill(100)))
  })

  test('each task returns data of the size that was asked for', async () => {
    expect(await noop({ inputs: [], outputBytes: 70_000, sleep: 0 })).toHaveLength(70_000)
  })

  test.each<[Structure, number]>([
    // 12 tasks, 4 at a time
    ['bag', 3 * 50],
    ['diamond', 3 * 50],
    ['reduce', 2 * 50],
    ['sequential', 12 * 50],
  ])('a %s of tasks that take 50 ms takes %i ms', async (structure, ms) => {
    await using engine = new TestEngine()
    await runSynthetic(engine, { ...bag, structure, taskSleep: 50 })
    expect(engine.clock.now()).toBe(ms)
  })

  test('tasks take different times with a standard deviation, but for those that begin and end a diamond', async () => {
    await using engine = new TestEngine()
    const options = { structure: 'diamond', taskCount: 2_000, taskSleep: 100, taskStd: 10 } as const
    await runSynthetic(engine, { ...options, random: seededRandom(1) })
    const sleeps = works(engine).map(({ sleep }) => sleep)
    expect([sleeps.shift(), sleeps.pop()]).toEqual([100, 100])
    const mean = sleeps.reduce((sum, sleep) => sum + sleep, 0) / sleeps.length
    const std = Math.sqrt(sleeps.reduce((sum, sleep) => sum + (sleep - mean) ** 2, 0) / sleeps.length)
    expect(Math.abs(mean - 100)).toBeLessThan(1)
    expect(std).toBeGreaterThan(9)
    expect(std).toBeLessThan(11)
  })

  test('no task takes less than no time', async () => {
    await using engine = new TestEngine()
    await runSynthetic(engine, { ...bag, taskCount: 200, taskSleep: 1, taskStd: 100, random: seededRandom(2) })
    expect(Math.min(...works(engine).map(({ sleep }) => sleep))).toBe(0)
  })

  test.each([1, 3, 12, 100])('a bag never exceeds its window of %i', async (bagMaxRunning) => {
    await using engine = new TestEngine()
    let onTheirWay = 0
    let most = 0
    engine.on('submitted', () => {
      most = Math.max(most, ++onTheirWay)
    })
    engine.on('settled', () => onTheirWay--)
    const options = { ...bag, bagMaxRunning, taskSleep: 10, taskStd: 5, random: seededRandom(3) }
    await runSynthetic(engine, options)
    expect(most).toBe(Math.min(bagMaxRunning, 12))
  })

  test('a bag ends with the first failure', async () => {
    await using engine = new TestEngine({
      faults: [{ kind: 'fail', task: noop, times: 1, error: new Error('broken') }],
    })
    await expect(runSynthetic(engine, bag)).rejects.toThrow('broken')
    expect(engine.tasksExecuted).toBeLessThan(12)
  })

  const reduce = { structure: 'reduce', taskCount: 1 } as const
  test.each<[Partial<Record<keyof SyntheticOptions, unknown>>, string]>([
    [{ ...reduce, structure: 'ring' }, 'structure takes bag, diamond, reduce, sequential, not "ring"'],
    [{ taskCount: 1 }, 'structure takes bag, diamond, reduce, sequential, not undefined'],
    [{ structure: 'bag', taskCount: 1 }, 'bagMaxRunning has to be given for the structure bag'],
    [{ ...bag, bagMaxRunning: 0 }, 'bagMaxRunning takes a whole number of at least 1, not 0'],
    [{ ...reduce, taskCount: 0 }, 'taskCount takes a whole number of at least 1, not 0'],
    [{ ...reduce, taskCount: 1.5 }, 'taskCount takes a whole number of at least 1, not 1.5'],
    [{ ...reduce, taskDataBytes: -1 }, 'taskDataBytes takes a whole number of at least 0, not -1'],
    [{ ...reduce, taskSleep: Number.NaN }, 'taskSleep takes milliseconds of at least 0, not NaN'],
    [{ ...reduce, taskStd: -1 }, 'taskStd takes milliseconds of at least 0, not -1'],
    [{ ...reduce, warmupTasks: -1 }, 'warmupTasks takes a whole number of at least 0, not -1'],
  ])('refuses %j, and runs nothing', async (options, message) => {
    await using engine = new Engine()
    await expect(runSynthetic(engine, options as never)).rejects.toThrow(new OptionError(message))
    expect(engine.tasksExecuted).toBe(0)
  })
})

// Each test starts a process of its own, which takes its time on a busy machine.
describe('the command line of synthetic', () => {
  const program = join(import.meta.dirname, '../../examples/synthetic/main.ts')

  test('has all the parameters', async () => {
    const options = {
      structure: 'Bag',
      'task-count': 5,
      'task-data-bytes': 10,
      'task-sleep': 1,
      'task-std': 0.5,
      'bag-max-running': 2,
      'warmup-tasks': 3,
      concurrency: 2,
    }
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, `${value}`])
    const { code, stdout, stderr } = await run(program, args)
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^bag {9}8 tasks in [\d.]+ ms: [\d,]+ tasks\/s\n$/)
  })

  test.each([
    [['--structure', 'bag', '--task-count', '3'], 'bagMaxRunning has to be given for the structure bag'],
    [['--structure', 'reduce', '--task-count', 'many'], 'task-count takes a number, not "many"'],
    [['--structure', 'reduce'], 'task-count has to be given'],
    [['--task-count', '3'], 'structure has to be given'],
    [['--structur', 'bag'], "Unknown option '--structur'"],
  ])('refuses %j', async (args, message) => {
    const { code, stdout, stderr } = await run(program, args)
    expect([code, stdout, stderr]).toEqual([1, '', `synthetic: ${message}. --help shows the options.\n`])
  })
})
