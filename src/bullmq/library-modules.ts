import { FileConnector } from '../connector/file.ts'
import { RedisConnector } from '../connector/redis.ts'
import { recipeOf } from '../plugin.ts'
import { fileTransformer } from '../transformer/file-transformer.ts'
import { proxyTransformer } from '../transformer/store-transformer.ts'

/**
 * The modules of this library that workers need for a client's data plane, as URLs. In a program that was bundled into one file
 * there are none: importing that would run it again.
 */
export function libraryModules(): string[] {
  const connector = new FileConnector({ dir: '.', keep: true })
  const all = [
    connector,
    new RedisConnector({ url: 'redis://localhost' }),
    fileTransformer({ dir: '.', keep: true }),
    proxyTransformer({ connector }),
  ]
  const urls = all.map((plugin) => recipeOf(plugin, 'plug-in').module)
  return [...new Set(urls)].filter((url) => url !== import.meta.url)
}
