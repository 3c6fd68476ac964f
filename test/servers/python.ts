import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The Python that has the back ends: that of the project's own environment, which `scripts/setup.mjs --servers` makes. */
export function pythonWithBackends(): string {
  const own = fileURLToPath(new URL('../../.venv/bin/python', import.meta.url))
  const python = process.env.TAPS_SDK_TEST_PYTHON ?? (existsSync(own) ? own : undefined)
  if (python !== undefined) return python
  throw new Error(
    'There is no Python with the back ends: node scripts/setup.mjs --servers, or set TAPS_SDK_TEST_PYTHON',
  )
}
