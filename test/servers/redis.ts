import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'

/** How to start a server. */
export interface RedisServerOptions {
  /** Further arguments, such as `--maxmemory 10mb`. */
  readonly args?: readonly string[]
  /** @defaultValue one that is free */
  readonly port?: number
}

/** A redis-server of a test's own, which keeps nothing on disk. */
export interface RedisServer {
  readonly url: string
  readonly port: number
  /** Of the server itself. */
  readonly pid: number
  /** Ends the server at once, as a crash would. */
  kill(): Promise<void>
  /** Ends the server, and removes its folder. */
  stop(): Promise<void>
}

// The shell becomes the server, with the path of its folder as $0. What it leaves behind waits for the end of a pipe, which
// comes with the end of the process that has started the server, however that ends.
const WATCHED = '{ cat <&3; kill -9 $$; rm -r "$0"; } >/dev/null 2>&1 & exec "$@" 3<&- 2>&1'
const ATTEMPTS = 5

/** Starts a server on a free port of this machine, and waits until it answers. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(options.port ?? (await freePort()), options.args ?? [])
    } catch (error) {
      // Somebody else may have taken the port meanwhile.
      if (options.port !== undefined || attempt === ATTEMPTS) throw error
    }
  }
}

async function start(port: number, args: readonly string[]): Promise<RedisServer> {
  const dir = mkdtempSync(join(tmpdir(), 'taps-sdk-redis-'))
  const own = ['--bind', '127.0.0.1', '--port', String(port), '--dir', dir, '--save', '', '--appendonly', 'no']
  const server = spawn('sh', ['-c', WATCHED, dir, redisServer(), ...own, ...args], {
    stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
  })
  const ended = once(server, 'exit')
  const kill = async (): Promise<void> => {
    ;(server.stdio[3] as Writable).destroy()
    await ended
  }
  const stop = async (): Promise<void> => {
    await kill()
    rmSync(dir, { recursive: true, force: true })
  }
  try {
    await untilReady(server)
  } catch (error) {
    await stop()
    throw error
  }
  return { url: `redis://127.0.0.1:${port}`, port, pid: server.pid as number, kill, stop }
}

async function untilReady(server: ChildProcess): Promise<void> {
  const log: string[] = []
  const lines = createInterface({ input: server.stdout as NodeJS.ReadableStream })
  for await (const line of lines) {
    if (line.includes('Ready to accept connections')) {
      // What it says later is for nobody, and must not hold it up.
      server.stdout?.resume()
      return
    }
    log.push(line)
  }
  throw new Error(`redis-server ended before it was ready:\n${log.join('\n')}`)
}

function redisServer(): string {
  const installed = fileURLToPath(new URL('../../.venv/bin/redis-server', import.meta.url))
  if (existsSync(installed)) return installed
  if (spawnSync('redis-server', ['--version']).status === 0) return 'redis-server'
  throw new Error('There is no redis-server: `node scripts/setup.mjs --servers` installs one')
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
