import { realpathSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

/**
 * Whether a module is the program that was started, and not imported by another one. (`import.meta.main` says the same,
 * from Node 24.2 on.)
 * @param url - `import.meta.url` of the module
 */
export function isProgram(url: string): boolean {
  const [, started] = process.argv
  if (started === undefined) return false
  try {
    // The URL of a module has no symbolic links in it; what stands on the command line may have.
    return pathToFileURL(realpathSync(started)).href === url
  } catch {
    return false
  }
}
