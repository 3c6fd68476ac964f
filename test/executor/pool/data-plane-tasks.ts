import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import { isMainThread, threadId } from 'node:worker_threads'
import { defineFilter, defineTransformer, type Lazy, type Transformer, task } from '../../../src/index.ts'

/** A store of an application's own: files of a folder, and a trace of who did what. */
class Folder implements Transformer {
  readonly #dir: string
  #next = 0

  constructor(dir: string) {
    this.#dir = dir
  }

  #trace(what: string): void {
    appendFileSync(
      join(this.#dir, 'trace'),
      `${process.env.TAPS_TEST_SIDE ?? (isMainThread ? 'client' : 'worker')} ${what}\n`,
    )
  }

  isIdentifier(value: unknown): boolean {
    return typeof value === 'object' && value !== null && Object.hasOwn(value, 'file')
  }

  transform(value: unknown): { file: string } {
    if (value === 'do not store') throw new RangeError('refused')
    const file = `${process.pid}-${isMainThread}-${this.#next++}-${Math.random()}`
    this.#trace('transform')
    writeFileSync(join(this.#dir, file), serialize(value))
    return { file }
  }

  async resolve(identifier: unknown): Promise<unknown> {
    this.#trace('resolve')
    return deserialize(readFileSync(join(this.#dir, (identifier as { file: string }).file)))
  }

  evict(identifier: unknown): void {
    rmSync(join(this.#dir, (identifier as { file: string }).file), { force: true })
  }

  sizeOf(identifier: unknown): number {
    const path = join(this.#dir, (identifier as { file: string }).file)
    return existsSync(path) ? readFileSync(path).length : 0
  }
}

export const folder = defineTransformer({
  name: 'folder',
  module: import.meta.url,
  create: ({ dir }: { dir: string }) => new Folder(dir),
})

/** What takes more than a number of elements or characters. */
export const longer = defineFilter({
  name: 'longer',
  module: import.meta.url,
  create:
    ({ than }: { than: number }) =>
    (value) =>
      (Array.isArray(value) || typeof value === 'string') && value.length > than,
})

export const notThere = defineTransformer({
  name: 'notThere',
  module: new URL('./no-such-module.ts', import.meta.url).href,
  create: () => new Folder('/nowhere'),
})

/** Which only the client can make: a worker throws what is no error. */
export const clientOnly = defineTransformer({
  name: 'clientOnly',
  module: import.meta.url,
  create: ({ dir, client }: { dir: string; client: string }) => {
    if (`${process.pid} ${threadId}` !== client) throw undefined
    return new Folder(dir)
  },
})

export const double = task((xs: readonly number[]) => xs.map((x) => 2 * x))
export const sum = task((xs: readonly number[]) => xs.reduce((a, b) => a + b, 0))
export const sumAll = task((xss: readonly (readonly number[])[]) => xss.flat().reduce((a, b) => a + b, 0))
export const echo = task((x: unknown) => x)
export const pair = task((x: number) => ({ list: [x, x + 1, x + 2], rest: 'some text' }))
export const same = task((a: unknown, b: { readonly c: unknown }) => a === b.c)
export const pass = task({ lazy: true }, (value: Lazy<number[]>) => value as unknown as number[])
export const first = task({ lazy: [0] }, async (list: Lazy<number[]>) => (await list.get())[0])
export const exit = task((_: readonly number[]): number => process.exit(3))
export const settled = task({ onParentFailure: 'settle' }, (outcome: PromiseSettledResult<number[]>) =>
  outcome.status === 'fulfilled' ? outcome.value.length : -1,
)
export const withFunction = task(() => ({ deep: { f: () => 1 } }))
export const unstorable = task(function unstorable() {
  return 'do not store'
})
export const fan = task((n: number) => Array.from({ length: n }, (_, i) => i))
