import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'

const PATIENCE = 20_000

interface Client {
  readonly child: ChildProcess
  /** Processes that it has started, directly or not, and that are still there. */
  descendants(): readonly number[]
  allGone(): Promise<void>
}

function start(manner: string): Client {
  const mark = `TAPS_SDK_TEST_MARK=${randomUUID()}`
  const program = fileURLToPath(new URL('client.fixture.ts', import.meta.url))
  const [name = '', value] = mark.split('=')
  const child = spawn(process.execPath, [program, manner], {
    env: { ...process.env, [name]: value },
    stdio: ['ignore', 'pipe', 'inherit'],
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

/** Processes whose environment has a variable, which they inherit. */
function marked(mark: string): readonly number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.map(Number).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(mark)
    } catch {
      // It has ended meanwhile, or is not ours.
      return false
    }
  })
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
  test.each(['SIGKILL', 'SIGTERM'] as const)('when it is killed by %s', { timeout: PATIENCE }, async (signal) => {
    const client = start('hold')
    await running(client)
    expect(client.descendants().length).toBeGreaterThan(3)
    client.child.kill(signal)
    await client.allGone()
  })

  test('when it ends without a shutdown, which an idle executor does not hinder', { timeout: PATIENCE }, async () => {
    const client = start('idle')
    await once(client.child, 'exit')
    expect(client.child.exitCode).toBe(0)
    await client.allGone()
  })

  test('when the Python program is killed, and the next call has another one', { timeout: PATIENCE }, async () => {
    const client = start('hold')
    await running(client)
    const before = client.descendants()
    for (const pid of before) if (isProgram(pid)) process.kill(pid, 'SIGKILL')
    const [text] = await Promise.all([rest(client), once(client.child, 'exit')])
    expect(text).toBe('rejected\nrejected\n9\n')
    await client.allGone()
    expect(before.length).toBeGreaterThan(3)
  })
})

/** Whether it is the program itself, or what watches over it. */
function isProgram(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[1] === '-u'
  } catch {
    return false
  }
}
