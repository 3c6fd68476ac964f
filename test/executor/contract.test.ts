import { describe, expect, test } from 'vitest'
import {
  Engine,
  type Executor,
  ExecutorShutdownError,
  FutureDependencyExecutor,
  InProcessExecutor,
} from '../../src/index.ts'
import { executorContract } from '../../src/testing/index.ts'

/** The least that a third party may write. */
function lambdaExecutor(): Executor {
  let isOpen = true
  const running = new Set<Promise<unknown>>()
  return {
    submit(fn, ...args) {
      if (typeof fn !== 'function') throw new TypeError('no function')
      if (!isOpen) return Promise.reject(new ExecutorShutdownError())
      const call = Promise.resolve().then(() => fn(...args)) as Promise<never>
      running.add(call)
      return call
    },
    async shutdown() {
      isOpen = false
      await Promise.allSettled(running)
    },
  }
}

describe('InProcessExecutor', () => {
  executorContract({ test, expect }, { create: () => new InProcessExecutor() })
})

describe('InProcessExecutor with one slot', () => {
  executorContract({ test, expect }, { create: () => new InProcessExecutor({ concurrency: 1 }) })
})

describe('a lambda', () => {
  executorContract({ test, expect }, { create: lambdaExecutor })
})

describe('Engine as an executor', () => {
  executorContract(
    { test, expect },
    { create: () => new Engine({ executor: new InProcessExecutor({ concurrency: 2 }) }) },
  )
})

describe('FutureDependencyExecutor around a lambda', () => {
  executorContract({ test, expect }, { create: () => new FutureDependencyExecutor(lambdaExecutor()) })
})

test('an exemption from a clause that does not exist is refused', () => {
  expect(() =>
    executorContract({ test, expect }, { create: lambdaExecutor, exempt: { 'no such clause': 'why not' } }),
  ).toThrow('no clause "no such clause"')
})

type Submit = (fn: (...all: unknown[]) => unknown, ...args: unknown[]) => PromiseLike<unknown>

test.for<[string, Submit]>([
  ['each of many calls runs once, and gives its own result', async (fn, ...args) => [fn(...args), fn(...args)][1]],
  ['a body does not run before submit returns', async (fn, ...args) => fn(...args)],
  ['submit throws for what is no function', async () => undefined],
  ['a call gives the value of its function', async () => undefined],
  ['after shutdown a call rejects with ExecutorShutdownError', async () => undefined],
  ['what a call throws comes back with its name, message, code and cause', () => Promise.reject(new Error('broken'))],
])('the clause "%s" fails on an executor that breaks it', async ([clause, submit]) => {
  const failed: string[] = []
  const runs: Promise<unknown>[] = []
  executorContract(
    { test: (name, fn) => runs.push(fn().catch(() => failed.push(name))), expect },
    { create: () => ({ submit }) as unknown as Executor, exempt: exemptAllBut(clause) },
  )
  await Promise.all(runs)
  expect(failed).toEqual([clause])
})

function exemptAllBut(clause: string): Record<string, string> {
  const names: string[] = []
  executorContract({ test: (name) => names.push(name), expect }, { create: lambdaExecutor })
  return Object.fromEntries(names.filter((name) => name !== clause).map((name) => [name, 'looked at elsewhere']))
}
