import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { CancelledError, TimeoutError } from '../../src/errors.ts'
import { crc32, slowCrc32 } from '../../src/serializer/crc32.ts'
import { deserialize, serialize } from '../../src/serializer/serializer.ts'
import { bytesOf, expectSame, joined, roundTrip, textOf } from './support.ts'

/** What the library's language version does not know of buffers yet. */
type Resizable = ArrayBuffer & { readonly resizable: boolean; readonly maxByteLength: number; resize(to: number): void }
const resizable = (length: number, maxByteLength: number): Resizable =>
  new (ArrayBuffer as unknown as new (length: number, options: object) => Resizable)(length, { maxByteLength })

/** A flag of regular expressions that the library's language version does not know yet. */
const UNICODE_SETS = 'v'

describe('a value comes back', () => {
  test.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['-0', -0],
    ['NaN', Number.NaN],
    ['a bigint', -12n],
    ['a huge bigint', -(7n ** 9_000n)],
    ['a bigint of more than a million digits', -(1n << 4_000_000n)],
    ['half of a pair', '\udc00 \ud800'],
    ['an invalid Date', new Date(Number.NaN)],
    ['the first and the last Date', [new Date(-8.64e15), new Date(8.64e15)]],
    ['a RegExp with slashes and lines', [/[/]\/\n/gimsuy, /(?:)/, new RegExp('[\\p{L}--[a-z]]', UNICODE_SETS)]],
    ['a RegExp that has begun to search', Object.assign(/a/g, { lastIndex: 3 })],
    ['boxed primitives', [new Number(-0), new String('ä'), new Boolean(false), Object(3n)]],
    ['an array with holes', Object.assign(new Array(4), { 0: 1, 2: undefined })],
    ['an empty array of some length', new Array(5)],
    ['a huge array with few elements', Object.assign(new Array(4_000_000_000), { 3: 'x', 3999999999: new Date(1) })],
    ['an array with names', Object.assign([1, 2], { name: 'x', '-1': undefined })],
    ['an object without prototype', { inside: Object.assign(Object.create(null), { a: undefined }) }],
    ['keys that superjson refuses', JSON.parse('{"__proto__":{"a":1},"constructor":{"prototype":[]},"prototype":2}')],
    ['such keys with annotations', { constructor: 1n, prototype: { toString: undefined, 'a.b\\': new Set([1n]) } }],
    [
      'a Map with equal keys',
      new Map<unknown, unknown>([
        [Number.NaN, 1],
        [-0, 2],
        [{}, 3],
        [{}, 4],
      ]),
    ],
    ['a File-less list of URLs', [new URL('https://user@example.org:8080/a?b=c#d')]],
  ])('%s', (_, value) => {
    expectSame(roundTrip(value), value)
    expectSame(roundTrip({ inside: [value] }), { inside: [value] })
  })

  test('an object with an own property __proto__ that has to be annotated', () => {
    const value = JSON.parse('{"a":1,"__proto__":{"when":1}}') as Record<string, unknown>
    ;(Object.getOwnPropertyDescriptor(value, '__proto__')?.value as Record<string, unknown>).when = new Date(5)
    expectSame(roundTrip(value), value)
  })

  test('keys with backslashes, which JSON.parse of V8 confuses with others', () => {
    for (const value of [{ x: 0, '\\\\': 1 }, { x: 0, '\\j': 2 }, { x: 0, '\\"': new Date(3) }, { x: '\\\n\\"' }]) {
      expectSame(roundTrip(value), value)
    }
  })

  test('a long array with holes', () => {
    const value = Array.from({ length: 20_000 }, (_, i) => i)
    delete value[12_345]
    expectSame(roundTrip(value), value)
  })

  test('rings and shared parts', () => {
    const shared = { name: 'shared' }
    const map = new Map<unknown, unknown>([[shared, shared]])
    const value: Record<string, unknown> = { map, list: [map, shared, shared], when: new Date(0) }
    map.set(map, value)
    map.set(value, new Set([map, value]))
    value.self = value
    value['when.again'] = value.when
    expectSame(roundTrip(value), value)
  })

  test('what is nested a thousand levels deep', () => {
    let value: unknown = 'inside'
    for (let i = 0; i < 1_000; i++) value = i % 2 === 0 ? new Map([['k', value]]) : Object.assign([value], { n: 1n })
    let at: unknown = roundTrip(value)
    for (let i = 1_000; i-- > 0; ) at = i % 2 === 0 ? (at as Map<string, unknown>).get('k') : (at as unknown[])[0]
    expect(at).toBe('inside')
  })

  test('text that only looks nested, and much that is not', () => {
    const value = ['["\\{'.repeat(3_000), Array.from({ length: 3_000 }, () => [{}])]
    expectSame(roundTrip(value), value)
  })

  test('a getter is called once, and becomes a value', () => {
    let calls = 0
    const value = { get a() { return [++calls] }, b: undefined } // biome-ignore format: one line
    expectSame(roundTrip(value), { a: [1], b: undefined })
  })

  test('objects of another realm come back as those of this one', () => {
    const value = runInNewContext(
      '({ d: new Date(5), m: new Map([[1, [undefined]]]), u: Uint8Array.of(1), e: new RangeError("x") })',
    )
    const back = roundTrip(value)
    expect(back.d).toEqual(new Date(5))
    expect(back.m).toEqual(new Map([[1, [undefined]]]))
    expect(back.u).toEqual(Uint8Array.of(1))
    expect(back.e).toBeInstanceOf(RangeError)
  })
})

describe('binary data', () => {
  const views = 'Int8 Uint8 Uint8Clamped Int16 Uint16 Int32 Uint32 Float32 Float64 BigInt64 BigUint64'
    .split(' ')
    .map((name) => `${name}Array`)
    .concat('DataView', 'Float16Array' in globalThis ? 'Float16Array' : [])

  test.each(views)('of the class %s comes back, alone and sharing a buffer', (name) => {
    const View = (
      globalThis as unknown as Record<string, new (buffer: ArrayBuffer, at?: number, n?: number) => DataView>
    )[name]
    const { buffer } = Uint8Array.from({ length: 64 }, (_, i) => i)
    const value = [new (View as NonNullable<typeof View>)(buffer, 8, 2), new Uint8Array(buffer, 3, 9)]
    expectSame(roundTrip(value), value)
    expectSame(roundTrip(value, { share: true }), value)
  })

  test('that shows a part of a large buffer carries only the part', () => {
    const pool = new ArrayBuffer(1_000_000)
    const value = [new Uint8Array(pool, 500_000, 10), new Uint8Array(pool, 500_020, 10)]
    expect(bytesOf(value).length).toBeLessThan(300)
    expectSame(roundTrip(value), value)
    expect(bytesOf(Buffer.from('text')).length).toBeLessThan(200)
  })

  test('of a buffer that is a part of the value comes with all of it', () => {
    const { buffer } = Uint8Array.from({ length: 100 }, (_, i) => i)
    expectSame(roundTrip([new Uint8Array(buffer, 50, 1), buffer]), [new Uint8Array(buffer, 50, 1), buffer])
  })

  test('that can grow still can', () => {
    const buffer = resizable(8, 64)
    const [view, back] = roundTrip([new Uint8Array(buffer, 4, 2), buffer] as const)
    expect([back.resizable, back.maxByteLength, back.byteLength]).toEqual([true, 64, 8])
    expect(view.buffer).toBe(back)
    const alone = roundTrip(new Uint8Array(resizable(8, 64), 4, 2)).buffer as Resizable
    expect([alone.maxByteLength, alone.byteLength]).toEqual([64, 8])
  })

  test('that is large is not copied when it is written', () => {
    const large = new Uint8Array(100_001)
    const chunks = serialize({ large, small: new Uint8Array(8_000) }) as readonly Uint8Array[]
    expect(chunks.map(({ length }) => length).slice(1)).toEqual([100_001, 7])
    expect(chunks[1]?.buffer).toBe(large.buffer)
  })

  test('that is small is copied into one piece with the rest', () => {
    const value = Array.from({ length: 100 }, (_, i) => new Uint8Array(i))
    expect(serialize(value)).toHaveLength(1)
    expectSame(roundTrip(value), value)
  })

  test('has memory of its own when it was read', () => {
    const frame = bytesOf({ buffer: new ArrayBuffer(16), view: new Uint8Array(20_000) })
    const { buffer, view } = deserialize(frame) as { buffer: ArrayBuffer; view: Uint8Array }
    expect([buffer.byteLength, view.buffer.byteLength]).toEqual([16, 20_000])
    frame.fill(255)
    expect(view[100]).toBe(0)
  })

  test('is the memory that was read, where that may be shared and is aligned', () => {
    const value = {
      buffer: new ArrayBuffer(8),
      bytes: new Uint8Array(3),
      floats: new Float64Array([1.5]),
      text: Buffer.from('x'),
    }
    const frame = bytesOf(value)
    const shared = deserialize(frame, { share: true }) as typeof value
    expectSame(shared, value)
    for (const view of [shared.bytes, shared.floats, shared.text]) expect(view.buffer).toBe(frame.buffer)
    expect(shared.buffer.byteLength).toBe(8)
    const shifted = new Uint8Array(frame.length + 1).subarray(1)
    shifted.set(frame)
    const odd = deserialize(shifted, { share: true }) as typeof value
    expectSame(odd, value)
    expect([odd.bytes.buffer === shifted.buffer, odd.floats.buffer === shifted.buffer]).toEqual([true, false])
  })

  test('can be read from shared memory', () => {
    const value = { bytes: Uint8Array.of(1, 2), text: 'ä', floats: Float64Array.of(1) }
    const frame = bytesOf(value)
    const memory = new Uint8Array(new SharedArrayBuffer(frame.length))
    memory.set(frame)
    expectSame(deserialize(memory), value)
    expect((deserialize(memory, { share: true }) as typeof value).bytes.buffer).toBe(memory.buffer)
  })

  test('in shared memory arrives as a copy, of which views are views', () => {
    const memory = new SharedArrayBuffer(24)
    const value = { bytes: new Uint8Array(memory, 8, 3), floats: new Float64Array(memory, 8, 2) }
    value.floats[1] = 1.5
    const back = deserialize(bytesOf(value)) as typeof value
    expect([...back.floats]).toEqual([0, 1.5])
    expect(back.bytes.buffer).toBe(back.floats.buffer)
    expect(back.floats.buffer).toBeInstanceOf(ArrayBuffer)
  })

  test('beside a Blob is taken at once', async () => {
    const bytes = new Uint8Array(20_000).fill(1)
    const writing = serialize({ blob: new Blob(['text']), bytes })
    bytes.fill(9)
    const back = deserialize(Buffer.concat((await writing) as Uint8Array[])) as { bytes: Uint8Array }
    expect(back.bytes.every((byte) => byte === 1)).toBe(true)
  })

  test('in Blobs and Files arrives, with a promise', async () => {
    const file = new File(['abc'], 'a.txt', { type: 'text/plain', lastModified: 7 })
    const chunks = serialize({
      blob: new Blob(['x'.repeat(9_000)], { type: 'a/b' }),
      list: [file, file],
      bytes: new Uint8Array(9),
    })
    expect(chunks).toBeInstanceOf(Promise)
    const back = deserialize(joined(await chunks)) as { blob: Blob; list: File[]; bytes: Uint8Array }
    expect([back.blob.size, back.blob.type, back.bytes.length]).toEqual([9_000, 'a/b', 9])
    const [first, second] = back.list as [File, File]
    expect(second).toBe(first)
    expect([first.name, first.type, first.lastModified, await first.text()]).toEqual(['a.txt', 'text/plain', 7, 'abc'])
  })
})

describe('an error comes back', () => {
  class OwnError extends TypeError {
    override name = 'OwnError'
    readonly details = { when: new Date(3), list: [1n] }
  }

  test('with class, name, message, stack, code, properties and causes', () => {
    const root = Object.assign(new SyntaxError('root'), { code: 'E_ROOT' })
    const error = new OwnError('top', { cause: new AggregateError([root, 'text'], 'many', { cause: root }) })
    const back = roundTrip(error) as OwnError
    expect(back).toBeInstanceOf(TypeError)
    expect([back.name, back.message, back.stack, back.details]).toEqual(['OwnError', 'top', error.stack, error.details])
    const cause = back.cause as AggregateError
    expect(cause).toBeInstanceOf(AggregateError)
    expect(cause.cause).toBe(cause.errors[0])
    expect(cause.errors[0]).toBeInstanceOf(SyntaxError)
    expect([cause.errors[0].code, cause.errors[1]]).toEqual(['E_ROOT', 'text'])
    expect(Object.keys(back)).not.toContain('cause')
  })

  test('of this library as such', () => {
    const [cancelled, timeout] = roundTrip([
      new CancelledError('stop', { cause: 1 }),
      new TimeoutError('late'),
    ] as const)
    expect(cancelled).toBeInstanceOf(CancelledError)
    expect([cancelled.code, cancelled.cause]).toEqual(['CANCELLED', 1])
    expect(timeout).toBeInstanceOf(TimeoutError)
  })

  test('of the platform, and one that is its own cause', () => {
    const aborted = roundTrip(new DOMException('gone', 'AbortError'))
    expect(aborted).toBeInstanceOf(DOMException)
    expect([aborted.name, aborted.code]).toEqual(['AbortError', 20])
    const ring = new Error('ring')
    ring.cause = ring
    const back = roundTrip({ ring })
    expect(back.ring.cause).toBe(back.ring)
  })

  test('with a description of what cannot be written in it, which stays refused elsewhere', () => {
    const socket = new (class Socket {})()
    const error = Object.assign(new Error('no'), { socket, retry: () => {}, nested: { symbol: Symbol('s') } })
    const back = roundTrip(error) as unknown as Record<string, unknown>
    expect([back.socket, back.retry, back.nested]).toEqual([
      'an instance of Socket',
      'a function',
      { symbol: 'a symbol' },
    ])
    expect(() => serialize([error, socket])).toThrow('value[1] is an instance of Socket')
  })
})

describe('a frame', () => {
  test('is laid out as documented', () => {
    const frame = Buffer.from(bytesOf({ é: Uint8Array.of(7, 8, 9) }))
    const text = '{"json":{"é":[0,0,3]},"meta":{"v":1,"values":{"é":[["custom","taps-sdk.Uint8Array"]]}}}'
    const length = Buffer.byteLength(text)
    const start = 32 + Math.ceil(length / 8) * 8
    expect(frame.toString('latin1', 0, 4)).toBe('TAPS')
    expect(frame.readUInt32LE(4)).toBe(crc32(frame.subarray(8), 0))
    expect([...frame.subarray(8, 12)]).toEqual([1, 1, 254, 0])
    expect(frame.readUInt32LE(12)).toBe(1)
    expect([frame.readBigUInt64LE(16), frame.readBigUInt64LE(24)]).toEqual([BigInt(length), 3n])
    expect(textOf(frame)).toBe(text)
    expect([...frame.subarray(start)]).toEqual([7, 8, 9, 0, 0, 0, 0, 0])
    expect([...Buffer.from(bytesOf(1, { checksum: false })).subarray(4, 12)]).toEqual([0, 0, 0, 0, 1, 0, 255, 0])
  })

  test('has the same checksum with and without zlib', () => {
    const bytes = Uint8Array.from({ length: 1_000 }, (_, i) => i * 7)
    expect(slowCrc32(new TextEncoder().encode('123456789'), 0)).toBe(0xcbf43926)
    expect(slowCrc32(bytes.subarray(10), slowCrc32(bytes.subarray(0, 10), 0))).toBe(crc32(bytes, 0))
  })
})
