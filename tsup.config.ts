import { defineConfig } from 'tsup'

export default defineConfig({
  entry: { index: 'src/index.ts', 'node/index': 'src/node/index.ts', 'testing/index': 'src/testing/index.ts' },
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
})
