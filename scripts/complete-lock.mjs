// Adds the optional packages of other platforms which npm left out of package-lock.json.
//
// npm drops an optional package from the lock when the registry it asks does not carry it, and `npm ci` then refuses
// the lock as incomplete, on this machine and on every other. An entry with a version and a platform is all that it
// needs: the package is fetched only where the platform fits. Run by `npm run lock`, after each change of dependencies.
import { readFileSync, writeFileSync } from 'node:fs'

const OS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32']
const CPU = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64']

const file = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(file, 'utf8'))
const packages = lock.packages

/** What Node finds as `name` from the package at `path`: in its own node_modules, then in those of the folders above. */
function find(path, name) {
  for (let base = path; ; base = base.slice(0, Math.max(0, base.lastIndexOf('/node_modules/')))) {
    const found = packages[`${base && `${base}/`}node_modules/${name}`]
    if (found !== undefined || base === '') return found
  }
}

/** Platform packages carry their platform in their name: `@rollup/rollup-linux-x64-musl`. */
function platform(name) {
  const words = name.split(/[-/]/)
  const os = OS.find((word) => words.includes(word))
  const cpu = CPU.find((word) => words.includes(word))
  const libc = /-musl/.test(name) ? 'musl' : /-gnu/.test(name) ? 'glibc' : undefined
  if (cpu === undefined) return undefined
  return { cpu: [cpu], ...(os && { os: [os] }), ...(os === 'linux' && libc && { libc: [libc] }) }
}

const added = []
for (const [path, entry] of Object.entries(packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const found = find(path, name)
    // Platform packages are wanted at one exact version; a range is met by whatever npm chose.
    if (found !== undefined && (found.version === version || !/^\d/.test(version))) continue
    const where = platform(name)
    if (where === undefined)
      throw new Error(`${path} wants ${name}@${version}: not in the lock, nor named after a platform`)
    const folder = found === undefined ? '' : `${path}/`
    packages[`${folder}node_modules/${name}`] = { version, ...where, ...(entry.dev && { dev: true }), optional: true }
    added.push(`${name}@${version}`)
  }
}

const registries = Object.keys(packages).filter((path) => packages[path].resolved?.startsWith('http'))
if (registries.length > 0)
  throw new Error(`package-lock.json names the registry of one machine: ${registries.join(', ')}`)

if (added.length === 0) {
  console.log('package-lock.json is complete')
} else if (process.argv.includes('--check')) {
  console.error(`package-lock.json lacks ${added.join(', ')}: run npm run lock`)
  process.exitCode = 1
} else {
  lock.packages = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en')))
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
  console.log(`added to package-lock.json: ${added.join(', ')}`)
}
