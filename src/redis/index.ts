export { RedisConnector, type RedisConnectorOptions } from '../connector/redis.ts'
export { removeLeftovers } from '../connector/redis-leftovers.ts'
export type { RedisServerOptions } from '../connector/redis-server.ts'
