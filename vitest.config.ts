import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string) => fileURLToPath(new URL(`src/${path}`, import.meta.url))

export default defineConfig({
  resolve: {
    alias: [
      { find: /^taps-sdk$/, replacement: source('index.ts') },
      { find: /^taps-sdk\/(node|redis|testing)$/, replacement: source('$1/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    typecheck: { include: ['test/**/*.test-d.ts'], tsconfig: 'tsconfig.json' },
    // Processes rather than threads: tests start threads of their own, and may end the process by mistake.
    pool: 'forks',
    // The report is what `.ci/run` counts.
    reporters: process.env.CI ? ['default', 'json'] : ['default'],
    outputFile: { json: 'node_modules/.cache/vitest-report.json' },
    coverage: { include: ['src/**'], reportsDirectory: 'coverage' },
  },
})
