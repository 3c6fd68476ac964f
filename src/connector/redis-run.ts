/** The keys of a run in Redis: its values, an index of them, and one that is there for as long as the run is in use. */
import type { RedisConnection } from './redis-connection.ts'

/** How many keys are looked at, or removed, at once: Redis does nothing else meanwhile. */
export const BATCH = 500

export function valueName(prefix: string, run: string, name: string): string {
  return `${prefix}:${run}:${name}`
}

export function indexName(prefix: string, run: string): string {
  return `${prefix}:${run}:index`
}

export function aliveName(prefix: string, run: string): string {
  return `${prefix}:${run}:alive`
}

/** Removes all keys of a run. */
export async function removeRun(connection: RedisConnection, prefix: string, run: string): Promise<void> {
  const index = indexName(prefix, run)
  for (;;) {
    const [answer] = await connection.send(['ZRANGE', index, '0', String(BATCH - 1)])
    const names = (answer as readonly Buffer[]).map(String)
    if (names.length === 0) break
    await connection.send(['UNLINK', ...names], ['ZREM', index, ...names])
  }
  await connection.send(['UNLINK', index, aliveName(prefix, run)])
}
