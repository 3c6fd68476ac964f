import { checkOptions } from '../options.ts'
import type { RedisConnection } from './redis-connection.ts'
import { aliveName, BATCH } from './redis-run.ts'
import { connectionTo, PREFIX, type RedisServerOptions, serverChecks } from './redis-server.ts'
import { parseRun } from './run.ts'

/**
 * Removes what runs have left in Redis whose programs have ended without closing their connector, five minutes after they did.
 * What was kept on purpose is removed as well. Nothing else is touched.
 * @returns the names of the runs
 * @throws ConfigError for a wrong option, TransformError if Redis cannot be reached
 */
export async function removeLeftovers(options: RedisServerOptions): Promise<string[]> {
  checkOptions('removeLeftovers', options, serverChecks)
  const connection = connectionTo('removeLeftovers', options)
  try {
    return await removeFrom(connection, options.prefix ?? PREFIX)
  } finally {
    connection.close()
  }
}

async function removeFrom(connection: RedisConnection, prefix: string): Promise<string[]> {
  const isOver = new Map<string, boolean>()
  let cursor = '0'
  do {
    const [answer] = await connection.send(['SCAN', cursor, 'MATCH', `${prefix}:taps-sdk-*`, 'COUNT', String(BATCH)])
    const [next, found] = answer as [Buffer, readonly Buffer[]]
    const names = found.map(String)
    for (const run of new Set(names.map((name) => runOf(name, prefix))))
      if (run !== undefined && !isOver.has(run)) isOver.set(run, await hasEnded(connection, prefix, run))
    const leftovers = names.filter((name) => isOver.get(runOf(name, prefix) ?? '') === true)
    if (leftovers.length > 0) await connection.send(['UNLINK', ...leftovers])
    cursor = String(next)
  } while (cursor !== '0')
  return [...isOver].filter(([, over]) => over).map(([run]) => run)
}

/** @returns undefined for a key that is not ours */
function runOf(name: string, prefix: string): string | undefined {
  const [run, key, ...others] = name.slice(prefix.length + 1).split(':')
  if (run === undefined || parseRun(run) === undefined || others.length > 0) return undefined
  return /^(?:index|[0-9a-f-]{36})$/.test(key ?? '') ? run : undefined
}

async function hasEnded(connection: RedisConnection, prefix: string, run: string): Promise<boolean> {
  const [count] = await connection.send(['EXISTS', aliveName(prefix, run)])
  return count === 0
}
