/** Tasks that the tests of the Python program run in hosted workers. */
import { existsSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { task, taskContext } from '../../../src/index.ts'

export const add = task(function add(a: number, b: number) {
  return a + b
})

export const waitForFile = task(async function waitForFile(path: string) {
  while (!existsSync(path)) await sleep(2)
  return path
})

export const waitForAbort = task(async function waitForAbort(path: string) {
  writeFileSync(path, '')
  await new Promise((_, reject) => {
    const { signal } = taskContext()
    signal.addEventListener('abort', () => {
      writeFileSync(path, 'stopped')
      reject(signal.reason)
    })
  })
})

export const spin = task(function spin() {
  for (;;);
})

export const die = task(function die() {
  process.stderr.write('dying\n')
  process.kill(process.pid, 'SIGKILL')
  for (;;);
})

export const print = task(function print(...lines: string[]) {
  for (const line of lines) console.log(line)
  return lines.length
})

export const echo = task(function echo(value: unknown) {
  return value
})

export const processId = task(function processId() {
  return process.pid
})
