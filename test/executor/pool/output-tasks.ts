// Tasks that write to standard output and error, in all the ways there are.
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeSync } from 'node:fs'
import { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { task } from '../../../src/index.ts'

export const speak = task(async function speak(): Promise<void> {
  console.log('one', { two: 2 })
  console.error('to error')
  process.stdout.write('in ')
  await null
  process.stdout.write('pieces\nand two\nlines')
  await turn()
  process.stdout.write(Buffer.from(' at a time\n'))
  process.stderr.write('without an end')
})

/** The bytes of a letter come one by one. */
export const spell = task(async function spell(text: string): Promise<void> {
  for (const byte of Buffer.from(text)) process.stdout.write(Uint8Array.of(byte))
  process.stdout.write(Buffer.from(`${text}\n`).toString('hex'), 'hex')
})

/** Each write has its callback. */
export const confirm = task(async function confirm(): Promise<number> {
  let confirmed = 0
  const write = (text: string): Promise<void> =>
    new Promise((resolve) =>
      process.stdout.write(text, () => {
        confirmed++
        resolve()
      }),
    )
  await write('a')
  await write('b\n')
  return confirmed
})

export const pipe = task(async function pipe(...texts: string[]): Promise<void> {
  const source = Readable.from(texts)
  source.pipe(process.stdout)
  await once(source, 'end')
})

/** Writes when the call has long ended. */
export const remember = task(function remember(line: string): void {
  setImmediate(() => console.log(line))
})

/** Lets the worker do what it has to do. */
export const rest = task(async function rest(): Promise<void> {
  for (let i = 0; i < 3; i++) await turn()
})

export const say = task(function say(line: string): void {
  console.log(line)
})

/** Calls at the same time take turns with the words of their lines. */
export const takeTurns = task(async function takeTurns(name: string, words: number): Promise<void> {
  for (let i = 0; i < words; i++) {
    process.stdout.write(`${name}${i} `)
    await turn()
  }
  process.stdout.write('\n')
})

export const sayAndExit = task(function sayAndExit(): void {
  console.log('last words')
  process.stderr.write('and more')
  process.exit(3)
})

export const sayAndThrow = task(function sayAndThrow(): never {
  console.log('before the error')
  throw new Error('on purpose')
})

/** What a program writes that shares the streams of this one, and what is written past them. */
export const delegate = task(function delegate(): void {
  spawnSync('sh', ['-c', 'echo from a child; echo its error >&2; printf "its last words"'], { stdio: 'inherit' })
  writeSync(1, 'past the stream\n')
})

/** One line, in pieces. */
export const drone = task(function drone(pieces: number, length: number): void {
  const piece = 'x'.repeat(length)
  for (let i = 0; i < pieces; i++) process.stdout.write(piece)
  process.stdout.write('\n')
})

export const chatter = task(function chatter(lines: number): number {
  for (let i = 0; i < lines; i++) console.log(`line ${i}`)
  return lines
})
