/**
 * Stands for the Python program: says what it would, as told by FAKE. A call gets its first argument back.
 */
import { appendFileSync, existsSync } from 'node:fs'
import {
  ANSWER,
  CANCEL,
  EVENT,
  FATAL_ERROR,
  LOST,
  NOT_RUN,
  PROGRAM_END,
  PROGRAM_READY,
  SEND,
  SLOTS,
  START,
  WARMED,
  WARMUP,
  WROTE,
} from '../../src/python/protocol.ts'
import { Frames } from '../../src/worker/frames.ts'
import { CALL_PARTS, HOST, PACKED, RESULTS, VALUE } from '../../src/worker/protocol.ts'

const { FAKE = '', FAKE_LOG = '' } = process.env
const frames = new Frames(receive)

/** Whether it is the first one, where only that is to fail. */
const isFirst = FAKE_LOG === '' || !existsSync(FAKE_LOG)
log('started')

function log(line: string): void {
  if (FAKE_LOG !== '') appendFileSync(FAKE_LOG, `${line}\n`)
}

function say(message: readonly unknown[], beside: readonly object[] = []): void {
  for (const chunk of frames.frame(JSON.stringify(message), beside)) process.stdout.write(chunk)
}

function receive(text: string, beside: readonly object[]): void {
  const message = JSON.parse(text) as [number, ...unknown[]]
  const id = message[1] as number
  if (message[0] === START) start(message[1])
  if (message[0] === SEND) run(id, beside)
  if (message[0] === WARMUP && FAKE === 'grows') log(`warms ${message[2]}`)
  if (message[0] === WARMUP) say([WARMED, id, FAKE === 'cold' ? { message: 'No workers', traceback: '' } : null])
  if (message[0] === CANCEL) log('cancelled')
  if (message[0] === PROGRAM_END) process.exit(0)
}

function start(options: unknown): void {
  log(JSON.stringify(options))
  if (FAKE === 'missing') {
    say([FATAL_ERROR, 'missing', 'the package distributed is not there: python -m pip install distributed', ''])
    return process.exit(1)
  }
  if (FAKE === 'backend') {
    say([FATAL_ERROR, 'backend', 'no scheduler answers at tcp://h:1', 'Traceback\n  x\nOSError: timed out'])
    return
  }
  if (FAKE === 'dies at start') {
    console.error('Segmentation fault')
    return process.kill(process.pid, 'SIGKILL') as never
  }
  say([PROGRAM_READY, { slots: 2, python: '3.11.0', backend: 'fake', version: '1', hostname: 'here', logs: '/logs' }])
  if (FAKE === 'grows') say([SLOTS, 4])
  say([EVENT, 'workerStarted', 'there', 'process 12'])
  say([WROTE, 'stdout', 'a line', 'there', 'process 12'])
}

function run(id: number, [bytes]: readonly object[]): void {
  if (FAKE === 'garbage') process.stdout.write('Hello, this is no frame at all')
  if (FAKE === 'dies' && isFirst) {
    console.error('out of memory')
    process.exit(3)
  }
  if (FAKE === 'not run' && id === 1) return say([NOT_RUN, id])
  if (FAKE === 'lost') return say([LOST, id, 'was lost: KilledWorker', 'far', null, 'Traceback\nKilledWorker: x'])
  if (FAKE === 'hangs') return
  new Frames((text) => answer(id, JSON.parse(text))).push(new Uint8Array(bytes as ArrayBuffer))
}

type Pack = readonly [type: number, client: string, calls: readonly unknown[], tasks: readonly (readonly unknown[])[]]

function answer(id: number, [, , calls, tasks]: Pack): void {
  const results: unknown[] = []
  for (let i = 0; i < calls.length; i += CALL_PARTS) {
    const [first] = calls[i + 3] as readonly unknown[]
    results.push(VALUE, 1, first === 'module' ? tasks[0]?.[1] : first)
  }
  const messages = [
    [HOST, 'there', 'process 12'],
    [RESULTS, 0, 0, Date.now(), results],
    [PACKED, 0],
  ]
  const parts = messages.flatMap((message) => frames.frame(JSON.stringify(message)))
  const all = Buffer.concat(parts)
  say([ANSWER, id], [new Uint8Array(all).buffer])
}

// The sources come first.
process.stdin.on('data', (chunk) => frames.push(chunk))
process.stdin.on('end', () => process.exit(0))
