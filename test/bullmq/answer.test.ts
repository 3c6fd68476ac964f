import { expect, test } from 'vitest'
import { Answer } from '../../src/bullmq/answer.ts'
import { GIVEN_BACK, LINE, PACKED } from '../../src/worker/protocol.ts'

const line = (text: string): string => JSON.stringify([LINE, 'stdout', text, 'task', ''])

test('each line is told once: early, or at the end', () => {
  const early: string[] = []
  const answer = new Answer((texts) => early.push(...texts.split('\n')))
  const lines = ['a'.repeat(40_000), 'b'.repeat(40_000), 'c'.repeat(100_000), 'd'].map(line)
  for (const each of lines) answer.message(each, [])
  answer.finish(`[${PACKED}]`)
  const all = [...early, ...answer.messages.map(({ text }) => text)]
  expect(all.toSorted()).toEqual([...lines, `[${PACKED}]`].toSorted())
  expect(early).toEqual([lines[0]])
  expect(answer.told).toBe(1)
})

test('what is told of calls early is told again at the end', () => {
  const early: string[] = []
  const answer = new Answer((texts) => early.push(texts))
  answer.message(`[${GIVEN_BACK},1,0,[]]`, [])
  answer.finish(`[${PACKED}]`)
  expect(early).toEqual([`[${GIVEN_BACK},1,0,[]]`])
  expect(answer.messages.map(({ text }) => text)).toEqual([`[${GIVEN_BACK},1,0,[]]`, `[${PACKED}]`])
})
