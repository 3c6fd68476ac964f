import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { constants, getPriority, hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { Engine, WorkerCrashedError } from '../../../src/index.ts'
import { ProcessPoolExecutor } from '../../../src/node/index.ts'
import { echo } from './data-tasks.ts'
import { collect, failureOf, withoutPlace } from './each-pool.ts'
import { count, folder, hold, niceness, place, variables } from './option-tasks.ts'
import { delegate, sayAndExit } from './output-tasks.ts'

const temporary = mkdtempSync(join(tmpdir(), 'pool-prefix-'))
afterAll(() => rmSync(temporary, { recursive: true }))

/** Like ssh, it joins its arguments with spaces and gives them to a shell. */
const fakeSsh = join(temporary, 'ssh')
writeFileSync(fakeSsh, '#!/bin/sh\nFAKE_HOST="$1"; export FAKE_HOST; shift\nexec sh -c "$*"\n', { mode: 0o755 })

const colour = (name: string): readonly string[] => ['env', `COLOUR=${name}`]

/** A task that says the colour of its worker, for workers of a label. */
const colourIn = (labels: string | readonly string[]): typeof variables => variables.with({ labels })

// Each test starts several processes, one after the other.
describe('a prefix', () => {
  test('is the command that each worker runs behind', async () => {
    await using pool = new ProcessPoolExecutor({ maxWorkers: 1, prefix: ['env', 'COLOUR=a b "$HOME"'] })
    expect(await pool.submit(variables, 'COLOUR')).toEqual(['a b "$HOME"'])
    expect(await pool.submit(folder)).toBe(process.cwd())
    expect((await pool.submit(count))[1]).toBe(1)
  })

  test('changes the priority of its processes', async () => {
    await using pool = new ProcessPoolExecutor({ maxWorkers: 1, prefix: ['nice', '-n', '5'] })
    expect(await pool.submit(niceness)).toBe(Math.min(getPriority() + 5, constants.priority.PRIORITY_LOW))
  })

  test('may join its arguments and give them to a shell, as ssh does', async () => {
    const pool = new ProcessPoolExecutor({ maxWorkers: 1, prefix: [fakeSsh, 'some-host'] })
    const exited = collect(pool, 'workerExited')
    const bytes = new Uint8Array(300_000).map((_, i) => i)
    expect(await pool.submit(variables, 'FAKE_HOST')).toEqual(['some-host'])
    const engine = new Engine({ executor: pool })
    expect(await engine.map(echo, [bytes, 'text', undefined])).toEqual([bytes, 'text', undefined])
    await engine.shutdown()
    expect(exited.map(({ how }) => how)).toEqual(['exited with code 0'])
  })

  test('keeps its protocol apart from all that tasks and their children print', async () => {
    await using pool = new ProcessPoolExecutor({ maxWorkers: 1, prefix: colour('none') })
    const lines = collect(pool, 'output')
    const calls = [1, 2].map((call) => [pool.submit(delegate), pool.submit(count), call] as const)
    for (const [noise, counted, call] of calls) {
      expect(await noise).toBe(undefined)
      expect((await counted)[1]).toBe(call)
    }
    await pool.shutdown()
    expect(lines.filter(({ line }) => line === 'from a child')).toHaveLength(2)
  })

  test('may lead to another machine: the worker itself says where it is', async () => {
    await using engine = new Engine({
      executor: new ProcessPoolExecutor({ maxWorkers: 1, prefix: [fakeSsh, 'some-host'] }),
    })
    const where = engine.submit(place)
    // Not the id of the command.
    expect(await where).toBeTypeOf('number')
    expect(where.info).toMatchObject({ host: hostname(), worker: `process ${await where}` })
  })

  test('tells how a worker ended behind it', async () => {
    await using pool = new ProcessPoolExecutor({ maxWorkers: 1, prefix: colour('none') })
    collect(pool, 'output')
    const error = await failureOf(pool.submit(sayAndExit))
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect(withoutPlace(error.message)).toBe('The worker that ran sayAndExit exited with code 3')
    expect((await pool.submit(count))[1]).toBe(1)
  })

  test('is refused, with what it said, where it writes to the standard output of the worker', async () => {
    await using pool = new ProcessPoolExecutor({
      maxWorkers: 1,
      prefix: ['sh', '-c', 'echo Welcome!; exec "$@"', 'sh'],
    })
    const error = await failureOf(pool.submit(place))
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect(error.message).toMatch(
      /^No worker could be started: the last one said something that makes no sense: There was "Welcome!.* where a message was due\. Only the worker may write to its pipe; with a prefix, that is standard output$/s,
    )
  })

  test('may write to standard error', async () => {
    await using pool = new ProcessPoolExecutor({
      maxWorkers: 1,
      prefix: ['sh', '-c', 'echo Welcome! >&2; exec "$@"', 'sh'],
    })
    const lines = collect(pool, 'output')
    expect((await pool.submit(count))[1]).toBe(1)
    expect(lines).toMatchObject([{ stream: 'stderr', line: 'Welcome!', task: '' }])
  })

  test.each([
    ['does not exist', ['/no/such/command'], /could not be started: spawn \/no\/such\/command ENOENT$/],
    ['ends at once', ['false'], /exited with code 1$/],
  ])('fails the calls that wait for it where it %s', async (_, prefix, message) => {
    await using pool = new ProcessPoolExecutor({ maxWorkers: 1, prefix })
    const error = await failureOf(pool.submit(place))
    expect(error).toBeInstanceOf(WorkerCrashedError)
    expect(error.message).toMatch(message)
  })
})

describe('prefixes by label', () => {
  test('send each call to a worker of its label, of the first that has one; all others to one without', async () => {
    await using pool = new ProcessPoolExecutor({ maxWorkers: 3, prefix: { blue: colour('blue'), red: colour('red') } })
    const started = collect(pool, 'workerStarted')
    const calls = ['blue', 'red', ['big', 'red', 'blue'], 'big', []].map((labels) =>
      pool.submit(colourIn(labels), 'COLOUR'),
    )
    expect((await Promise.all([...calls, pool.submit(variables, 'COLOUR')])).flat()).toEqual([
      'blue',
      'red',
      'red',
      undefined,
      undefined,
      undefined,
    ])
    expect(started.length).toBe(3)
  })

  test('go by the labels of the tasks of an engine, beside its limits', async () => {
    const pool = new ProcessPoolExecutor({ maxWorkers: 2, prefix: { blue: colour('blue') } })
    await using engine = new Engine({ executor: pool, limits: { blue: 1 } })
    const blue = engine.submit(colourIn('blue'), 'COLOUR')
    const plain = engine.submit(variables, 'COLOUR')
    expect([await blue, await plain]).toEqual([['blue'], [undefined]])
  })

  test('fail the calls of a label whose command cannot be started, and no others', async () => {
    await using pool = new ProcessPoolExecutor({ maxWorkers: 2, prefix: { lost: ['/no/such/command'] } })
    const [lost, plain] = [pool.submit(colourIn('lost'), 'COLOUR'), pool.submit(variables, 'COLOUR')]
    expect((await failureOf(lost)).message).toContain('/no/such/command')
    expect(await plain).toEqual([undefined])
  })

  test('give all labels their turn where there are more of them than workers', async () => {
    const names = ['blue', 'red', 'green']
    const prefix = Object.fromEntries(names.map((name) => [name, colour(name)]))
    await using pool = new ProcessPoolExecutor({ maxWorkers: 1, prefix })
    const calls = [...names, ...names].map((name) => pool.submit(colourIn(name), 'COLOUR'))
    expect((await Promise.all(calls)).flat()).toEqual([...names, ...names])
  })

  test('starve nobody while calls of other labels never end', async () => {
    const prefix = { blue: colour('blue'), red: colour('red'), green: colour('green') }
    await using pool = new ProcessPoolExecutor({ maxWorkers: 1, prefix })
    let isOver = false
    const keepBusy = async (): Promise<void> => {
      while (!isOver) await pool.submit(colourIn('blue'), 'COLOUR')
    }
    const busy = [keepBusy(), keepBusy(), keepBusy()]
    const others = [pool.submit(colourIn('red'), 'COLOUR'), pool.submit(colourIn('green'), 'COLOUR')]
    expect(await Promise.all(others)).toEqual([['red'], ['green']])
    isOver = true
    await Promise.all(busy)
  })

  test('leave a worker alone that runs a call, however many wait for its place', async () => {
    const gate = join(temporary, 'gate')
    await using pool = new ProcessPoolExecutor({ maxWorkers: 1, prefix: { blue: colour('blue') } })
    const started = new Promise<void>((resolve) => pool.on('workerStarted', () => resolve()))
    const held = pool.submit(hold, gate)
    const blue = pool.submit(colourIn('blue'), 'COLOUR')
    await started
    writeFileSync(gate, '')
    expect([await held, await blue]).toEqual(['released', ['blue']])
  })
})
