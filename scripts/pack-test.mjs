// Packs the package, installs the tarball into an empty project, and uses it there as its users do: on this Node and
// on the oldest one declared, through import and require, in workers, from TypeScript 6 and 7, and bundled.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createContext, runInContext } from 'node:vm'
import { build } from 'esbuild'

const root = dirname(import.meta.dirname)
const { engines, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const oldestNode = `${engines.node.replace('>=', '')}.0`
const project = mkdtempSync(join(tmpdir(), 'taps-sdk-pack-'))

// Of what browsers add to the language, all that the core and its dependencies use.
const BROWSER_GLOBALS = `setTimeout clearTimeout setInterval clearInterval queueMicrotask performance console
  EventTarget Event CustomEvent AbortController AbortSignal DOMException structuredClone`.split(/\s+/)

// Without any packages.
const python = join(project, 'python/bin/python')

let failures = 0
try {
  install()
  await bundleForNode()
  const nodes = { [process.version]: process.execPath, [`v${oldestNode}`]: join(project, 'node_modules/.bin/node') }
  for (const [version, node] of Object.entries(nodes)) {
    await step(`import, on Node ${version}`, () => run(node, ['smoke.mjs']))
    await step(`require, on Node ${version}`, () => run(node, ['smoke.cjs']))
    await step(`workers, on Node ${version}`, () => run(node, ['workers.mjs']))
    await step(`workers with tsx, on Node ${version}`, () => run(node, ['--import', 'tsx', 'with-tsx.ts']))
    await step(`workers in a single file, on Node ${version}`, () => run(node, ['single.mjs']))
    await step(`back ends, on Node ${version}`, () => run(node, ['back-ends.mjs', python]))
    await step(`the command line, on Node ${version}`, () => commandLine(node))
  }
  for (const name of ['typescript', 'typescript-7']) {
    const tsc = join(root, 'node_modules', name, 'bin/tsc')
    await step(`types for Node, with ${name}`, () => run(process.execPath, [tsc, '-p', 'tsconfig.node.json']))
    await step(`types for browsers, with ${name}`, () => run(process.execPath, [tsc, '-p', 'tsconfig.browser.json']))
  }
  await step('bundled for browsers', bundle)
} finally {
  rmSync(project, { recursive: true, force: true })
}
process.exitCode = failures > 0 ? 1 : 0

async function step(name, body) {
  try {
    await body()
    console.log(`ok      ${name}`)
  } catch (error) {
    failures += 1
    console.log(`failed  ${name}\n${error.stdout ?? ''}${error.stderr ?? error.stack}`)
  }
}

function run(command, args, env = process.env) {
  return execFileSync(command, args, {
    cwd: project,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 120_000,
  })
}

function install() {
  execFileSync('npm', ['pack', '--silent', '--pack-destination', project], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const tarball = readdirSync(project).find((file) => file.endsWith('.tgz'))
  write('package.json', {
    private: true,
    type: 'module',
    dependencies: {
      'taps-sdk': `file:${tarball}`,
      '@types/node': devDependencies['@types/node'],
      node: oldestNode,
      tsx: devDependencies.tsx,
    },
    allowScripts: { node: true },
  })
  run('npm', ['install', '--no-package-lock', '--no-audit', '--no-fund'])
  run('python3', ['-m', 'venv', '--without-pip', 'python'])
  cpSync(join(root, 'scripts/consumer'), project, { recursive: true })
  const options = { target: 'es2023', strict: true, noEmit: true, skipLibCheck: false }
  write('tsconfig.node.json', {
    compilerOptions: { ...options, module: 'nodenext', lib: ['es2023', 'esnext.disposable'], types: ['node'] },
    files: ['consumer.ts'],
  })
  write('tsconfig.browser.json', {
    compilerOptions: {
      ...options,
      module: 'esnext',
      moduleResolution: 'bundler',
      lib: ['es2023', 'esnext.disposable', 'dom'],
      types: [],
    },
    files: ['core.ts'],
  })
}

function write(file, value) {
  writeFileSync(join(project, file), JSON.stringify(value, null, 2))
}

/** As npm has linked it: a file that names its interpreter, and can be executed. */
function commandLine(node) {
  const env = { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}` }
  const help = run('node_modules/.bin/taps-sdk', ['--help'], env)
  if (!/taps-sdk worker /.test(help)) throw new Error(`the help says nothing of workers: ${help}`)
}

/** One minified file with the library inside. It runs its program only where it is the main one, since workers import it too. */
async function bundleForNode() {
  const program = `import { Engine } from 'taps-sdk'
    import { ProcessPoolExecutor, ThreadPoolExecutor } from 'taps-sdk/node'
    import { place } from './tasks.mjs'
    if (process.argv[1]?.endsWith('single.mjs')) {
      for (const [Pool, where] of [[ThreadPoolExecutor, 'thread'], [ProcessPoolExecutor, 'process']]) {
        const engine = new Engine({ executor: new Pool({ maxWorkers: 1 }) })
        const answer = await engine.submit(place, process.pid)
        if (answer !== where) throw new Error(\`it ran in the \${answer} instead of a \${where}\`)
        await engine.shutdown()
      }
    }`
  await build({
    stdin: { contents: program, resolveDir: project },
    outfile: join(project, 'single.mjs'),
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'silent',
  })
}

/** Fails where the bundler meets a module of Node, and runs the bundle with no more around it than browsers have. */
async function bundle() {
  const program = `import { Engine, task } from 'taps-sdk'
    const double = task({ name: 'double' }, (x) => x * 2)
    const engine = new Engine()
    globalThis.outcome = engine.submit(double, engine.submit(double, 1))`
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: project },
    bundle: true,
    platform: 'browser',
    format: 'iife',
    write: false,
    logLevel: 'silent',
  })
  const window = createContext(Object.fromEntries(BROWSER_GLOBALS.map((name) => [name, globalThis[name]])))
  runInContext(outputFiles[0].text, window)
  const value = await window.outcome
  if (value !== 4) throw new Error(`the bundled engine answered ${value} instead of 4`)
}
