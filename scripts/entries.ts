// The entry points, as package.json declares them: what is built, reported and checked follows from its `exports` and `bin`.
import { readFileSync } from 'node:fs'

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>
  readonly bin: Readonly<Record<string, string>>
}

const manifest: Manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

/** The module of each subpath, below src/ and dist/ alike: `{ '.': 'index', './node': 'node/index' }`. */
export const SUBPATHS: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(manifest.exports).flatMap(([subpath, target]) =>
    typeof target === 'string' ? [] : [[subpath, moduleOf(target.default)]],
  ),
)

/** The modules of programs. */
export const PROGRAMS: readonly string[] = Object.values(manifest.bin).map(moduleOf)

function moduleOf(path: string): string {
  return path.replace(/^(\.\/)?dist\//, '').replace(/\.js$/, '')
}
