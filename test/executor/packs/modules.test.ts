import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { Engine, TaskNotFoundError, task } from '../../../src/index.ts'
import { planeAbroad } from '../../../src/transformer/data-plane.ts'
import { KnownModules, moduleId } from '../../../src/worker/module-ids.ts'
import { failureOf } from '../pool/each-pool.ts'
import { echo } from '../pool/fault-tasks.ts'
import { type LocalOptions, LocalPacks } from './local-backend.ts'
import { fileTransformer, isEvil, long, named, take } from './strict-tasks.ts'

const folder = mkdtempSync(join(tmpdir(), 'packs-modules-'))
afterAll(() => rmSync(folder, { recursive: true }))

const root = new URL('../../../', import.meta.url).href
const modules = [new URL('strict-tasks.ts', import.meta.url).href]
const moduleOf = (url: string): string => moduleId(url, root)

/** An executor whose workers have modules of their own. */
function strict(options: LocalOptions = {}): LocalPacks {
  const abroad = { moduleOf, planeOf: (recipe: Parameters<typeof planeAbroad>[0]) => planeAbroad(recipe, moduleOf) }
  return new LocalPacks(1, { hosted: { modules, root }, abroad, ...options })
}

/** Of what workers are told, some is somebody else's. */
function forged(forge: (url: string) => string): LocalPacks {
  return strict({ abroad: { moduleOf: forge, planeOf: (recipe) => planeAbroad(recipe, forge) } })
}

const EVIL = 'data:text/javascript,globalThis["taps-sdk test: evil"]=true'

describe('the id of a module', () => {
  test.each([
    ['file:///home/me/project/src/tasks.ts', './src/tasks.ts'],
    ['file:///home/me/project/node_modules/pkg/dist/index.js', 'npm:pkg/dist/index.js'],
    ['file:///store/node_modules/.pnpm/@a+b@1.0.0/node_modules/@a/b/c.js', 'npm:@a/b/c.js'],
    ['file:///home/me/project-2/tasks.ts', 'file:///home/me/project-2/tasks.ts'],
    ['file:///elsewhere/tasks.ts', 'file:///elsewhere/tasks.ts'],
    ['my-tasks', 'my-tasks'],
    ['data:text/javascript,0', 'data:text/javascript,0'],
  ])('%s is %s', (url, id) => {
    expect(moduleId(url, 'file:///home/me/project/')).toBe(id)
  })

  test.each([
    './../secrets.ts',
    './test/executor/packs/../packs/strict-tasks.ts',
    'npm:../../etc/passwd',
    'file:///etc/passwd',
    'node:fs',
    '__proto__',
    'constructor',
    '',
  ])('%j leads nowhere', async (id) => {
    const known = new KnownModules(root)
    await known.load(modules)
    expect(known.url('./test/executor/packs/strict-tasks.ts', 'isEvil')).toBe(modules[0])
    expect(() => known.url(id, 'it')).toThrow(TaskNotFoundError)
  })
})

describe('a worker with modules of its own', () => {
  test('runs the tasks of these, of what they import, and those with an id of their own', async () => {
    await using executor = strict()
    expect(await executor.submit(isEvil)).toBe(false)
    expect(await executor.submit(take, 0)).toBeTypeOf('number')
    expect(await executor.submit(named)).toBe('named')
    await executor.warmup(isEvil, take, named)
  })

  test('refuses others with the list of what it has, and goes on', async () => {
    await using executor = strict()
    const error = await failureOf(executor.submit(echo, 1))
    expect(error).toBeInstanceOf(TaskNotFoundError)
    expect(error.message).toContain(
      'Task echo is in the module ./test/executor/pool/fault-tasks.ts, which this worker was not started with; it has',
    )
    expect(error.message).toContain('./test/executor/packs/strict-tasks.ts')
    expect(error.message).toContain('./test/executor/packs/flow-tasks.ts')
    expect(error.message).toContain('app:named')
    expect(await failureOf(executor.warmup(echo))).toBeInstanceOf(TaskNotFoundError)
    expect(await executor.submit(isEvil)).toBe(false)
  })

  test.each([EVIL, 'node:child_process', './test/executor/packs/../packs/strict-tasks.ts', 'file:///etc/passwd'])(
    'imports no module of a task that a message names: %s',
    async (module) => {
      await using executor = forged(() => module)
      const error = await failureOf(executor.submit(isEvil))
      expect(error).toBeInstanceOf(TaskNotFoundError)
      expect(error.message).toContain(`is in the module ${module}, which this worker was not started with`)
    },
  )

  test('imports no plug-in that a message names', async () => {
    const forge = (url: string): string => (url === modules[0] ? moduleOf(url) : EVIL)
    const executor = forged(forge)
    const engine = new Engine({ executor, transformer: fileTransformer({ dir: folder }), filter: long({ than: 3 }) })
    const error = await failureOf(engine.submit(isEvil))
    expect(error).toBeInstanceOf(TaskNotFoundError)
    expect(error.message).toContain(`is defined in the module ${EVIL}, which this worker was not started with`)
    expect(error.message).toContain('file-transformer')
    expect(await executor.submit(isEvil)).toBe(false)
    await engine.shutdown()
  })

  test('makes the data plane of an engine for itself: of plug-ins that it has', async () => {
    const transformer = fileTransformer({ dir: folder })
    const engine = new Engine({ executor: strict(), transformer, filter: long({ than: 3 }) })
    expect(await engine.submit(named)).toBe('named')
    expect(await engine.submit(isEvil)).toBe(false)
    await engine.shutdown()
  })

  test('runs chunks', async () => {
    await using engine = new Engine({ executor: strict() })
    expect((await engine.map(take.with({ chunkSize: 3 }), [0, 0, 0, 0, 0])).length).toBe(5)
  })

  test('cannot be started if one of them does not exist, and says which', async () => {
    await using executor = strict({ hosted: { modules: [new URL('no-such.ts', import.meta.url).href], root } })
    executor.on('output', () => {})
    const error = await failureOf(executor.submit(isEvil))
    expect(error.message).toMatch(/^No worker could be started: .*no-such\.ts/s)
  })

  test('does not know a task that the client declares otherwise', async () => {
    await using executor = strict()
    const other = task({ module: 'app:named' }, function other() {})
    const error = await failureOf(executor.submit(other))
    expect(error).toBeInstanceOf(TaskNotFoundError)
    expect(error.message).toContain('named')
  })
})

test('a host takes nothing for a pack that is none', async () => {
  const { host } = strict().backend
  for (const text of ['[3]', '[2,1,[]]', '[0,0,[],[],[]]', '[31,99]', '{}', '[300]', '']) {
    const messages: string[] = []
    await new Promise<void>((resolve) => {
      const finish = (last: string): void => {
        messages.push(last)
        resolve()
      }
      host.run({ calls: 1, text, beside: [] }, { message: (message) => messages.push(message), finish })
    })
    expect(messages.map((message) => JSON.parse(message)[0])).toEqual([20, 24])
  }
  await host.close()
})
