/** A disk that takes only some bytes at a time, and then no more: like one that is nearly full. */
import type * as Fs from 'node:fs'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { FileConnector } from '../../src/connector/file.ts'

const disk = vi.hoisted(() => ({ free: Number.POSITIVE_INFINITY }))

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof Fs>()
  const writevSync: typeof Fs.writevSync = (fd, chunks) => {
    const bytes = Buffer.concat(chunks as Uint8Array[]).subarray(0, Math.min(1_000, disk.free))
    if (bytes.length === 0) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    disk.free -= bytes.length
    return fs.writeSync(fd, bytes)
  }
  return { ...fs, writevSync }
})

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'taps-sdk-full-'))
  disk.free = Number.POSITIVE_INFINITY
})
afterEach(() => rmSync(dir, { recursive: true }))

test('what is written in parts is complete', () => {
  const connector = new FileConnector({ dir })
  const chunks = [300, 0, 1_700, 1, 2_999, 1_000].map((size, i) => new Uint8Array(size).fill(i + 1))
  expect(connector.get(connector.put(chunks))).toEqual(Buffer.concat(chunks))
})

test('a full disk is told with the path and the cure, and no part of a file is left', () => {
  const connector = new FileConnector({ dir })
  connector.put([new Uint8Array(2_500)])
  disk.free = 1_500
  expect(() => connector.put([new Uint8Array(2_500)])).toThrow(
    /Cannot write \S+: ENOSPC, the disk is full: free some space, or choose a folder on another disk/,
  )
  const entries = readdirSync(join(dir, connector.run), { recursive: true, withFileTypes: true })
  expect(entries.filter((entry) => entry.isFile())).toHaveLength(1)
})

test('when there is room again, it stores again', () => {
  const connector = new FileConnector({ dir })
  disk.free = 0
  expect(() => connector.put([new Uint8Array(1)])).toThrow('ENOSPC')
  disk.free = 10
  expect(connector.exists(connector.put([new Uint8Array(10)]))).toBe(true)
})
