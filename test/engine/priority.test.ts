import { expect, test } from 'vitest'
import { Engine, type Executor, InProcessExecutor, task } from '../../src/index.ts'
import { gate } from '../support/gate.ts'
import { quiet } from '../support/quiet.ts'

const note = task({ name: 'note' }, (order: string[], text: string) => void order.push(text))

/** An engine with one slot, which is taken until `begin` is called: all that is submitted before is sorted. */
async function sorting(limits = {}) {
  const engine = new Engine({ executor: new InProcessExecutor({ concurrency: 1 }), limits })
  const blocker = gate()
  const blocked = engine.submit(() => blocker.promise)
  await quiet()
  return {
    engine,
    async begin(): Promise<void> {
      blocker.open()
      await blocked
      await engine.shutdown()
    },
  }
}

test('of the tasks that are ready, those of higher priority start first', async () => {
  const { engine, begin } = await sorting()
  const order: string[] = []
  for (const [text, priority] of [
    ['low', -1],
    ['none', undefined],
    ['high', 10],
    ['middle', 5],
  ] as const) {
    engine.submit(note.with({ priority }), order, text)
  }
  await begin()
  expect(order).toEqual(['high', 'middle', 'none', 'low'])
})

test('of one priority, the older one starts first', async () => {
  const { engine, begin } = await sorting()
  const order: string[] = []
  for (let i = 0; i < 20; i++) engine.submit(note.with({ priority: i % 2 }), order, `${i}`)
  await begin()
  const odd = Array.from({ length: 10 }, (_, i) => `${2 * i + 1}`)
  const even = Array.from({ length: 10 }, (_, i) => `${2 * i}`)
  expect(order).toEqual([...odd, ...even])
})

test('fractions and infinities are priorities too', async () => {
  const { engine, begin } = await sorting()
  const order: string[] = []
  for (const priority of [-Infinity, 0.5, 0, Infinity, -0.5])
    engine.submit(note.with({ priority }), order, `${priority}`)
  await begin()
  expect(order).toEqual(['Infinity', '0.5', '0', '-0.5', '-Infinity'])
})

test('a task that becomes ready later overtakes those of lower priority', async () => {
  const { engine, begin } = await sorting()
  const order: string[] = []
  const parent = gate()
  const child = engine.submit(note.with({ priority: 1 }), order, parent.promise.then(() => 'child') as Promise<string>)
  engine.submit(note, order, 'older')
  parent.open()
  await quiet()
  expect(child.info.status).toBe('ready')
  await begin()
  expect(order).toEqual(['child', 'older'])
})

test('a running task is not stopped by one of higher priority', async () => {
  const { engine, begin } = await sorting()
  const order: string[] = []
  const [running] = engine.graph().nodes
  engine.submit(note.with({ priority: Infinity }), order, 'urgent')
  await quiet()
  expect(order).toEqual([])
  expect(engine.graph().nodes.find(({ id }) => id === running?.id)?.status).toBe('running')
  await begin()
  expect(order).toEqual(['urgent'])
})

test('cancelled tasks are passed over', async () => {
  const { engine, begin } = await sorting()
  const order: string[] = []
  const futures = ['a', 'b', 'c', 'd'].map((text) => engine.submit(note, order, text))
  futures[0]?.cancel()
  futures[2]?.cancel()
  await begin()
  expect(order).toEqual(['b', 'd'])
})

test('under limits too, those of higher priority start first', async () => {
  const { engine, begin } = await sorting({ gpu: 1 })
  const order: string[] = []
  engine.submit(note.with({ labels: 'gpu' }), order, 'gpu, low')
  engine.submit(note, order, 'free, low')
  engine.submit(note.with({ labels: { gpu: 0.5 }, priority: 2 }), order, 'half a gpu, high')
  engine.submit(note.with({ priority: 1 }), order, 'free, middle')
  await begin()
  expect(order).toEqual(['half a gpu, high', 'free, middle', 'gpu, low', 'free, low'])
})

test('elements of a map go by priority, in chunks too', async () => {
  const { engine, begin } = await sorting()
  const order: string[] = []
  engine.map(note.with({ chunkSize: 2 }), [order, order, order], ['a', 'b', 'c'])
  engine.submit(note.with({ priority: 1 }), order, 'first')
  await begin()
  expect(order).toEqual(['first', 'a', 'b', 'c'])
})

test('an executor of others is given what is ready in the order of priority', async () => {
  const order: string[] = []
  const executor: Executor = { submit: (fn, ...args) => Promise.resolve(fn(...args)) as never }
  await using engine = new Engine({ executor })
  for (const priority of [1, 3, 2]) engine.submit(note.with({ priority }), order, `${priority}`)
  await quiet()
  expect(order).toEqual(['3', '2', '1'])
})

test.each([Number.NaN, '1', null])('priority: %s is refused', (priority) => {
  expect(() => note.with({ priority: priority as number })).toThrow(/priority takes a number/)
})
