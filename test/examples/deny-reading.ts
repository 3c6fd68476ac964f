// For child processes: what has "denied" in its name cannot be read. By force, because to root no file is denied.
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

function deny<F extends (path: never, ...rest: never[]) => Promise<unknown>>(read: F): F {
  return ((path: never, ...rest: never[]) => {
    if (!String(path).includes('denied')) return read(path, ...rest)
    return Promise.reject(Object.assign(new Error(`EACCES: permission denied, open '${path}'`), { code: 'EACCES' }))
  }) as F
}

Object.assign(fs, { readFile: deny(fs.readFile), readdir: deny(fs.readdir as () => Promise<unknown>) })
syncBuiltinESMExports()
