import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { task } from '../../src/index.ts'

const here = { module: import.meta.url }

/** What a call does once it has written down that it began: waits for a file, having left the id of its worker beside it; or ends its worker. */
export interface Deed {
  readonly gate?: string
  readonly kill?: boolean
  readonly exit?: number
}

/** Blocks its worker from its beginning to its end: such calls are packed. */
export const work = task(
  { ...here, name: 'work' },
  (trace: string, name: unknown, { gate, kill, exit }: Deed = {}): unknown => {
    appendFileSync(trace, `${name}\n`)
    if (kill === true) process.kill(process.pid, 'SIGKILL')
    if (exit !== undefined) process.exit(exit)
    if (gate !== undefined) {
      writeFileSync(`${gate}.pid`, `${process.pid}\n`)
      const cell = new Int32Array(new SharedArrayBuffer(4))
      while (!existsSync(gate)) Atomics.wait(cell, 0, 0, 1)
    }
    return name
  },
)

/** Writes so many lines of a kilobyte. */
export const shout = task({ ...here, name: 'shout' }, (lines: number): void => {
  for (let i = 0; i < lines; i++) console.log('x'.repeat(1023))
})

export const complain = task({ ...here, name: 'complain' }, (): never => {
  throw new RangeError('no luck')
})

export const handle = task({ ...here, name: 'handle' }, (): unknown => ({ deep: [() => 1] }))
