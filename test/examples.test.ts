import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'

interface Example {
  main(): Promise<unknown>
  /** What `main()` has to return, where that is fixed. */
  readonly expected?: unknown
}

const folder = join(import.meta.dirname, '../examples')
/** They need a server or Python, and have tests of their own: `test/examples/back-ends.test.ts`. */
const OTHERS = ['mixed', 'queue']
const examples = readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() && !OTHERS.includes(entry.name) ? entry.name : [],
)

afterEach(() => {
  vi.restoreAllMocks()
})

/** Keeps what an example prints, so that it does not drown the report of the tests. */
function capture(): () => string {
  const spies = [
    ...(['log', 'error', 'warn'] as const).map((method) => vi.spyOn(console, method).mockReturnValue()),
    vi.spyOn(process.stderr, 'write').mockReturnValue(true),
  ]
  return () => spies.flatMap((spy) => spy.mock.calls.flat()).join('\n')
}

test('there are examples', () => {
  expect(examples).toEqual(
    expect.arrayContaining(['executors', 'parsl-patterns', 'porting', 'synthetic', 'unit-test', 'word-count']),
  )
})

test.each(examples)('%s returns what it has to, and shows it', async (name) => {
  const file = join(folder, name, 'main.ts')
  expect(existsSync(file)).toBe(true)
  const { main, expected }: Example = await import(file)
  const printed = capture()
  const result = await main()
  if (expected !== undefined) expect(result).toEqual(expected)
  expect(printed()).not.toBe('')
  expect(printed()).not.toContain('taps-sdk: ')
})
