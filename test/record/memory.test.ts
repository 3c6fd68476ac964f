import { expect, test } from 'vitest'
import { Engine, MemoryRecordLogger, task } from '../../src/index.ts'

test('records are kept in the order in which the tasks ended', async () => {
  const recordLogger = new MemoryRecordLogger()
  const engine = new Engine({ recordLogger })
  const slow = engine.submit(task({ name: 'slow' }, () => new Promise((resolve) => setImmediate(resolve))))
  const fast = engine.submit(task({ name: 'fast' }, () => 1))
  await Promise.all([slow, fast])
  await engine.shutdown()
  expect(recordLogger.records.map(({ name }) => name)).toEqual(['fast', 'slow'])
})

test('one logger can serve several engines', async () => {
  const recordLogger = new MemoryRecordLogger()
  await using a = new Engine({ recordLogger })
  await using b = new Engine({ recordLogger })
  await Promise.all([a.submit(() => 1), b.submit(() => 2)])
  expect(recordLogger.records).toHaveLength(2)
})
