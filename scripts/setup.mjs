// Installs the dependencies if they are missing or have changed, and with `--build` builds dist/ if it is stale.
// It runs before the npm scripts, so that each works in a fresh clone. There it starts on the machine's own Node, with
// nothing installed: plain JavaScript, no dependencies, Node 20.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

const STAMP = 'node_modules/.cache/taps-sdk-install'
const NODE = 'node_modules/.bin/node'

process.chdir(dirname(import.meta.dirname))
if (!isInstalled()) install()
if (process.argv.includes('--build')) run(NODE, ['scripts/build.mjs', '--if-stale']) || process.exit(1)

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

function run(command, args) {
  return spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] }).status === 0
}

function read(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}
