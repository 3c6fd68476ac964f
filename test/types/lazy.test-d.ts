import { describe, expectTypeOf, test } from 'vitest'
import { Engine, type Lazy, lazy, type TaskFuture, task } from '../../src/index.ts'

const head = task({ lazy: [0] }, async (text: Lazy<string>, count: number) => (await text.get()).slice(0, count))
const load = task((path: string) => path)

describe('a parameter that is lazy', () => {
  const engine = new Engine()

  test('is given the value, a future or a promise of it, or a lazy one', () => {
    expectTypeOf(engine.submit(head, 'text', 3)).toEqualTypeOf<TaskFuture<string>>()
    expectTypeOf(engine.submit(head, engine.submit(load, 'x'), 3)).toEqualTypeOf<TaskFuture<string>>()
    expectTypeOf(engine.submit(head, Promise.resolve('x'), 3)).toEqualTypeOf<TaskFuture<string>>()
    expectTypeOf(engine.submit(head, lazy('x'), 3)).toEqualTypeOf<TaskFuture<string>>()
  })

  test('is not given a value of another type', () => {
    // @ts-expect-error a number is no text
    engine.submit(head, 1, 3)
    const count = engine.submit((x: number) => x, 1)
    // @ts-expect-error nor is a future of one
    engine.submit(head, count, 3)
  })

  test('is a lazy value where the task is called as a function', () => {
    expectTypeOf(head).parameter(0).toEqualTypeOf<Lazy<string>>()
  })
})
