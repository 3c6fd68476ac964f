import { readFile } from 'node:fs/promises'
import { task } from 'taps-sdk'

/** Reads the orders of one shop: lines such as `apples 3`. A disk in the network may be away for a moment: three more attempts. */
export const readOrders = task(
  { name: 'readOrders', retries: { limit: 3, delay: 1_000, backoff: 2 }, timeout: 10_000 },
  (shop: string): Promise<string> => readFile(new URL(`data/${shop}.txt`, import.meta.url), 'utf8'),
)

/** How many of each ware are ordered. */
export const countWares = task(function countWares(orders: string): Record<string, number> {
  const wares: Record<string, number> = {}
  for (const [, ware = '', count] of orders.matchAll(/^(\w+) (\d+)$/gm))
    wares[ware] = (wares[ware] ?? 0) + Number(count)
  return wares
})

/** Adds up what is known; a shop that could not be read is told of. */
export const summarize = task(
  { name: 'summarize', onParentFailure: 'settle' },
  (shops: readonly string[], outcomes: readonly PromiseSettledResult<Record<string, number>>[]): Summary => {
    const wares: Record<string, number> = {}
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') continue
      for (const [ware, count] of Object.entries(outcome.value)) wares[ware] = (wares[ware] ?? 0) + count
    }
    return { wares, missing: shops.filter((_, i) => outcomes[i]?.status === 'rejected') }
  },
)

export interface Summary {
  readonly wares: Readonly<Record<string, number>>
  /** The shops that are not in it. */
  readonly missing: readonly string[]
}
