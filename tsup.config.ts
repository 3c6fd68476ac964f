import { build, type Plugin } from 'esbuild'
import { defineConfig } from 'tsup'

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    'node/index': 'src/node/index.ts',
    'redis/index': 'src/redis/index.ts',
    'testing/index': 'src/testing/index.ts',
  },
  tsconfig: 'tsconfig.build.json',
  format: 'esm',
  target: 'node22.12',
  // Code that entries share becomes a chunk, so that a class is the same class from every subpath.
  splitting: true,
  dts: true,
  sourcemap: true,
  clean: true,
  // tsup would turn `node:fs` into `fs`.
  removeNodeProtocol: false,
  esbuildPlugins: [workerProgram()],
})

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
