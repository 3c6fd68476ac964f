// Builds dist/. With `--if-stale` only if the sources are not those of the last build.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { build } from 'tsup'
import { PROGRAMS, SUBPATHS } from './entries.ts'

const STAMP = 'node_modules/.cache/taps-sdk-build'
const OUTPUTS = [
  ...Object.values(SUBPATHS).flatMap((module) => [`dist/${module}.js`, `dist/${module}.d.ts`]),
  ...PROGRAMS.map((module) => `dist/${module}.js`),
]

process.chdir(dirname(import.meta.dirname))
const sources = fingerprint()
if (!(process.argv.includes('--if-stale') && isFresh())) {
  await build({ silent: true }).catch((error) => {
    console.error(String(error))
    process.exit(1)
  })
  mkdirSync(dirname(STAMP), { recursive: true })
  writeFileSync(STAMP, sources)
}

function isFresh() {
  return OUTPUTS.every((file) => existsSync(file)) && existsSync(STAMP) && readFileSync(STAMP, 'utf8') === sources
}

/** Contents rather than times: a checkout of older sources must build again too. */
function fingerprint() {
  const files = readdirSync('src', { recursive: true, withFileTypes: true })
    // What Python makes of its sources is no source.
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.pyc'))
    .map((entry) => join(entry.parentPath, entry.name))
  const hash = createHash('sha256')
  for (const file of [...files.sort(), 'tsup.config.ts', 'tsconfig.json', 'tsconfig.build.json']) {
    hash.update(`${file}\0`).update(readFileSync(file)).update('\0')
  }
  return hash.digest('hex')
}
