import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Engine, task } from '../../src/index.ts'
import { FileConnector, fileTransformer } from '../../src/node/index.ts'
import { StoreTransformer } from '../../src/transformer/store-transformer.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'taps-sdk-keep-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

const join2 = task((xs: readonly number[], options: { readonly by: string }) => xs.join(options.by))
const length = task((text: string) => text.length)

const files = (): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [entry.name] : []))

async function run(keep: boolean): Promise<void> {
  const engine = new Engine({ transformer: fileTransformer({ dir, keep }) })
  expect(await engine.submit(length, engine.submit(join2, [1, 2], { by: '-' }))).toBe(3)
  await engine.shutdown()
}

test('what a run stored is there to be inspected afterwards: two arguments, the result, and that of the child', async () => {
  await run(true)
  expect(files()).toHaveLength(4)
})

test('without keep nothing is left', async () => {
  await run(false)
  expect(readdirSync(dir)).toEqual([])
})

test('what was kept can be read later, by its run', async () => {
  const options = { name: 'file', cacheSize: 0, extractTarget: true, populateTarget: false, asyncResolve: false }
  const first = new FileConnector({ dir, keep: true })
  const writer = new StoreTransformer({ ...options, connector: first })
  const identifier = await writer.transform([1, 2, 3])
  await writer.evict(identifier)
  await writer.close()
  const reader = new StoreTransformer({ ...options, connector: new FileConnector({ dir, run: first.run }) })
  expect(await reader.resolve(identifier)).toEqual([1, 2, 3])
})
