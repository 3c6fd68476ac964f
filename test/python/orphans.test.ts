import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Engine } from '../../src/index.ts'
import { DaskExecutor } from '../../src/python/index.ts'
import { startDask } from '../servers/clusters.ts'
import { pythonWithBackends } from '../servers/python.ts'
import { square } from './mixed-tasks.ts'
import { commandOf, isProgram, marked } from './processes.ts'

interface Client {
  readonly child: ChildProcess
  /** Processes that it has started, directly or not, and that are still there. */
  descendants(): readonly number[]
  allGone(): Promise<void>
}

/** @param backEnd - and its address, if it has one */
function start(manner: string, ...backEnd: readonly string[]): Client {
  const mark = `TAPS_SDK_TEST_MARK=${randomUUID()}`
  const program = fileURLToPath(new URL('client.fixture.ts', import.meta.url))
  const [name = '', value] = mark.split('=')
  const child = spawn(process.execPath, [program, manner, ...backEnd], {
    env: { ...process.env, [name]: value },
    // What libraries say as they are killed is of no use.
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const descendants = (): readonly number[] => marked(mark).filter((pid) => pid !== child.pid)
  onTestFinished(() => {
    child.kill('SIGKILL')
    for (const pid of descendants()) process.kill(pid, 'SIGKILL')
  })
  const allGone = async (): Promise<void> => {
    while (descendants().length > 0) await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return { child, descendants, allGone }
}

async function running({ child }: Client): Promise<void> {
  await once(child.stdout as NodeJS.EventEmitter, 'data')
}

/** What it says until its end. */
async function rest({ child }: Client): Promise<string> {
  let text = ''
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) text += chunk
  return text
}

describe.runIf(process.platform === 'linux')('what the client started ends with it', () => {
  test.each(['SIGKILL', 'SIGTERM'] as const)('when it is killed by %s', async (signal) => {
    const client = start('hold', 'pool')
    await running(client)
    expect(client.descendants().length).toBeGreaterThan(3)
    client.child.kill(signal)
    await client.allGone()
  })

  test('when it ends without a shutdown, which an idle executor does not hinder', async () => {
    const client = start('idle', 'pool')
    await once(client.child, 'exit')
    expect(client.child.exitCode).toBe(0)
    await client.allGone()
  })

  test('when the Python program is killed, and the next call has another one', async () => {
    const client = start('hold', 'pool')
    await running(client)
    const before = client.descendants()
    for (const pid of before) if (isProgram(pid)) process.kill(pid, 'SIGKILL')
    const [text] = await Promise.all([rest(client), once(client.child, 'exit')])
    expect(text).toBe('rejected\nrejected\n9\n')
    await client.allGone()
    expect(before.length).toBeGreaterThan(3)
  })

  test.each([
    ['dask', 'hold'],
    ['ray', 'hold'],
    ['parsl', 'hold'],
    ['dask', 'idle'],
    ['ray', 'idle'],
    ['parsl', 'idle'],
  ])('a cluster of its own: %s, %s', async (backEnd, manner) => {
    const client = start(manner, backEnd)
    await running(client)
    const before = client.descendants()
    if (manner === 'hold') client.child.kill('SIGKILL')
    else await once(client.child, 'exit')
    await client.allGone()
    // One that ends by itself may have begun to.
    if (manner === 'hold') expect(before.length).toBeGreaterThan(3)
    expect(before.filter((pid) => commandOf(pid) !== '')).toEqual([])
  })
})

test('a cluster that the client only used stays', async () => {
  const cluster = await startDask()
  onTestFinished(() => cluster.stop())
  const client = start('hold', 'dask there', cluster.address)
  await running(client)
  client.child.kill('SIGKILL')
  await client.allGone()
  await using engine = new Engine({
    executor: new DaskExecutor({ python: pythonWithBackends(), scheduler: cluster.address }),
  })
  expect(await engine.map(square, [1, 2])).toEqual([1, 4])
})
