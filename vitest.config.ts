import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string) => fileURLToPath(new URL(`src/${path}`, import.meta.url))

export default defineConfig({
  resolve: {
    alias: [
      { find: /^taps-sdk$/, replacement: source('index.ts') },
      { find: /^taps-sdk\/(\w+)$/, replacement: source('$1/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    typecheck: { include: ['test/**/*.test-d.ts'], tsconfig: 'tsconfig.json' },
    // Processes rather than threads: tests start threads of their own, and may end the process by mistake.
    pool: 'forks',
    // On two processors too: many tests wait for processes that start or end.
    maxWorkers: Math.max(availableParallelism() - 1, 2),
    // Tests end when something happens, whatever else the machine has to do: this is for those that never would.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // V8 13.6 (Node 24.21) crashes now and then where many threads come and go, on processors that have keys for the protection of
    // memory: it loses count of the pages of its code ("Check failed: jit_page.has_value()").
    execArgv: ['--no-memory-protection-keys'],
    // The report is what `.ci/run` counts.
    reporters: process.env.CI ? ['default', 'json'] : ['default'],
    outputFile: { json: 'node_modules/.cache/vitest-report.json' },
    coverage: { include: ['src/**'], reportsDirectory: 'coverage' },
  },
})
