/** What back ends do without us: their own clients, with functions that do nothing. */
import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { pythonWithBackends } from '../test/servers/python.ts'
import { startRawQueue } from './back-ends.ts'
import { median } from './case.ts'
import { atOnce, inWindow, type Peer } from './drive.ts'
import { check, sumBelow, timedFor } from './measure.ts'

export type Figures = Readonly<Record<string, number>>

const CLIENT = fileURLToPath(new URL('workers/own_client.py', import.meta.url))
const RAW_JOBS = 10_000
const WARM_UP_JOBS = 2_000
const LEAST_MS = 700

/** Of a back end of Python. */
export async function pythonClient(name: string): Promise<Figures> {
  const { stdout } = await promisify(execFile)(pythonWithBackends(), ['-B', CLIENT, name], { cwd: '/tmp' })
  return JSON.parse(stdout)
}

export const LONE_CALLS = 50
/** The back end has come to rest before the next lone call. */
const PAUSE = 20

/** Milliseconds of a call while there is nothing else to do. */
export async function loneCall(submit: (i: number) => PromiseLike<number>): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < LONE_CALLS; i++) {
    await sleep(PAUSE)
    const start = performance.now()
    const value = await submit(i)
    times.push(performance.now() - start)
    check(value, i)
  }
  return median(times)
}

/** Links of a chain in a second: each is awaited before the next is submitted. */
export async function chain(submit: (i: number) => PromiseLike<number>): Promise<number> {
  const LINKS = 20
  const run = async (): Promise<void> => {
    let value = 0
    for (let i = 0; i < LINKS; i++) value = await submit(value)
    check(value, LINKS)
  }
  return LINKS / ((await timedFor(LEAST_MS, run)) / 1_000)
}

/** Tasks in a second, of runs of n. */
export async function rate(n: number, run: (n: number) => Promise<number>): Promise<number> {
  const ms = await timedFor(LEAST_MS, async () => check(await run(n), sumBelow(n)))
  return n / (ms / 1_000)
}

/** Of BullMQ itself: jobs are added, and their results come as events. */
export async function rawBullMQ(): Promise<Figures> {
  const { peer, stop } = await openRawBullMQ()
  await rate(WARM_UP_JOBS, (n) => atOnce(peer, n))
  const figures = {
    'lone call': await loneCall(peer.submit),
    '64 in flight': await rate(RAW_JOBS / 2, (n) => inWindow(peer, n)),
    'at once': await rate(RAW_JOBS, (n) => atOnce(peer, n)),
  }
  await stop()
  return figures
}

async function openRawBullMQ(): Promise<{ peer: Peer; stop(): Promise<void> }> {
  const [{ Queue, QueueEvents }, { createClient }] = await Promise.all([import('bullmq'), import('redis')])
  const { url, queue: name, stop } = await startRawQueue()
  const client = createClient({ url, RESP: 2 })
  await client.connect()
  const connection = client as never
  const queue = new Queue(name, { connection })
  const events = new QueueEvents(name, { connection })
  await events.waitUntilReady()
  const waiting = new Map<number, (value: number) => void>()
  events.on('completed', ({ returnvalue }) => {
    const { i } = returnvalue as unknown as { i: number }
    waiting.get(i)?.(i)
  })
  const result = (i: number): Promise<number> => new Promise((resolve) => waiting.set(i, resolve))
  const submit = (i: number): Promise<number> => {
    const value = result(i)
    queue.add('noop', { i })
    return value
  }
  const all = async (n: number): Promise<number[]> => {
    const jobs = Array.from({ length: n }, (_, i) => ({ name: 'noop', data: { i } }))
    const values = jobs.map(({ data }) => result(data.i))
    await queue.addBulk(jobs)
    return Promise.all(values)
  }
  const close = async (): Promise<void> => {
    await Promise.all([events.close(), queue.close()])
    client.destroy()
    await stop()
  }
  return { peer: { submit, all }, stop: close }
}
