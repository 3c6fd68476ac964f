// Runs the tests, in TypeScript and in Python, and checks the types of both. Arguments are for vitest, and then it alone runs.
import { spawnSync } from 'node:child_process'
import { dirname } from 'node:path'

process.chdir(dirname(import.meta.dirname))
const args = process.argv.slice(2)
const runs = [[process.execPath, 'node_modules/vitest/vitest.mjs', 'run', '--typecheck', ...args]]
if (args.length === 0) runs.push(['npm', 'run', '--silent', 'test:python'], ['npm', 'run', '--silent', 'check:python'])

// All of them, whatever fails.
const results = runs.map(([command, ...rest]) => spawnSync(command, rest, { stdio: 'inherit' }))
process.exitCode = results.every(({ status }) => status === 0) ? 0 : 1
