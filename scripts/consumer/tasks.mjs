// Tasks of an ES module, which workers import.
import { isMainThread } from 'node:worker_threads'
import { task, workerResource } from 'taps-sdk'

let made = 0
const counter = workerResource(() => ({ no: ++made, calls: 0 }))

export const double = task((x) => x * 2)
export const range = task(function range(n) {
  return Array.from({ length: n }, (_, i) => i)
})
export const sum = task({ name: 'sum' }, (xs) => xs.reduce((a, b) => a + b, 0))
export const place = task(function place(client) {
  return isMainThread ? (process.pid === client ? 'client' : 'process') : 'thread'
})
export const fail = task(async function fail(message) {
  throw Object.assign(new RangeError(message), { code: 'E_SMOKE' })
})
export const count = task(function count() {
  const { no } = counter()
  return [no, ++counter().calls]
})
