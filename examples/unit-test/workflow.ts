import type { Engine, TaskFuture } from 'taps-sdk'
import { countWares, readOrders, type Summary, summarize } from './tasks.ts'

/** What to buy for these shops. The engine is handed in: a program has its own, a test another one. */
export function shoppingList(engine: Engine, shops: readonly string[]): TaskFuture<Summary> {
  const wares = engine.map(countWares, engine.map(readOrders, shops))
  return engine.submit(summarize, shops, wares)
}
