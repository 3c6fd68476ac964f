import type { Connector } from '../connector/connector.ts'
import { FileConnector, type FileConnectorOptions } from '../connector/file.ts'
import { definePlugin } from '../plugin.ts'
import { StoreTransformer } from './store-transformer.ts'
import type { Transformer } from './transformer.ts'

const onConnector = /* @__PURE__ */ definePlugin({
  name: 'fileTransformer',
  module: import.meta.url,
  create: ({ connector }: { connector: Connector }): Transformer =>
    new StoreTransformer({
      connector,
      name: 'file',
      cacheSize: 0,
      extractTarget: true,
      populateTarget: false,
      asyncResolve: false,
    }),
})

/**
 * Keeps values in files of a folder that client and workers share. Each engine has a sub-folder of its own, which is removed when
 * that shuts down, unless it is to be kept. A value is read from its file each time that it is needed.
 *
 * @example
 * ```ts
 * new Engine({ executor: new ProcessPoolExecutor(), transformer: fileTransformer({ dir: '/shared/values' }) })
 * ```
 * @throws ConfigError for an unknown or wrong option
 */
export function fileTransformer(options: FileConnectorOptions): Transformer {
  return onConnector({ connector: new FileConnector(options) })
}
