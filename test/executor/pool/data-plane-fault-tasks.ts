import { existsSync, renameSync, writeFileSync } from 'node:fs'
import { defineTransformer, task } from '../../../src/index.ts'

/** Bytes all of which are the same. */
export const fill = task({ name: 'fill' }, (size: number, byte: number) => new Uint8Array(size).fill(byte))
export const size = task({ name: 'size' }, (bytes: Uint8Array) => bytes.byteLength)
export const sizes = task({ name: 'sizes' }, (all: readonly Uint8Array[]) =>
  all.reduce((sum, { byteLength }) => sum + byteLength, 0),
)
export const small = task({ name: 'small' }, (x: number) => x + 1)
/** The same bytes but for one: a copy, since others may read the original. */
export const step = task({ name: 'step' }, (bytes: Uint8Array, i: number) => {
  const copy = bytes.slice()
  copy[i] = 7
  return copy
})

export class NotRegistered {
  readonly secret = 1
}
export const makeUnregistered = task({ name: 'makeUnregistered' }, () => ({ deep: [new NotRegistered()] }))
export const makeFunction = task({ name: 'makeFunction' }, () => ({ deep: [() => 1] }) as unknown)

/** Dies while its result is being written. */
export const dieStoring = task({ name: 'dieStoring' }, () => ({
  get now() {
    return process.kill(process.pid, 'SIGKILL')
  },
}))

/** Leaves a trace, and waits until its client is gone, which ends its process. */
export const waitForEver = task({ name: 'waitForEver' }, (trace: string, _: Uint8Array) => {
  // There when it is complete.
  writeFileSync(`${trace}.part`, `${process.pid}`)
  renameSync(`${trace}.part`, trace)
  return new Promise<number>(() => {})
})

/** Keeps values in the identifiers themselves, and gets stuck, or fails, where the value says so. */
export const moody = defineTransformer({
  name: 'moody',
  module: import.meta.url,
  create: () => ({
    isIdentifier: (value: unknown) => typeof value === 'object' && value !== null && Object.hasOwn(value, 'moody'),
    transform(value: unknown): unknown {
      const mood = (value as { store?: string }).store
      if (mood === 'stuck') return new Promise(() => {})
      if (mood !== undefined && !existsSync(mood)) {
        writeFileSync(mood, '')
        throw new RangeError('not the first time')
      }
      return { moody: value }
    },
    resolve(identifier: unknown): unknown {
      const { moody: value } = identifier as { moody: { fetch?: string } }
      return value.fetch === 'stuck' ? new Promise(() => {}) : value
    },
  }),
})
export const same = task({ name: 'same' }, (value: { readonly store?: string; readonly fetch?: string }) => value)
export const make = task({ name: 'make' }, (key: 'store' | 'fetch', mood: string) => ({ [key]: mood }))
