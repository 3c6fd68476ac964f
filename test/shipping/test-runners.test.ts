import { describe, expect, test } from 'vitest'
import { ANSWERS, Project, program, TYPED_TASKS } from './project.ts'

/** A test file that prints nothing, and fails if its workers do not answer. */
function testFile(importTest: string, tasks: string): string {
  const body = program(tasks).replace(/^console\.log\((.*)\)$/m, `assert.equal($1, '${JSON.stringify(ANSWERS)}')`)
  const [imports, rest] = [body.match(/^import.*$/gm) ?? [], body.replace(/^import.*$/gm, '')]
  return [
    importTest,
    "import assert from 'node:assert/strict'",
    ...imports,
    `test('answers', async () => {${rest}})`,
  ].join('\n')
}

describe('vitest', () => {
  test.each(['threads', 'forks'])('runs tests in %s whose tasks run in workers', async (pool) => {
    using project = new Project({
      'tasks.ts': TYPED_TASKS,
      'native.test.ts': testFile("import { test } from 'vitest'", './tasks.ts'),
      'transpiled.test.ts': testFile("import { test } from 'vitest'", './more-tasks.js'),
      'more-tasks.ts': `export * from './again.js'`,
      'again.ts': `enum Colour { Red }\n${TYPED_TASKS}`,
    }).install('vitest', 'tsx')
    const args = ['run', `--pool=${pool}`, '--reporter=tap-flat']
    const { stdout, stderr } = await project.run('node_modules/vitest/vitest.mjs', { args })
    expect({ stdout, stderr, passed: stdout.match(/^ok /gm)?.length }).toMatchObject({ passed: 2, stderr: '' })
  })
})

test('the test runner of Node', async () => {
  using project = new Project({
    'tasks.ts': TYPED_TASKS,
    'answers.test.ts': testFile("import { test } from 'node:test'", './tasks.ts'),
  })
  const { code, stdout } = await project.run('answers.test.ts', { execArgv: ['--test', '--test-reporter=tap'] })
  expect(stdout).toMatch(/^# pass 1$/m)
  expect(code).toBe(0)
})

describe('NODE_OPTIONS', () => {
  test('with a loader', async () => {
    using project = new Project({ 'tasks.ts': TYPED_TASKS, 'main.ts': program('./tasks.ts') }).install('tsx')
    expect(await project.answer('main.ts', { env: { NODE_OPTIONS: '--import tsx' } })).toEqual(ANSWERS)
  })

  test('with what only a process can have', async () => {
    using project = new Project({ 'tasks.ts': TYPED_TASKS, 'main.ts': program('./tasks.ts') })
    const NODE_OPTIONS = '--max-old-space-size=512 --title=program --no-deprecation --require=./first.cjs'
    project.write({ 'first.cjs': 'globalThis.isFirst = true' })
    expect(await project.answer('main.ts', { env: { NODE_OPTIONS } })).toEqual(ANSWERS)
  })
})

test('options of this process that workers could not start with', async () => {
  using project = new Project({ 'tasks.ts': TYPED_TASKS, 'main.ts': program('./tasks.ts') })
  const execArgv = ['--expose-gc', '--max-old-space-size=512', '--title=program', '--trace-uncaught']
  expect(await project.answer('main.ts', { execArgv })).toEqual(ANSWERS)
})

test('a program that is no file, but text', async () => {
  using project = new Project({ 'tasks.ts': TYPED_TASKS })
  const execArgv = ['--input-type=module', '-e']
  expect(await project.answer(program('./tasks.ts'), { execArgv })).toEqual(ANSWERS)
})
