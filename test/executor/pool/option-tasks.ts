// What a worker is started with, as a task sees it.
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { isMainThread, resourceLimits, threadId } from 'node:worker_threads'
import { task } from '../../../src/index.ts'

/** The worker that runs the call. */
export const place = task(function place(): number {
  return here()
})

function here(): number {
  return isMainThread ? process.pid : threadId
}

let calls = 0

/** How many calls of it this worker has run. */
export const count = task(function count(): readonly [worker: number, call: number] {
  return [here(), ++calls]
})

/** The worker of each of `all` calls that run at the same time: each waits for the others. */
export const meet = task(async function meet(folder: string, name: string, all: number): Promise<number> {
  writeFileSync(`${folder}/${name}`, '')
  while (readdirSync(folder).length < all) await sleep(2)
  return here()
})

/** Runs until the file is there. */
export const hold = task(async function hold(gate: string): Promise<string> {
  while (!existsSync(gate)) await sleep(2)
  return 'released'
})

let running = 0

/** How many calls of it run at the same time in this worker. */
export const crowd = task(async function crowd(): Promise<number> {
  const now = ++running
  await sleep(1)
  running--
  return now
})

export const variables = task(function variables(...names: string[]): (string | undefined)[] {
  return names.map((name) => process.env[name])
})

export const setVariable = task(function setVariable(name: string, value: string): string | undefined {
  process.env[name] = value
  return process.env[name]
})

export const nodeOptions = task(function nodeOptions(): readonly string[] {
  return process.execArgv
})

export const limits = task(function limits(): unknown {
  return resourceLimits
})

export const folder = task(function folder(): string {
  return process.cwd()
})

export const niceness = task(function niceness(): number {
  return getPriority()
})

/** The program that runs this one. */
export const program = task(function program(): string {
  return process.execPath
})

/** Never ends, whatever it is told. */
export const spin = task({ timeout: 20 }, function spin(): void {
  for (;;);
})

let initialized: readonly unknown[] = []
let initializations = 0

export const initialize = task(function initialize(...args: unknown[]): void {
  initialized = args
  initializations++
})

/** How often this worker was initialized. */
export const timesInitialized = task(function timesInitialized(): number {
  return initializations
})

export const initializeLater = task(async function initializeLater(...args: unknown[]): Promise<void> {
  await sleep(5)
  initialized = args
})

/** Fails while the file is there. */
export const initializeBadly = task(function initializeBadly(obstacle: string): void {
  if (existsSync(obstacle)) throw new RangeError('there is an obstacle')
})

/** What this worker was initialized with. */
export const initial = task(function initial(): readonly unknown[] {
  return initialized
})

/** Like `count`, with an argument. */
export const takeAndGive = task(function takeAndGive(_value: number): readonly [worker: number, call: number] {
  return [here(), ++calls]
})
