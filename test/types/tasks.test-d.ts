import { describe, expectTypeOf, test } from 'vitest'
import {
  type CallOptions,
  type Engine,
  type Executor,
  type ExecutorFuture,
  FutureDependencyExecutor,
  type FutureList,
  type Task,
  type TaskFuture,
  type TaskOptions,
  type TaskRef,
  task,
} from '../../src/index.ts'

declare const engine: Engine
declare const num: TaskFuture<number>
declare const text: TaskFuture<string>

describe('task', () => {
  test('keeps the signature of its function, in both forms', () => {
    const plain = task((a: number, b?: string) => `${a}${b}`)
    expectTypeOf(plain).toEqualTypeOf<Task<[a: number, b?: string], string>>()
    expectTypeOf(plain(1)).toEqualTypeOf<string>()
    expectTypeOf(task({ name: 'x', retries: 1 }, async (a: number) => a)).toEqualTypeOf<
      Task<[a: number], Promise<number>>
    >()
    expectTypeOf(plain.with({ priority: 1 })).toEqualTypeOf<typeof plain>()
    expectTypeOf(plain.ref).toEqualTypeOf<TaskRef>()
    expectTypeOf(plain.options).toEqualTypeOf<TaskOptions>()
    expectTypeOf(plain).toExtend<(a: number, b?: string) => string>()
    // @ts-expect-error called directly, it takes values
    plain(num)
  })

  test('refuses wrong options', () => {
    // @ts-expect-error no such option
    task({ retry: 1 }, () => 1)
    // @ts-expect-error priorities are numbers
    task({ priority: 'high' }, () => 1)
    // @ts-expect-error the only other way is to settle
    task({ onParentFailure: 'ignore' }, () => 1)
    // @ts-expect-error retries need a limit
    task({ retries: { delay: 5 } }, () => 1)
    // @ts-expect-error options come first
    task(() => 1, { retries: 1 })
    // @ts-expect-error a string is no function
    task('square')
    // @ts-expect-error the name belongs to the declaration
    task(() => 1).with({ name: 'x' })
    // @ts-expect-error so does what becomes of it when a parent fails
    task(() => 1).with({ onParentFailure: 'settle' })
    // @ts-expect-error the options of a task cannot be changed
    task(() => 1).options.priority = 5
    expectTypeOf<TaskOptions>().toExtend<CallOptions>()
  })

  test('undefined stands for an option that is not given', () => {
    task({ name: undefined, retries: undefined, signal: undefined }, () => 1).with({ labels: undefined })
  })

  test('a library may take any task', () => {
    const run = <A extends unknown[], R>(any: Task<A, R>) => any
    expectTypeOf(run(task((a: number) => a))).toEqualTypeOf<Task<[a: number], number>>()
    const tasks: Task<never, unknown>[] = [task((a: number) => a), task((b: string) => b)]
    expectTypeOf(tasks[0]).toEqualTypeOf<Task<never, unknown> | undefined>()
  })
})

describe('a task that settles', () => {
  const one = task({ onParentFailure: 'settle' }, (outcome: PromiseSettledResult<number>, scale: number) =>
    outcome.status === 'fulfilled' ? outcome.value * scale : 0,
  )
  const many = task(
    { onParentFailure: 'settle' },
    (outcomes: readonly PromiseSettledResult<string>[], { last }: { last?: PromiseSettledResult<number> }) =>
      outcomes.length + (last === undefined ? 0 : 1),
  )

  test('takes a future of the value for each outcome, at depth', () => {
    expectTypeOf(engine.submit(one, num, 2)).toEqualTypeOf<TaskFuture<number>>()
    engine.submit(many, [text, text], { last: num })
    engine.submit(
      many,
      engine.map((s: string) => s, ['a']),
      {},
    )
  })

  test('takes an outcome as a value too', () => {
    engine.submit(one, { status: 'fulfilled', value: 1 }, 2)
    engine.submit(one, { status: 'rejected', reason: new Error('no') }, 2)
  })

  test('takes them in interfaces, Maps, Sets and recursive types, and beside undefined', () => {
    interface Outcomes {
      readonly first: PromiseSettledResult<number>
      readonly rest?: readonly Outcomes[]
    }
    type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
    const all = task(
      { onParentFailure: 'settle' },
      (
        outcomes: Outcomes,
        map: Map<string, PromiseSettledResult<number>>,
        set: ReadonlySet<PromiseSettledResult<string>>,
        json: Json,
        optional?: PromiseSettledResult<Date>,
      ) => [outcomes, map, set, json, optional].length,
    )
    engine.submit(all, { first: num, rest: [{ first: num }] }, new Map([['a', num]]), new Set([text]), { a: [1] })
    engine.submit(
      all,
      { first: num },
      new Map(),
      new Set(),
      null,
      engine.submit(() => new Date()),
    )
    // @ts-expect-error the optional one is of a date
    engine.submit(all, { first: num }, new Map(), new Set(), null, num)
    // @ts-expect-error the outcomes in the Map are of numbers
    engine.submit(all, { first: num }, new Map([['a', text]]), new Set(), null)
    // @ts-expect-error the first is of a number
    engine.submit(all, { first: text }, new Map(), new Set(), null)
  })

  test('refuses a future of the wrong type', () => {
    // @ts-expect-error the outcome is one of a number
    engine.submit(one, text, 2)
    // @ts-expect-error at depth too
    engine.submit(many, [num], {})
    // @ts-expect-error a value is no outcome
    engine.submit(one, 5, 2)
    // @ts-expect-error the other parameters are as always
    engine.submit(one, num, text)
  })

  test('called directly, it takes outcomes; that a future is none, is not seen by the types there', () => {
    expectTypeOf(one({ status: 'fulfilled', value: 1 }, 2)).toEqualTypeOf<number>()
    expectTypeOf(one).parameter(0).toEqualTypeOf<PromiseSettledResult<number> | TaskFuture<number>>()
  })

  test('a task that does not settle takes no outcome in the place of a value, nor the other way round', () => {
    const plain = task((n: number) => n)
    // @ts-expect-error an outcome is no number
    engine.submit(plain, { status: 'fulfilled', value: 1 })
    const unmarked = task((outcome: PromiseSettledResult<number>) => outcome.status)
    // @ts-expect-error without onParentFailure a future stands for its value, which is a number
    engine.submit(unmarked, num)
  })
})

describe('the decorator', () => {
  test('stands on static methods, with or without options', () => {
    // biome-ignore lint/complexity/noStaticOnlyClass: decorators stand on methods only
    class Texts {
      @task()
      static shout(words: string, times?: number): string {
        return words.repeat(times ?? 1)
      }

      @task({ retries: 2, labels: ['io'] })
      static async load(this: typeof Texts, url: URL): Promise<number> {
        return url.href.length
      }
    }
    // TypeScript does not let a decorator change the type of what it stands on: a static method keeps its own.
    expectTypeOf(Texts.shout).toEqualTypeOf<(words: string, times?: number) => string>()
    expectTypeOf(engine.submit(Texts.shout, text)).toEqualTypeOf<TaskFuture<string>>()
    expectTypeOf(engine.map(Texts.shout, ['a'], [1])).toEqualTypeOf<FutureList<string>>()
    // @ts-expect-error its references and options are there at run time only: declare a function with task() to see them
    Texts.shout.ref
  })

  test('does not stand anywhere else', () => {
    class Wrong {
      // @ts-expect-error a field is no method
      @task() field = 1

      // @ts-expect-error a getter is no method
      @task() static get value() {
        return 1
      }
    }
    // @ts-expect-error a class is no method
    @task()
    class Decorated {}
    expectTypeOf(Wrong).not.toBeAny()
    expectTypeOf(Decorated).not.toBeAny()
  })

  test('refuses wrong options', () => {
    // biome-ignore lint/complexity/noStaticOnlyClass: decorators stand on methods only
    class Wrong {
      // @ts-expect-error no such option
      @task({ retry: 1 })
      static first(): void {}

      // Without its parentheses it is refused at run time only: for TypeScript it is like task(fn).
      @task
      static second(): void {}
    }
    expectTypeOf(Wrong).not.toBeAny()
  })
})

describe('an executor of a third party', () => {
  test('is five lines', () => {
    const limit = async <R>(run: () => R): Promise<R> => run()
    const executor: Executor = {
      submit: (fn, ...args) => limit(() => fn(...args)) as never,
    }
    expectTypeOf(new FutureDependencyExecutor(executor).submit((n: number) => n, num)).toEqualTypeOf<
      TaskFuture<number>
    >()
    expectTypeOf(engine).toExtend<Executor>()
    expectTypeOf(new FutureDependencyExecutor(executor)).toExtend<Executor>()
    expectTypeOf<Promise<number>>().toExtend<ExecutorFuture<number>>()
    expectTypeOf<TaskFuture<number>>().toExtend<ExecutorFuture<number>>()
    // @ts-expect-error it has to have a submit
    new FutureDependencyExecutor({ shutdown: async () => {} })
  })
})
