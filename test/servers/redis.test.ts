import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { startRedis } from './redis.ts'

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

test('a server answers once it is started, and not once it is stopped', async () => {
  const server = await startRedis()
  expect(await answers(server.port)).toBe(true)
  await server.stop()
  expect(await answers(server.port)).toBe(false)
})

test('a server ends with the process that has started it, however that ends', async () => {
  const program = fileURLToPath(new URL('orphan.fixture.ts', import.meta.url))
  const { stdout, signal } = spawnSync(process.execPath, [program], { encoding: 'utf8' })
  expect([Number(stdout) > 0, signal]).toEqual([true, 'SIGKILL'])
  await expect.poll(() => answers(Number(stdout)), { timeout: 5_000 }).toBe(false)
})

test('arguments that the server does not know are told', async () => {
  await expect(startRedis({ port: 1, args: ['--nonsense', 'yes'] })).rejects.toThrow(
    /ended before it was ready:.+nonsense/s,
  )
})
