/** What the client has to do with large values that tasks on worker processes pass on to each other: nothing. */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RedisServer, startRedis } from '../../servers/redis.ts'

const program = fileURLToPath(new URL('data-plane-flow.ts', import.meta.url))

interface Measured {
  readonly value: number
  /** Bytes that the client has read and written. */
  readonly moved: number
  /** Bytes of memory that it has more. */
  readonly grown: number
}

let dir: string
let redis: RedisServer
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'taps-sdk-flow-'))
  redis = await startRedis()
})
afterAll(async () => {
  await redis.stop()
  rmSync(dir, { recursive: true })
})

// Only Linux tells what a process has read and written.
describe.skipIf(!existsSync('/proc/self/io'))('the client moves less than 1 MB, and its memory stays flat', () => {
  test.for(['file', 'memory', 'redis'])('values in %s', async (kind) => {
    const child = spawn(process.execPath, [program, kind, kind === 'redis' ? redis.url : dir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const chunks: Buffer[] = []
    for await (const chunk of child.stdout) chunks.push(chunk)
    const { chain, fan } = JSON.parse(Buffer.concat(chunks).toString()) as Record<'chain' | 'fan', Measured>
    expect(chain.value).toBe(10_000_000)
    expect(fan.value).toBe(20 * 1_000_000)
    for (const { moved, grown } of [chain, fan]) {
      // Of 400 and 40 MB that the workers have moved.
      expect(moved).toBeLessThan(1_000_000)
      expect(grown).toBeLessThan(40_000_000)
    }
    // By the end of the engine.
    expect(readdirSync(dir)).toEqual([])
  })
})
