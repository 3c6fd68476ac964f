/** Names of modules that mean the same on every machine: nothing that comes from a queue names a file. */
import { TaskNotFoundError } from '../errors.ts'
import { shared } from '../shared.ts'
import { namesIn } from '../task/task-ref.ts'
import { type PlaneRecipe, planeAbroad } from '../transformer/data-plane.ts'
import { loadModule } from './load.ts'

const PACKAGES = '/node_modules/'
/** What names of this library's own tasks begin with. */
const OWN = 'taps-sdk.'

/**
 * The id of a module: that of a package's file by the package, another one by its path below the root of the project. What is
 * no file, an id of the user's own (task option `module`), stays as it is.
 * @param root - the URL of the folder, which ends with `/`
 */
export function moduleId(url: string, root: string): string {
  if (!url.startsWith('file:')) return url
  const at = url.lastIndexOf(PACKAGES)
  if (at !== -1) return `npm:${url.slice(at + PACKAGES.length)}`
  return url.startsWith(root) ? `./${url.slice(root.length)}` : url
}

/** The modules that a worker was started with, and what these import: others it does not have. */
export class KnownModules {
  readonly #root: string
  readonly #urls: Map<string, string> = new Map()

  constructor(root: string) {
    this.#root = root
  }

  /** @param modules - as `import()` takes them */
  async load(modules: readonly string[]): Promise<void> {
    // One after the other: the order in which tasks are declared must not depend on chance.
    for (const module of modules) await loadModule(module)
    const { modules: declared, plugins } = shared()
    const urls = [...declared.keys(), ...[...plugins.keys()].map((key) => key.slice(key.lastIndexOf(' ') + 1))]
    for (const url of urls) this.#urls.set(moduleId(url, this.#root), url)
  }

  /** Where the module of a task is. @throws TaskNotFoundError for one that is not among them */
  url(id: string, task: string): string {
    return (
      this.#urls.get(id) ??
      this.#missing(
        `Task ${task} is in the module ${id}`,
        this.#ids((url) => namesIn(url).some((name) => !name.startsWith(OWN))) || 'none that declares a task',
        `give the module an id of its own on both sides: task({ module: "my-tasks" }, fn)${this.#hint(id)}`,
      )
    )
  }

  /** What makes a data plane, with the modules as they are called here. @throws TaskNotFoundError for one that is not among them */
  plane(recipe: PlaneRecipe): PlaneRecipe {
    const find = (id: string): string =>
      this.#urls.get(id) ??
      this.#missing(
        `The transformer, the filter or the connector of the engine is defined in the module ${id}`,
        this.#ids((url) => !shared().modules.has(url)) || 'none that defines such a thing',
        'with the package that it is of (taps-sdk/node)',
      )
    return planeAbroad(recipe, find)
  }

  /** The commonest cause: both sides have the module, and call it by other paths. */
  #hint(id: string): string {
    return id.startsWith('./') ? `. Paths are relative to ${this.#root} here: the option root, on both sides` : ''
  }

  #missing(what: string, there: string, other: string): never {
    throw new TaskNotFoundError(
      `${what}, which this worker was not started with; it has ${there}. Start it with that module, or ${other}`,
    )
  }

  #ids(isMeant: (url: string) => boolean): string {
    return [...this.#urls].flatMap(([id, url]) => (isMeant(url) ? id : [])).join(', ')
  }
}
