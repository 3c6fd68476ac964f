import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { ConfigError } from '../errors.ts'
import { folderUrl, projectFolder } from '../executor/packs/project.ts'

/** The modules that a worker is started with, as `import()` takes them: paths, URLs, or names of packages. @throws ConfigError for a file that does not exist */
export function moduleUrls(owner: string, modules: readonly string[], cwd: string): string[] {
  return modules.map((module) => {
    const isUrl = module.startsWith('file:')
    const path = isUrl ? fileURLToPath(module) : resolve(cwd, module)
    if (existsSync(path)) return pathToFileURL(path).href
    if (isUrl || /^[./]/.test(module)) throw new ConfigError(`${owner}: there is no module ${path}`)
    return module
  })
}

/** The URL of the folder that ids of modules are relative to, with a slash at its end. @throws ConfigError */
export function rootUrl(owner: string, root: string | undefined): string {
  const folder = root === undefined ? projectFolder(process.cwd()) : resolve(root)
  if (!existsSync(folder)) throw new ConfigError(`${owner}: there is no folder ${folder}, which root names`)
  return folderUrl(folder)
}
