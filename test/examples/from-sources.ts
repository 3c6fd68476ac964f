// For child processes: `node --import` this, and `taps-sdk` means the sources, as it does in the tests themselves.
import { registerHooks } from 'node:module'

const SOURCES: Readonly<Record<string, string>> = {
  'taps-sdk': '../../src/index.ts',
  'taps-sdk/bullmq': '../../src/bullmq/index.ts',
  'taps-sdk/node': '../../src/node/index.ts',
  'taps-sdk/python': '../../src/python/index.ts',
  'taps-sdk/testing': '../../src/testing/index.ts',
}

registerHooks({
  resolve(specifier, context, next) {
    const source = SOURCES[specifier]
    return source === undefined ? next(specifier, context) : next(new URL(source, import.meta.url).href, context)
  },
})
