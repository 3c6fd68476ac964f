/** Stores something in Redis, and comes to its end without closing. */
import { RedisConnector } from '../../src/connector/redis.ts'

const connector = new RedisConnector({ url: process.argv[2] as string })
const key = await connector.put([new Uint8Array(1_000_000)])
process.stdout.write(String((await connector.get(key))?.byteLength))
