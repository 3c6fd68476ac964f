/** What another process or thread does with a key: reads it, answers with a key of its own, and evicts the first one. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Connector } from '../../src/connector/connector.ts'
import { follow, type Recipe } from '../../src/plugin.ts'

interface Message {
  readonly recipe: Recipe
  readonly key: unknown
}

async function answer({ recipe, key }: Message): Promise<unknown> {
  const connector = (await follow(recipe, (module) => import(module))) as Connector
  const bytes = (await connector.get(key)) as Uint8Array
  if (connector.isSharedMemory) bytes[0] = 'H'.charCodeAt(0)
  const own = await connector.put([Buffer.from(`got ${Buffer.from(bytes)}`)])
  await connector.evict(key)
  return own
}

if (parentPort !== null) parentPort.postMessage(await answer(workerData))
else process.once('message', async (message) => process.send?.(await answer(message as Message)))
