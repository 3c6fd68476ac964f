import { expect, test } from 'vitest'
import { MemoryConnector, type MemoryConnectorOptions } from '../../src/connector/memory.ts'
import { recipeOf } from '../../src/plugin.ts'
import { ManualClock } from '../support/manual-clock.ts'

const bytes = (text: string): Uint8Array[] => [new TextEncoder().encode(text)]

test('it tells how many keys and bytes it holds', () => {
  const connector = new MemoryConnector()
  const key = connector.put(bytes('hello'))
  connector.put(bytes('you'))
  expect([connector.size, connector.bytes]).toEqual([2, 8])
  connector.evict(key)
  expect([connector.size, connector.bytes]).toEqual([1, 3])
  connector.close()
  expect([connector.size, connector.bytes]).toEqual([0, 0])
})

test('bytes are gone when their time is over', async () => {
  const clock = new ManualClock()
  const connector = new MemoryConnector({ ttl: 1_000, clock })
  const first = connector.put(bytes('first'))
  await clock.advance(999)
  const second = connector.put(bytes('second'))
  expect([connector.exists(first), connector.size]).toEqual([true, 2])
  await clock.advance(1)
  expect([connector.exists(first), connector.get(first)]).toEqual([false, undefined])
  expect([connector.exists(second), connector.size, connector.bytes]).toEqual([true, 1, 6])
})

test('a key of another one is refused', () => {
  const key = new MemoryConnector().put(bytes('hello'))
  expect(() => new MemoryConnector().get(key)).toThrow('is no key of this MemoryConnector')
})

test('workers are told that they cannot use it', () => {
  expect(() => recipeOf(new MemoryConnector(), 'connector')).toThrow('known in this process only')
})

test.each([
  [{ ttl: 0 }, 'ttl takes a time in ms above 0, not 0'],
  [{ ttl: '5' }, 'ttl takes a time in ms above 0, not "5"'],
  [{ clock: 5 }, 'clock takes a clock, not 5'],
  [{ size: 5 }, 'has no option "size"'],
])('options %j are refused', (options, message) => {
  expect(() => new MemoryConnector(options as MemoryConnectorOptions)).toThrow(message)
})
