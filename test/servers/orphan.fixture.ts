/** Starts a server, says where, and dies without stopping it. */
import { writeSync } from 'node:fs'
import { startRedis } from './redis.ts'

const { port } = await startRedis()
writeSync(1, String(port))
process.kill(process.pid, 'SIGKILL')
