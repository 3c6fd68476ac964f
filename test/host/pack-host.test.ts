import { writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { PackHost, type PackHostOptions } from '../../src/host/pack-host.ts'
import type { HostedPack, PackListener } from '../../src/host/pack-run.ts'
import {
  CRASHED,
  GIVEN_BACK,
  HOST,
  LINE,
  PACKED,
  REFUSED,
  RESULTS,
  SKIPPED,
  TIMED_OUT,
} from '../../src/worker/protocol.ts'
import { FAULT_TASKS, ROOT } from '../bullmq/support.ts'
import { Scratch } from '../executor/pool/scratch.ts'

const root = pathToFileURL(ROOT).href
const MODULES = [`${root}${FAULT_TASKS}`, `${root}test/executor/pool/output-tasks.ts`]

let scratch: Scratch
const hosts: PackHost[] = []
beforeEach(() => {
  scratch = new Scratch()
})
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.close({ isHard: true })))
  scratch.remove()
})

function hostWith(options: Partial<PackHostOptions> = {}): PackHost {
  const host = new PackHost({ workers: 1, hosted: { modules: MODULES, root }, ...options })
  hosts.push(host)
  return host
}

/** Numbers of tasks, by their names. */
const TASKS = ['run', 'hold', 'holdNow', 'untilAborted', 'echo', 'place']
const ORDINALS: Readonly<Record<string, number>> = { run: 0, hold: 4, holdNow: 3, untilAborted: 7, echo: 12, place: 5 }

interface Call {
  readonly task: string
  readonly args: readonly unknown[]
}

const call = (task: string, ...args: readonly unknown[]): Call => ({ task, args })

function pack(calls: readonly Call[], { timeout = 0, killAfter = 1_000 } = {}): HostedPack {
  const flat = calls.flatMap(({ task, args }, i) => [TASKS.indexOf(task), i, 1, args])
  const tasks = TASKS.map((name, no) => [
    no,
    `./${FAULT_TASKS}`,
    name,
    ORDINALS[name],
    '',
    {},
    timeout,
    killAfter,
    null,
  ])
  return { calls: calls.length, text: JSON.stringify([30, 'client', flat, tasks]), beside: [] }
}

type Message = readonly unknown[]

/** Collects an answer. */
class Answer implements PackListener {
  readonly messages: Message[] = []
  readonly ended: Promise<Message>
  #resolve: (message: Message) => void = () => {}
  #onMessage: (message: Message) => void = () => {}

  constructor() {
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  message(text: string): void {
    const message = JSON.parse(text)
    this.messages.push(message)
    this.#onMessage(message)
  }

  finish(text: string): void {
    this.#resolve(JSON.parse(text))
  }

  /** The first message of a type. */
  next(type: number): Promise<Message> {
    return new Promise((resolve) => {
      const look = (message: Message): void => {
        if (message[0] === type) resolve(message)
      }
      this.messages.forEach(look)
      this.#onMessage = look
    })
  }

  /** Kinds and payloads of results, by position. */
  get results(): unknown[] {
    const all: unknown[] = []
    for (const [type, , first, , results] of this.messages as [number, number, number, number, unknown[]][])
      if (type === RESULTS)
        for (let i = 0; i < results.length; i += 3) all[first + i / 3] = [results[i], results[i + 2]]
    return all
  }
}

function run(host: PackHost, ...given: Parameters<typeof pack>): Answer {
  const answer = new Answer()
  host.run(pack(...given), answer)
  return answer
}

test('an answer begins with the place, has all results by position, and ends', async () => {
  const answer = run(hostWith(), [call('echo', 'a'), call('echo', 'b')])
  expect(await answer.ended).toEqual([PACKED])
  expect(answer.messages[0]).toEqual([HOST, hostname(), expect.stringMatching(/^process \d+$/)])
  expect(answer.results).toEqual([
    [0, 'a'],
    [0, 'b'],
  ])
})

test('positions count from 0 in each pack, and a worker is used again', async () => {
  const host = hostWith()
  const [first, second] = [run(host, [call('place')]), run(host, [call('place')])]
  expect([await first.ended, await second.ended]).toEqual([[PACKED], [PACKED]])
  expect(first.results).toEqual(second.results)
})

test('a worker that ends tells how far it was', async () => {
  const trace = scratch.path()
  const answer = run(hostWith(), [call('echo', 1), call('run', trace, 'x', 'exit'), call('echo', 3)])
  const [type, how, [begun], output] = (await answer.ended) as [number, string, [number], string]
  expect([type, how, begun, output]).toEqual([CRASHED, 'exited with code 3', 2, ''])
})

test('another worker takes its place', async () => {
  const host = hostWith()
  const answers = [run(host, [call('run', scratch.path(), 'x', 'kill')]), run(host, [call('echo', 1)])]
  expect(await answers[0]?.ended).toEqual([CRASHED, 'was killed by SIGKILL', [1, 0, []], ''])
  expect(await answers[1]?.ended).toEqual([PACKED])
})

test('calls behind one that takes long are given back, with what had ended; the long one goes on', async () => {
  const [trace, gate] = [scratch.path(), scratch.path()]
  const host = hostWith()
  const answer = run(host, [call('echo', 1), call('holdNow', trace, 'held', gate), call('run', trace, 'behind')])
  const [, from] = await answer.next(GIVEN_BACK)
  expect(from).toBe(2)
  await scratch.written(trace, 'held')
  scratch.open(gate)
  expect(await answer.ended).toEqual([PACKED])
  expect(answer.results[2]).toEqual([SKIPPED, 0])
  expect(scratch.lines(trace)).toEqual(['held'])
  expect(await run(host, [call('echo', 1)]).ended).toEqual([PACKED])
})

test('a call whose time is up is told to stop, and its answer does not wait for it', async () => {
  const trace = scratch.path()
  const host = hostWith()
  const answer = run(host, [call('untilAborted', trace), call('echo', 2)], { timeout: 100 })
  const [type, position] = await answer.ended
  expect([type, position]).toEqual([TIMED_OUT, 0])
  // The body has ended when it was told to: the same worker goes on.
  const next = run(host, [call('echo', 3)])
  expect(await next.ended).toEqual([PACKED])
  expect(next.messages[0]).toEqual(answer.messages[0])
})

test('a body that does not stop when its time is up is ended with its worker', async () => {
  const [trace, gate] = [scratch.path(), scratch.path()]
  const host = hostWith()
  const answer = run(host, [call('holdNow', trace, 'stubborn', gate)], { timeout: 50, killAfter: 20 })
  expect((await answer.ended)[0]).toBe(TIMED_OUT)
  const next = run(host, [call('echo', 3)])
  expect(await next.ended).toEqual([PACKED])
  expect(next.messages[0]).not.toEqual(answer.messages[0])
})

test('with lanes a worker runs several packs at the same time, each with its own answer', async () => {
  const [trace, gate] = [scratch.path(), scratch.path()]
  const host = hostWith({ concurrency: 3 })
  expect(host.slots).toBe(3)
  const answers = ['a', 'b', 'c'].map((name) => run(host, [call('hold', trace, name, gate)]))
  await Promise.all(['a', 'b', 'c'].map((name) => scratch.written(trace, name)))
  scratch.open(gate)
  for (const answer of answers) expect(await answer.ended).toEqual([PACKED])
  expect(answers.map(({ results }) => results)).toEqual([[[0, 'a']], [[0, 'b']], [[0, 'c']]])
})

test('an abort reaches the lane of its pack, also while that waits for a worker', async () => {
  const trace = scratch.path()
  const host = hostWith({ concurrency: 2 })
  const answers = [new Answer(), new Answer()]
  const taken = answers.map((answer) => host.run(pack([call('untilAborted', trace)]), answer))
  taken[1]?.abort('[1,0,0,["{}"]]', [])
  expect(await answers[1]?.ended).toEqual([PACKED])
  taken[0]?.abort('[1,0,0,["{}"]]', [])
  expect(await answers[0]?.ended).toEqual([PACKED])
})

test('workers that cannot start refuse what waits, with the reason', async () => {
  const answer = run(hostWith({ node: '/nowhere/node' }), [call('echo', 1)])
  const [type, message] = await answer.ended
  expect(type).toBe(REFUSED)
  expect(message).toMatch(/^A worker could not be started on .*\/nowhere\/node ENOENT/)
})

test('so do those whose modules cannot be imported', async () => {
  const hosted = { modules: [`${root}test/shipping/fixtures/fails-to-import.ts`], root }
  const [type, message] = await run(hostWith({ hosted }), [call('echo', 1)]).ended
  expect(type).toBe(REFUSED)
  expect(message).toMatch(/^A worker could not be started on .*exited with code 1: ./)
})

test('what is no pack is refused', async () => {
  const answer = new Answer()
  hostWith().run({ calls: 1, text: '[3]', beside: [] }, answer)
  expect((await answer.ended)[0]).toBe(REFUSED)
})

test('an idle worker ends after its time', async () => {
  const host = hostWith({ idleTimeout: 20 })
  const exited = new Promise((resolve) => host.on('workerExited', (_, how) => resolve(how)))
  await run(host, [call('echo', 1)]).ended
  expect(await exited).toBe('exited with code 0')
})

test('what workers are to know from now on does not interrupt one that still imports', async () => {
  const [trace, gate] = [scratch.path(), scratch.path()]
  const module = join(scratch.folder, 'slow.mjs')
  const wait = `while (!existsSync(${JSON.stringify(gate)})) await new Promise((resolve) => setTimeout(resolve, 5))`
  const tell = `appendFileSync(${JSON.stringify(trace)}, 'imports\\n')`
  writeFileSync(module, `import { appendFileSync, existsSync } from 'node:fs'\n${tell}\n${wait}\n`)
  const host = hostWith({ hosted: { modules: [pathToFileURL(module).href], root } })
  const exited = new Promise((resolve) => host.on('workerExited', (_, how) => resolve(how)))
  const checking = host.check()
  await scratch.written(trace, 'imports')
  host.setHosted({ modules: MODULES, root })
  scratch.open(gate)
  await checking
  expect(await exited).toBe('exited with code 0')
  expect(await run(host, [call('echo', 1)]).ended).toEqual([PACKED])
})

test('the end waits for what runs, and gives back what has not begun', async () => {
  const [trace, gate] = [scratch.path(), scratch.path()]
  const host = hostWith()
  const answer = run(host, [call('hold', trace, 'held', gate), call('run', trace, 'behind')])
  await scratch.written(trace, 'held')
  host.giveBack()
  const closing = host.close()
  scratch.open(gate)
  expect(await answer.ended).toEqual([PACKED])
  await closing
  expect(scratch.lines(trace)).toEqual(['held'])
})

test('the end gives back what waits for a worker, and what comes afterwards is refused', async () => {
  const [trace, gate] = [scratch.path(), scratch.path()]
  const host = hostWith()
  const running = run(host, [call('hold', trace, 'held', gate)])
  await scratch.written(trace, 'held')
  const waiting = run(host, [call('run', trace, 'waiting')])
  host.giveBack()
  expect(await waiting.ended).toEqual([PACKED])
  expect(waiting.messages).toEqual([
    [HOST, hostname(), ''],
    [GIVEN_BACK, 0, 0, []],
  ])
  const closing = host.close({ isHard: true })
  expect(await run(host, [call('run', trace, 'late')]).ended).toEqual([REFUSED, 'The worker ends', 'crash'])
  expect((await running.ended)[0]).toBe(CRASHED)
  await closing
  expect(scratch.lines(trace)).toEqual(['held'])
})

test('lines that tasks write are a part of the answer', async () => {
  const answer = new Answer()
  const tasks = [[0, './test/executor/pool/output-tasks.ts', 'say', 6, '', {}, 0, null, null]]
  hostWith().run({ calls: 1, text: JSON.stringify([30, 'c', [0, 0, 1, ['hello']], tasks]), beside: [] }, answer)
  expect(await answer.ended).toEqual([PACKED])
  expect(answer.messages.find(([type]) => type === LINE)).toEqual([LINE, 'stdout', 'hello', 'say', '', 0])
})

test('with lanes, a line goes to the pack whose task wrote it', async () => {
  const [trace, gate] = [scratch.path(), scratch.path()]
  const host = hostWith({ concurrency: 2 })
  const first = run(host, [call('hold', trace, 'held', gate)])
  await scratch.written(trace, 'held')
  const second = new Answer()
  const tasks = [[0, './test/executor/pool/output-tasks.ts', 'say', 6, '', {}, 0, null, null]]
  host.run({ calls: 1, text: JSON.stringify([30, 'c', [0, 0, 1, ['hello']], tasks]), beside: [] }, second)
  await second.ended
  scratch.open(gate)
  await first.ended
  const linesOf = ({ messages }: Answer): unknown[] =>
    messages.filter(([type]) => type === LINE).map(([, , line]) => line)
  expect([linesOf(first), linesOf(second)]).toEqual([[], ['hello']])
})

const TASK = [0, 'm', 'echo', 0, '', {}, 0, null, null]

test.for([
  ['no JSON', '[30,'],
  ['nothing', '[30,"c"]'],
  ['calls of no task', '[30,"c",[7,1,1,[]],[]]'],
  ['the prototype of lists for a task', '[30,"c",["__proto__",1,1,[]],[]]'],
  ['a method of lists for a task', '[30,"c",["push",1,1,[]],[]]'],
  ['half a call', JSON.stringify([30, 'c', [0, 1], [TASK]])],
  ['a task that would be anywhere', JSON.stringify([30, 'c', [], [['__proto__', ...TASK.slice(1)]]])],
  ['a time limit that is JSON', JSON.stringify([30, 'c', [0, 1, 1, []], [TASK.with(6, '1],[3')]])],
  ['packets that are not there', JSON.stringify([30, 'c', [0, 1, 1, 0], [TASK], [1e15, -1]])],
  ['a client that is none', JSON.stringify([30, { a: 1 }, [0, 1, 1, []], [TASK]])],
])('a pack that makes no sense is over without results, and its worker goes on: %s', async ([, text]) => {
  const host = hostWith()
  const before = run(host, [call('place')])
  await before.ended
  const answer = new Answer()
  host.run({ calls: 1, text: text as string, beside: [] }, answer)
  expect(await answer.ended).toEqual([PACKED])
  expect(answer.results).toEqual([])
  const after = run(host, [call('place')])
  await after.ended
  expect(after.results).toEqual(before.results)
})
