import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { removeLeftovers } from '../../src/connector/leftovers.ts'
import { SharedMemoryConnector, type SharedMemoryConnectorOptions } from '../../src/connector/shared-memory.ts'
import { recipeOf } from '../../src/plugin.ts'

const program = fileURLToPath(new URL('shared-memory.fixture.ts', import.meta.url))
const bytes = (text: string): Uint8Array[] => [new TextEncoder().encode(text)]
const textOf = async (found: ReturnType<SharedMemoryConnector['get']>): Promise<string> =>
  Buffer.from((await found) ?? []).toString()

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'taps-sdk-shared-'))
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(dir, { recursive: true })
})

describe('between processes', () => {
  test('another process reads, stores and evicts', async () => {
    const connector = new SharedMemoryConnector()
    const key = connector.put(bytes('hello'))
    const child = fork(program)
    child.send({ recipe: recipeOf(connector, 'connector'), key })
    const [answer] = await once(child, 'message')
    child.disconnect()
    expect(await textOf(connector.get(answer))).toBe('got hello')
    expect(connector.exists(key)).toBe(false)
    connector.close()
  })

  test('the files are in memory where the machine has a folder for that, and for this user only', () => {
    const connector = new SharedMemoryConnector()
    connector.put(bytes('hello'))
    const folder = join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), connector.run)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    connector.close()
    expect(existsSync(folder)).toBe(false)
  })

  test('another folder may be named', () => {
    const connector = new SharedMemoryConnector({ dir })
    connector.put(bytes('hello'))
    expect(readdirSync(dir)).toEqual([connector.run])
    connector.close()
    expect(readdirSync(dir)).toEqual([])
  })

  test('a run that is in use is no leftover', () => {
    const connector = new SharedMemoryConnector()
    const key = connector.put(bytes('hello'))
    expect(removeLeftovers()).not.toContain(connector.run)
    expect(connector.exists(key)).toBe(true)
    connector.close()
  })
})

describe('between threads', () => {
  const between = 'threads'

  test('another thread reads the very memory, stores and evicts', async () => {
    const connector = new SharedMemoryConnector({ between })
    const key = connector.put(bytes('hello'))
    const before = connector.get(key)
    const worker = new Worker(program, { workerData: { recipe: recipeOf(connector, 'connector'), key } })
    const [answer] = await once(worker, 'message')
    expect(await textOf(before)).toBe('Hello')
    expect(await textOf(connector.get(answer))).toBe('got Hello')
    expect([connector.exists(key), connector.get(key)]).toEqual([false, undefined])
  })

  test('get copies nothing, and any typed array fits', () => {
    const connector = new SharedMemoryConnector({ between })
    const key = connector.put([new Uint8Array(new Float64Array([1.5, 2.5]).buffer)])
    const found = connector.get(key) as Uint8Array
    expect(found.buffer).toBe((connector.get(key) as Uint8Array).buffer)
    expect(new Float64Array(found.buffer, found.byteOffset, 2)).toEqual(new Float64Array([1.5, 2.5]))
  })

  test('memory whose keys are gone is used again', async () => {
    const connector = new SharedMemoryConnector({ between })
    const value = [new Uint8Array(10_000_000).fill(1)]
    const before = process.memoryUsage.rss()
    let most = 0
    for (let i = 0; i < 120; i++) {
      await new Promise(setImmediate)
      expect(connector.exists(connector.put(value))).toBe(true)
      most = Math.max(most, process.memoryUsage.rss() - before)
    }
    expect(most).toBeLessThan(700_000_000)
  })

  test('bytes are gone when their time is over', () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000 })
    const connector = new SharedMemoryConnector({ between, ttl: 1_000 })
    const key = connector.put(bytes('hello'))
    vi.setSystemTime(1_000_999)
    expect(connector.exists(key)).toBe(true)
    vi.setSystemTime(1_001_000)
    expect([connector.exists(key), connector.get(key)]).toEqual([false, undefined])
  })

  test('a key of another run is refused', () => {
    const key = new SharedMemoryConnector({ between }).put(bytes('hello'))
    const other = new SharedMemoryConnector({ between })
    expect(() => other.get(key)).toThrow(`was given to a SharedMemoryConnector of run ${other.run}`)
  })
})

test.each([
  [{ between: 'machines' }, "between takes 'threads' or 'processes', not \"machines\""],
  [{ dir: '' }, 'dir takes the path of a folder, not ""'],
  [{ run: '../x' }, 'run takes the name of a run'],
  [{ keep: true }, 'has no option "keep"'],
])('options %j are refused', (options, message) => {
  expect(() => new SharedMemoryConnector(options as SharedMemoryConnectorOptions)).toThrow(message)
})
