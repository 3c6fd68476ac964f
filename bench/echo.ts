// The worker of limits.ts, a thread or a process: runs what a call names, or each call of a pack. Bare bytes are touched.
import { isMainThread, parentPort } from 'node:worker_threads'
import { FrameReader, writeFrame } from './frames.ts'
import type { Message } from './limits.ts'

const functions = await import(new URL('workers/functions.mjs', import.meta.url).href)
const [moving] = process.argv.slice(2)

const answerTo = ({ id, name, args }: Message): unknown => ({ id, value: functions[name](...args) })

function answer(question: Message | readonly Message[] | Uint8Array): unknown {
  if (question instanceof Uint8Array) return functions.touch(question)
  return Array.isArray(question) ? question.map(answerTo) : answerTo(question as Message)
}

if (isMainThread) {
  const reader = new FrameReader((question) => writeFrame(process.stdout, answer(question as Message)))
  process.stdin.on('data', (chunk: Buffer) => reader.read(chunk))
} else {
  parentPort?.on('message', (question) => {
    const result = answer(question)
    parentPort?.postMessage(result, moving === 'moving' ? [(result as Uint8Array<ArrayBuffer>).buffer] : [])
  })
}
