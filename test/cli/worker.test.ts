import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { WorkerCrashedError } from '../../src/index.ts'
import { type CliWorker, executorOn, FAULT_TASKS, runCli, startCliWorker } from '../bullmq/support.ts'
import { hold, place, spin } from '../executor/pool/fault-tasks.ts'
import { Scratch } from '../executor/pool/scratch.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'

let redis: RedisServer
let scratch: Scratch
const started: CliWorker[] = []
beforeAll(async () => {
  redis = await startRedis()
})
beforeEach(() => {
  scratch = new Scratch()
})
afterEach(async () => {
  for (const { child, ended } of started.splice(0)) {
    child.kill('SIGKILL')
    await ended
  }
  scratch.remove()
})
afterAll(() => redis.stop())

async function start(queue: string, ...more: string[]): Promise<CliWorker> {
  const worker = await startCliWorker(redis.url, queue, '--module', FAULT_TASKS, ...more)
  started.push(worker)
  return worker
}

async function stdoutOf(worker: CliWorker): Promise<string> {
  let text = ''
  worker.child.stdout?.on('data', (chunk) => {
    text += chunk
  })
  expect(await worker.ended).toBe(0)
  return text
}

/** Whether a process runs: one that is dead and not yet looked after does not. */
function isAlive(pid: number): boolean {
  const path = `/proc/${pid}/stat`
  if (existsSync('/proc/self/stat')) return existsSync(path) && !/\) [ZX] /.test(readFileSync(path, 'utf8'))
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function gone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 10))
}

test('--help tells all options', async () => {
  const text = await stdoutOf(runCli(['--help']))
  for (const option of ['redis', 'queue', 'module', 'workers', 'concurrency', 'root', 'data-dir', 'prefix', 'stalled'])
    expect(text).toContain(`--${option} `)
})

const WORKER = ['worker', '--redis', 'redis://127.0.0.1:1', '--queue', 'q']
const MODULE = ['--module', FAULT_TASKS]

test.for<[string, string[], RegExp]>([
  ['no command', [], /which command\? There is: worker/],
  ['an unknown command', ['server'], /there is no command server; there is: worker/],
  ['an unknown option', ['worker', '--url', 'x'], /Unknown option '--url'/],
  ['no server', ['worker', '--queue', 'q', ...MODULE], /where is the queue\? Give --redis URL/],
  ['no queue', ['worker', '--redis', 'redis://127.0.0.1', ...MODULE], /which queue\? Give --queue NAME/],
  ['no module', WORKER, /which tasks\? Give --module FILE/],
  [
    'a module too much',
    [...WORKER, ...MODULE, 'other.ts'],
    /worker takes no other\.ts: modules are given with --module/,
  ],
  ['a module that does not exist', [...WORKER, '--module', './nowhere.ts'], /there is no module .*nowhere\.ts/],
  [
    'a root that does not exist',
    [...WORKER, ...MODULE, '--root', './no-such-folder'],
    /there is no folder .*no-such-folder/,
  ],
  ['a number that is none', [...WORKER, ...MODULE, '--workers', '1.5'], /--workers takes a whole number of at least 1/],
  ['a rule that is none', [...WORKER, ...MODULE, '--stalled', 'maybe'], /stalled takes 'fail' or 'again', not "maybe"/],
  [
    'a name that is none',
    ['worker', '--redis', 'redis://x', '--queue', 'a:b', ...MODULE],
    /queue takes letters, digits/,
  ],
  [
    'an address that is none',
    ['worker', '--redis', 'http://:secret@x', '--queue', 'q', ...MODULE],
    /redis:\/\/host:port/,
  ],
])('wrong arguments end it with 2, and are named: %s', async ([, args, message]) => {
  const cli = runCli(args, { TAPS_SDK_REDIS: '' })
  expect(await cli.ended).toBe(2)
  expect(cli.log()).toMatch(message)
  expect(cli.log()).toContain('Try: taps-sdk --help')
  expect(cli.log()).not.toContain('secret')
})

test('on SIGTERM it ends with 0 when it has nothing to do', async () => {
  const worker = await start('idle')
  worker.child.kill('SIGTERM')
  expect(await worker.ended).toBe(0)
})

test('on SIGTERM it ends with 0 while it is still being started', async () => {
  const silent = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  const worker = runCli(['worker', '--redis', `redis://127.0.0.1:${port}`, '--queue', 'silent', ...MODULE])
  started.push(worker)
  await once(silent, 'connection')
  worker.child.kill('SIGTERM')
  expect(await worker.ended).toBe(0)
  silent.close()
})

test('a second signal ends it at once, with 1, and its processes too', async () => {
  const trace = scratch.path()
  const worker = await start('twice')
  const pool = executorOn(redis.url, 'twice')
  const process = (await pool.submit(place)) as number
  const running = pool.submit(spin, trace, 'spins').then(
    () => undefined,
    (error) => error,
  )
  await scratch.written(trace, 'spins')
  worker.child.kill('SIGINT')
  await once(worker.child.stderr as NodeJS.ReadableStream, 'data')
  worker.child.kill('SIGINT')
  expect(await worker.ended).toBe(1)
  await gone(process)
  expect(await running).toBeInstanceOf(WorkerCrashedError)
  await pool.shutdown()
})

test('killed, it leaves no process behind, whatever that does', async () => {
  const [trace, gate] = [scratch.path(), scratch.path()]
  const worker = await start('orphans', '--workers', '2')
  const pool = executorOn(redis.url, 'orphans')
  const calls = [pool.submit(spin, trace, 'a'), pool.submit(hold, trace, 'b', gate)]
  await Promise.all([scratch.written(trace, 'a'), scratch.written(trace, 'b')])
  const children = readFileSync(`/proc/${worker.pid}/task/${worker.pid}/children`, 'utf8').trim().split(' ').map(Number)
  expect(children).toHaveLength(2)
  worker.child.kill('SIGKILL')
  await Promise.all(children.map(gone))
  for (const call of calls) await expect(Promise.resolve(call)).rejects.toBeInstanceOf(WorkerCrashedError)
  await pool.shutdown()
})
