/** Uses Redis where the package for it is not installed. */
import { registerHooks } from 'node:module'
import { RedisConnector } from '../../src/connector/redis.ts'

registerHooks({
  resolve(specifier, context, next) {
    if (specifier === 'redis') throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })
    return next(specifier, context)
  },
})
const connector = new RedisConnector({ url: 'redis://127.0.0.1:1' })
const error = (await connector.put([]).catch((reason: unknown) => reason)) as Error
process.stdout.write(`${error.name}: ${error.message}`)
