import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** An interpreter that runs no Python: it speaks as the Python program does, see `fake-program.fixture.ts`. */
export interface FakePython extends Disposable {
  /** Options of an executor. */
  readonly how: { readonly python: string; readonly env: Readonly<Record<string, string>> }
  /** What it has written down so far. */
  log(): string[]
}

/** @param manner - how it behaves */
export function fakePython(manner: string): FakePython {
  const folder = mkdtempSync(join(tmpdir(), 'fake-python-'))
  const [python, logFile] = [join(folder, 'python'), join(folder, 'log')]
  const program = fileURLToPath(new URL('./fake-program.fixture.ts', import.meta.url))
  writeFileSync(python, `#!/bin/sh\nexec '${process.execPath}' '${program}'\n`)
  chmodSync(python, 0o700)
  return {
    how: { python, env: { FAKE: manner, FAKE_LOG: logFile } },
    log: () => (existsSync(logFile) ? readFileSync(logFile, 'utf8').split('\n').slice(0, -1) : []),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}
