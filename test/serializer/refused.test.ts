import { describe, expect, test } from 'vitest'
import { constant } from '../../src/index.ts'
import { deserialize, serialize } from '../../src/serializer/serializer.ts'
import { bytesOf, refusal } from './support.ts'

class Socket {}
class Table extends Map {}

describe('what cannot be written is refused with its path and a cure', () => {
  const cyclic: unknown[] = []
  cyclic.push(cyclic)

  test.each<[unknown, string]>([
    [
      () => 1,
      'value is a function, which cannot be serialized: pass the data it needs, and let the module of the task import the function',
    ],
    [
      { config: { socket: new Socket() } },
      'value.config.socket is an instance of Socket, which cannot be serialized: pass its data as a plain object, or register its class with superjson in the module of the task',
    ],
    [
      [1, Symbol('x')],
      'value[1] is a symbol, which cannot be serialized: pass a string, or register it with superjson',
    ],
    [
      new Map([['k', [Promise.resolve()]]]),
      'value.get("k")[0] is a Promise, which cannot be serialized: await it first, or submit the task to an Engine, which does',
    ],
    [
      { f: constant(1) },
      'value.f is a future, which cannot be serialized: await it first, or submit the task to an Engine, which does',
    ],
    [new Set([1, new WeakMap()]), '[...value][1] is an instance of WeakMap'],
    [new Map([[new Table(), 1]]), '[...value.keys()][0] is an instance of Table'],
    [Object(Symbol('x')), 'value is an instance of Symbol'],
    [
      { m: new SharedArrayBuffer(8) },
      'value.m is an instance of SharedArrayBuffer, which cannot be serialized: its memory cannot leave this process: pass a copy of its data, as an ArrayBuffer',
    ],
    [Object.create(Map.prototype), 'value is an instance of Map'],
    [Object.create(RegExp.prototype), 'value is an instance of RegExp'],
    [Object.create(Date.prototype), 'value is an instance of Date'],
    [{ 'a b': [cyclic, { '0x': globalThis.fetch }] }, 'value["a b"][1]["0x"] is a function'],
    [Object.assign([], { name: new Socket() }), 'value.name is an instance of Socket'],
  ])('%#', (value, message) => {
    expect(refusal(value)).toContain(message)
  })

  test('under the name that it is given', () => {
    expect(refusal([new Socket()], { root: 'result' })).toContain('result[0] is an instance of Socket')
  })

  test('a getter that throws', () => {
    const broken = { get b(): never { throw new Error('no b') } } // biome-ignore format: one line
    expect(refusal({ a: broken })).toBe('value.a.b cannot be serialized: no b')
  })

  test('a proxy that was revoked', () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    expect(refusal([proxy])).toContain('value[0] cannot be serialized')
  })

  test('memory that was moved away', () => {
    const bytes = new Uint8Array(8)
    structuredClone(bytes, { transfer: [bytes.buffer] })
    expect(refusal({ bytes })).toContain('value.bytes cannot be serialized: its memory was moved away before')
  })

  test('memory that may grow too large', () => {
    const Resizable = ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer
    const buffers = Array.from({ length: 17 }, () => new Resizable(0, { maxByteLength: 2 ** 30 }))
    expect(refusal(buffers)).toContain('value[16] cannot be serialized: its buffers may grow larger than anybody')
  })

  test('more than a thousand levels', () => {
    let value: unknown[] = []
    for (let i = 0; i < 1_000; i++) value = [value]
    bytesOf(value)
    expect(refusal([value])).toMatch(
      /^value(\[0\])+ … (\[0\])+ is an array, which cannot be serialized: it is nested too deeply$/,
    )
  })

  test('regular expressions that nobody would read again', () => {
    expect(refusal({ r: new RegExp('a'.repeat(100_001)) })).toContain('value.r cannot be serialized')
    const many = Array.from({ length: 11 }, () => new RegExp('a'.repeat(100_000)))
    expect(refusal(many)).toContain('value[10] cannot be serialized: regular expressions of so many characters')
  })

  test('what makes itself while it is read', () => {
    const endless = (): object => ({ get next() { return endless() } }) // biome-ignore format: one line
    expect(refusal(endless())).toContain('it is nested too deeply')
  })
})

test('what cannot be written is refused at once, also beside a Blob', () => {
  expect(() => serialize([new Blob(['x']), () => 1])).toThrow('value[1] is a function')
})

test('a Blob that cannot be read rejects with its path', async () => {
  class BrokenBlob extends Blob {
    override arrayBuffer(): Promise<never> {
      return Promise.reject(new Error('the file has changed'))
    }
  }
  await expect(serialize({ blob: new BrokenBlob([]) })).rejects.toThrow(
    'value.blob cannot be serialized: the file has changed',
  )
})

test('options that there are not are refused', () => {
  expect(() => serialize(1, { cheksum: false } as object)).toThrow('serialize has no option "cheksum"')
  expect(() => serialize(1, { root: 1 } as object)).toThrow('serialize: root takes a string, not 1')
  expect(() => deserialize(bytesOf(1), { share: 'yes' } as object)).toThrow('deserialize: share takes true or false')
})
