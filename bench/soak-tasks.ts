// What the soak runs: a task that computes something from its parents, and misbehaves as it is told.
import { appendFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { task, taskContext } from 'taps-sdk'

/** What a task does in its first attempt; all but `fail` do their work in the next one. */
export type Mischief = 'none' | 'sleep' | 'throw' | 'fail' | 'exit' | 'hang' | 'memory'

export interface Step {
  readonly no: number
  readonly mischief: Mischief
  /** The file in which each attempt writes itself down. */
  readonly log: string
}

/** The value of a step: what it has to be, whoever computes it. */
export function valueOfStep(no: number, parents: readonly number[]): number {
  return parents.reduce((sum, value) => (sum * 31 + value) % 1_000_003, no)
}

export const step = task(
  { name: 'step', retries: 20, timeout: 1_000, killAfter: 100 },
  async ({ no, mischief, log }: Step, parents: readonly number[]): Promise<number> => {
    const { id, attempt } = taskContext()
    appendFileSync(log, `${id} ${attempt}\n`)
    if (mischief === 'fail') throw new RangeError(`step ${no} fails`)
    if (attempt === 1) await misbehave(mischief)
    return valueOfStep(no, parents)
  },
)

async function misbehave(mischief: Mischief): Promise<void> {
  switch (mischief) {
    case 'sleep':
      return await setTimeout(20)
    case 'throw':
      throw new Error('once')
    case 'exit':
      return process.exit(7)
    case 'hang':
      for (;;);
    case 'memory': {
      const hoard: unknown[] = []
      for (;;) hoard.push(new Array(100_000).fill(hoard.length))
    }
  }
}
