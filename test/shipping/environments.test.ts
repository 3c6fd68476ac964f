import { describe, expect, test } from 'vitest'
import { ANSWERS, DECORATED_TASKS, Project, program, TASKS, TYPED_TASKS } from './project.ts'

test('TypeScript that Node runs by itself', async () => {
  using project = new Project({ 'tasks.ts': TYPED_TASKS, 'main.ts': program('./tasks.ts') })
  expect(await project.answer('main.ts')).toEqual(ANSWERS)
})

test('JavaScript modules', async () => {
  using project = new Project({ 'tasks.js': TASKS, 'main.js': program() })
  expect(await project.answer('main.js')).toEqual(ANSWERS)
})

test('a CommonJS program with a CommonJS tasks module', async () => {
  using project = new Project({
    'tasks.cjs': commonJs(TASKS),
    'main.cjs': `(async () => {${commonJs(program('./tasks.cjs'))}})()`,
  })
  expect(await project.answer('main.cjs')).toEqual(ANSWERS)
})

function commonJs(module: string): string {
  const names = [...module.matchAll(/^export const (\w+)/gm)].map(([, name]) => name)
  return `${module
    .replaceAll(/^import (\{.*\}) from (.*)$/gm, 'const $1 = require($2)')
    .replaceAll(/^export const/gm, 'const')}
module.exports = { ${names.join(', ')} }`
}

test('modules in folders with characters that mean something in a URL', async () => {
  using project = new Project(
    {
      'tasks.ts': TYPED_TASKS,
      'main.ts': program('./tasks.ts'),
      'tasks.cjs': commonJs(TASKS),
      'common.ts': program('./tasks.cjs'),
    },
    "a #b?c 100%41 größe 数据 [id] it's {x}|^`&+;",
  )
  expect(await project.answer('main.ts')).toEqual(ANSWERS)
  expect(await project.answer('common.ts')).toEqual(ANSWERS)
})

describe('tsx', () => {
  test('runs a program whose imports end in .ts', async () => {
    using project = new Project({ 'tasks.ts': TYPED_TASKS, 'main.ts': program('./tasks.ts') }).install('tsx')
    expect(await project.answer('main.ts', { execArgv: ['--import', 'tsx'] })).toEqual(ANSWERS)
  })

  test('runs one whose imports end in .js, and mean .ts', async () => {
    using project = new Project({
      'tasks.ts': `import './nothing.js'\n${TYPED_TASKS}`,
      'nothing.ts': 'export {}',
      'main.ts': program(),
    }).install('tsx')
    expect(await project.answer('main.ts', { execArgv: ['--import', 'tsx'] })).toEqual(ANSWERS)
  })

  test('runs TypeScript that is more than JavaScript with types', async () => {
    using project = new Project({ 'tasks.ts': `${TYPED_TASKS}${ENUM}`, 'main.ts': program() }).install('tsx')
    expect(await project.answer('main.ts', { execArgv: ['--import', 'tsx'] })).toEqual(ANSWERS)
  })

  test('runs a package whose TypeScript becomes CommonJS', async () => {
    using project = new Project({
      'package.json': '{ "type": "commonjs" }',
      'tasks.ts': TYPED_TASKS,
      // CommonJS has no await outside of functions.
      'main.ts': program().replace(/^const answers(.|\n)*/m, 'async function main() {\n$&}\nvoid main()'),
    }).install('tsx')
    expect(await project.answer('main.ts', { execArgv: ['--import', 'tsx'] })).toEqual(ANSWERS)
  })

  test('runs static methods with the decorator', async () => {
    using project = new Project({ 'tasks.ts': DECORATED_TASKS, 'main.ts': program() }).install('tsx')
    expect(await project.answer('main.ts', { execArgv: ['--import', 'tsx'] })).toEqual(ANSWERS)
  })
})

const ENUM = `
enum Colour { Red = 1 }
class Point { constructor(readonly x: number, private y = Colour.Red) {} }
export const points = [new Point(1)]
`

test('source maps that Node follows', async () => {
  const map = { version: 3, sources: ['elsewhere/tasks.ts'], names: [], mappings: 'AAAA;AACA;AACA;AACA;AACA;AACA;AACA' }
  using project = new Project({
    'tasks.js': `${TASKS}//# ${'sourceMappingURL'}=tasks.js.map\n`,
    'tasks.js.map': JSON.stringify(map),
    'main.js': program(),
  })
  expect(await project.answer('main.js', { execArgv: ['--enable-source-maps'] })).toEqual(ANSWERS)
})

test('modules that are to be loaded first in workers, behind a prefix too', async () => {
  using project = new Project({
    'first.mjs': 'globalThis.loads = (globalThis.loads ?? 0) + 1',
    'tasks.js': "import { task } from 'taps-sdk'\nexport const loads = task(() => globalThis.loads)",
    'main.js': `
import { ProcessPoolExecutor, ThreadPoolExecutor } from 'taps-sdk/node'
import { loads } from './tasks.js'
const options = { maxWorkers: 1, execArgv: ['--import', './first.mjs', '--no-deprecation'] }
const pools = [
  new ThreadPoolExecutor(options),
  new ProcessPoolExecutor(options),
  new ProcessPoolExecutor({ ...options, prefix: ['nice', '-n', '1'] }),
]
console.log(JSON.stringify(await Promise.all(pools.map((pool) => pool.submit(loads)))))
await Promise.all(pools.map((pool) => pool.shutdown()))`,
  })
  expect(await project.answer('main.js')).toEqual([1, 1, 1])
})
