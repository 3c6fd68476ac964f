import { readdirSync, readFileSync } from 'node:fs'
import { build, type Plugin } from 'esbuild'
import { defineConfig } from 'tsup'
import { PROGRAMS, SUBPATHS } from './scripts/entries.ts'

const libraries = Object.values(SUBPATHS)

export default defineConfig({
  entry: sourcesOf([...libraries, ...PROGRAMS]),
  tsconfig: 'tsconfig.build.json',
  format: 'esm',
  target: 'node22.12',
  // Code that entries share becomes a chunk, so that a class is the same class from every subpath.
  splitting: true,
  dts: { entry: sourcesOf(libraries) },
  sourcemap: true,
  clean: true,
  // tsup would turn `node:fs` into `fs`.
  removeNodeProtocol: false,
  esbuildPlugins: [workerProgram(), pythonProgram()],
})

function sourcesOf(modules: readonly string[]): Record<string, string> {
  return Object.fromEntries(modules.map((module) => [module, `src/${module}.ts`]))
}

/** Puts the whole program of a worker into the library, as text; see `src/worker/source.ts`. */
function workerProgram(): Plugin {
  return {
    name: 'worker-program',
    setup({ onLoad }) {
      onLoad({ filter: /[\\/]worker[\\/]source\.ts$/ }, async () => {
        const { outputFiles } = await build({
          entryPoints: ['src/worker/main.ts'],
          bundle: true,
          write: false,
          minify: true,
          // Node prints the line of an error that nobody caught.
          lineLimit: 200,
          platform: 'node',
          target: 'node22.12',
          format: 'cjs',
          // Errors name their classes, and records their functions.
          keepNames: true,
          define: { 'import.meta.url': '""' },
        })
        return { contents: `export const workerSource = ${JSON.stringify(outputFiles[0]?.text)}`, loader: 'js' }
      })
    },
  }
}

/** Puts the Python program into the library, as texts; see `src/python/program-source.ts`. */
function pythonProgram(): Plugin {
  const folder = 'src/python/program'
  return {
    name: 'python-program',
    setup({ onLoad }) {
      onLoad({ filter: /[\\/]python[\\/]program-source\.ts$/ }, () => {
        const files = readdirSync(folder).filter((file) => file.endsWith('.py'))
        const texts = Object.fromEntries(files.map((file) => [file, readFileSync(`${folder}/${file}`, 'utf8')]))
        return { contents: `export const programSource = ${JSON.stringify(texts)}`, loader: 'js' }
      })
    },
  }
}
