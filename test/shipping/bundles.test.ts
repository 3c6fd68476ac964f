import { type BuildOptions, build } from 'esbuild'
import { expect, test } from 'vitest'
import { ANSWERS, DECORATED_TASKS, Project, program, TYPED_TASKS } from './project.ts'

/** Guarded, because the file that a worker imports is the program too. */
const GUARDED = program('./tasks.ts')
  .replace(/^const answers/m, 'if (import.meta.main) {\n$&')
  .concat('}')

const SOURCES = { 'tasks.ts': TYPED_TASKS, 'main.ts': GUARDED }

/** Bundles `main.ts`, and takes away all but the bundle. */
async function bundle(project: Project, options: BuildOptions): Promise<void> {
  const entryPoints = [`${project.folder}/main.ts`]
  const output = { bundle: true, platform: 'node', format: 'esm', target: 'node24', logLevel: 'silent' } as const
  await build({ ...output, entryPoints, ...options })
  project.remove('tasks.ts', 'main.ts')
  if (options.packages !== 'external') project.remove('node_modules')
}

test.each<[string, BuildOptions]>([
  ['as it is', {}],
  ['minified', { minify: true, sourcemap: 'inline' }],
])('a single file with the library inside, %s', async (_, options) => {
  using project = new Project(SOURCES)
  await bundle(project, { ...options, outfile: `${project.folder}/out.mjs` })
  expect(await project.answer('out.mjs')).toEqual(ANSWERS)
})

test('a single file, whose tasks are static methods with the decorator', async () => {
  using project = new Project({ ...SOURCES, 'tasks.ts': DECORATED_TASKS })
  await bundle(project, { minify: true, outfile: `${project.folder}/out.mjs` })
  expect(await project.answer('out.mjs')).toEqual(ANSWERS)
})

test('a single file in CommonJS', async () => {
  using project = new Project({
    ...SOURCES,
    'main.ts': GUARDED.replace('(import.meta.main) {', '(require.main === module) (async () => {').concat(')()'),
  })
  await bundle(project, { format: 'cjs', outfile: `${project.folder}/out.cjs` })
  expect(await project.answer('out.cjs')).toEqual(ANSWERS)
})

test('a single file with the library outside', async () => {
  using project = new Project(SOURCES)
  await bundle(project, { packages: 'external', minify: true, outfile: `${project.folder}/out.mjs` })
  expect(await project.answer('out.mjs')).toEqual(ANSWERS)
})

test.each([false, true])('code splitting, where tasks and library share a file, minified: %j', async (minify) => {
  using project = new Project({ 'tasks.ts': TYPED_TASKS, 'main.ts': program('./tasks.ts') })
  const entryPoints = ['main.ts', 'tasks.ts'].map((name) => `${project.folder}/${name}`)
  await bundle(project, { minify, splitting: true, entryPoints, outdir: `${project.folder}/out` })
  expect(await project.answer('out/main.js')).toEqual(ANSWERS)
})

test('code splitting, where tasks and library have files of their own', async () => {
  using project = new Project({
    'tasks.ts': TYPED_TASKS,
    'main.ts': program('./tasks.ts').replace(
      /^import (.*) from '.\/tasks.ts'/m,
      "const $1 = await import('./tasks.ts')",
    ),
  })
  await bundle(project, { splitting: true, outdir: `${project.folder}/out` })
  expect(await project.answer('out/main.js')).toEqual(ANSWERS)
})
