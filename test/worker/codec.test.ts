import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { runInNewContext } from 'node:vm'
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import fc from 'fast-check'
import SuperJSON from 'superjson'
import { describe, expect, test } from 'vitest'
import { DependencyError, SerializationError } from '../../src/errors.ts'
import { constant } from '../../src/index.ts'
import { decode, type Encoded, encode, lookForCustomClassesIn, type Packet, transfer } from '../../src/worker/codec.ts'

/** As a value arrives that went through a pipe: only its bytes, in buffers of fixed length. */
function throughPipe<T>(value: T): T {
  const encoded = encode(value, 'result', false)
  if (typeof encoded === 'string') return decode(encoded) as T
  const beside = encoded.beside.map((buffer) => {
    expect(buffer).toBeInstanceOf(ArrayBuffer)
    return new Uint8Array(buffer as ArrayBuffer).slice().buffer
  })
  return decode({ ...encoded, beside }) as T
}

/** As a value arrives in another thread. */
function throughPort<T>(value: T): T {
  const encoded = encode(value, 'result', true)
  if (typeof encoded === 'string') return decode(encoded) as T
  const { port1, port2 } = new MessageChannel()
  const moved = encoded.beside.filter((it) => it instanceof ArrayBuffer || it.constructor.name === 'MessagePort')
  port1.postMessage(encoded, moved as ArrayBuffer[])
  const received = receiveMessageOnPort(port2)?.message as Encoded
  port1.close()
  return decode(received) as T
}

function packetOf(value: unknown, isThread = true): Packet {
  const encoded = encode(value, 'result', isThread)
  if (typeof encoded === 'string') throw new Error(`It is JSON: ${encoded}`)
  return encoded
}

function withOneAgain(list: readonly unknown[]): unknown[] {
  return [...list, list[30]]
}

function refusal(value: unknown, root = 'args', isThread = false): SerializationError {
  try {
    encode(value, root, isThread)
  } catch (error) {
    expect(error).toBeInstanceOf(SerializationError)
    return error as SerializationError
  }
  throw new Error('It was not refused')
}

const anything = fc.anything({
  maxDepth: 4,
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withNullPrototype: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true,
})

describe('a value that goes to a worker', () => {
  test('arrives as it was, whatever it is made of', () => {
    fc.assert(
      fc.property(anything, (value) => {
        assert.deepStrictEqual(throughPipe(value), value)
        assert.deepStrictEqual(decode(encode(value, 'result', true)), value)
      }),
      { numRuns: 500 },
    )
  })

  test('arrives as it was, if it is JSON', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => assert.deepStrictEqual(throughPipe(value), value)))
  })

  test('keeps its strings, with halves of pairs too', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (text, key) => {
        const value = [text, `${text}\ud800`, { [`${key}\udc00`]: text }]
        assert.deepStrictEqual(throughPipe(value), value)
      }),
    )
  })

  test('keeps what is shared and what is cyclic in it', () => {
    const links = fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 30 })
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('array', 'map', 'null', 'object', 'set', 'error'), { minLength: 8, maxLength: 8 }),
        links,
        (kinds, edges) => {
          const nodes = kinds.map(makeNode)
          for (const [from, to] of edges) link(nodes[from] as object, nodes[to] as object)
          expectSameShape(throughPipe(nodes), nodes)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('is a copy of what it is now', () => {
    const value = { list: [1], bytes: new Uint8Array([1]) }
    const encoded = encode([value], 'args', true)
    value.list.push(2)
    value.bytes[0] = 2
    expect(decode(encoded)).toEqual([{ list: [1], bytes: new Uint8Array([1]) }])
  })

  test('may be nested deeper than v8 can write', () => {
    for (const wrap of [
      (it: unknown) => [it],
      (it: unknown) => ({ it }),
      (it: unknown) => new Map([[1, it]]),
      (it: unknown) => new Set([it]),
    ]) {
      let value: unknown = 'bottom'
      for (let i = 0; i < 20_000; i++) value = wrap(value)
      expect(depthOf(throughPipe(value))).toBe(20_000)
    }
  })

  test('that goes on for ever is refused', () => {
    const endless = (): object => ({
      get next() {
        return endless()
      },
    })
    expect(refusal([endless()]).message).toMatch(/^args\[0\]\.next\.next.* … .*\.next is an object.*nested too deeply/)
  })

  test('is JSON if that says all', () => {
    for (const args of [
      [],
      [7],
      [1, -2],
      ['a'],
      [true, null],
      [{ id: 7, name: 'x', ok: true }],
      [[1, [2]], { a: { b: [] } }],
      [2 ** 40, 0.5],
    ])
      expect(encode(args, 'args', true)).toBe(JSON.stringify(args))
    expect(encode(7, 'result', true)).toBe('7')
  })

  test.each<[string, unknown]>([
    ['undefined', { a: undefined }],
    ['NaN', [Number.NaN]],
    ['an infinite number', Number.POSITIVE_INFINITY],
    ['-0', [-0]],
    ['a hole', Object.assign(Array(3), { 0: 1, 2: 3 })],
    ['a property of an array', Object.assign([1], { index: 1 })],
    ['a list that stands in two places', [[1]].flatMap((it) => [it, it])],
    ['a list that stands in two places among many', withOneAgain(Array.from({ length: 40 }, (_, i) => [i]))],
    ['a toJSON of its own', { toJSON: 1 }],
    ['a property __proto__', JSON.parse('{"a":{"__proto__":{"b":1}}}')],
    ['no prototype', Object.assign(Object.create(null), { a: 1 })],
    ['a bigint', [1n]],
    ['many leaves', Array.from({ length: 3_000 }, (_, i) => i)],
    ['much text', ['x'.repeat(70_000)]],
    ['many levels', JSON.parse('['.repeat(150) + ']'.repeat(150))],
  ])('is no JSON if it has %s', (_, value) => {
    expect(encode(value, 'result', true)).not.toBeTypeOf('string')
    assert.deepStrictEqual(throughPipe(value), value)
  })

  test('is not made JSON by a toJSON that it inherits', () => {
    const prototype = Object.prototype as { toJSON?: unknown }
    try {
      Object.defineProperty(prototype, 'toJSON', { value: () => 'wrong', configurable: true })
      expect(decode(encode([{ a: 1 }], 'args', true))).toEqual([{ a: 1 }])
    } finally {
      delete prototype.toJSON
    }
  })

  test('has its getters called once', () => {
    let calls = 0
    const value = {
      get count() {
        return ++calls
      },
    }
    expect(throughPipe([value])).toEqual([{ count: 1 }])
    expect(calls).toBe(1)
  })

  test('leaves symbols and hidden properties behind', () => {
    const value = Object.defineProperty({ a: 1n, [Symbol('b')]: 2 }, 'hidden', { value: 3 })
    expect(Reflect.ownKeys(throughPipe(value))).toEqual(['a'])
  })

  test('may be an array with almost nothing in it', () => {
    const sparse: unknown[] = []
    sparse[4_000_000_000] = { a: 1n }
    const copy = throughPipe(sparse)
    expect([copy.length, Object.entries(copy)]).toEqual([4_000_000_001, [['4000000000', { a: 1n }]]])
  })

  test('may come from another realm', () => {
    const value = runInNewContext(
      '({ list: [1, new Date(0), new Map([[1n, new Set([/x/g])]])], bytes: new Uint8Array([7]), error: new RangeError("far") })',
    )
    const copy = throughPipe(value)
    expect(copy).toMatchObject({ list: [1, new Date(0), new Map([[1n, new Set([/x/g])]])], bytes: new Uint8Array([7]) })
    expect(copy.error).toBeInstanceOf(RangeError)
    expect(refusal([runInNewContext('class Far {}; new Far()')]).message).toMatch(/^args\[0\] is an instance of Far/)
  })

  test('may be read through a proxy', () => {
    expect(throughPipe([new Proxy({ a: new Proxy([1n], {}) }, {})])).toEqual([{ a: [1n] }])
  })

  test('may be a URL', () => {
    const [url] = throughPipe([new URL('https://example.org/a?b=1#c')])
    expect(url).toBeInstanceOf(URL)
    expect(url?.href).toBe('https://example.org/a?b=1#c')
  })

  test('may hold errors, which keep their class, their properties, their cause', () => {
    const cause = new DependencyError([{ id: '1', name: 'a' }], 7)
    const error = Object.assign(new TypeError('wrong', { cause }), {
      code: 'E_WRONG',
      details: new Map([[1, [cause]]]),
    })
    const [copy, again] = throughPipe([error, error]) as [typeof error, unknown]
    expect(again).toBe(copy)
    expect(copy).toBeInstanceOf(TypeError)
    expect(copy.stack).toBe(error.stack)
    expect(copy).toMatchObject({ message: 'wrong', code: 'E_WRONG' })
    expect(copy.cause).toBeInstanceOf(DependencyError)
    expect(copy.details.get(1)?.[0]).toBe(copy.cause)
  })

  test('may hold more errors than one failure may', () => {
    const errors = Array.from({ length: 500 }, (_, i) => Object.assign(new Error(String(i)), { at: { i } }))
    expect(throughPipe(errors).map((error) => error.at.i)).toEqual(errors.map((_, i) => i))
  })
})

describe('binary data', () => {
  test('stands beside the structure, and its size is counted', () => {
    const { bytes, beside, size } = packetOf([new Uint8Array(100_000).fill(7)])
    expect(beside.map((buffer) => (buffer as ArrayBuffer).byteLength)).toEqual([100_000])
    expect(size).toBe(bytes.byteLength + 100_000)
    expect(bytes.byteLength).toBeLessThan(200)
  })

  test.each([10, 20_000])('of %i bytes comes back as the kind of view it was', (length) => {
    const views = [
      'Int8Array',
      'Uint8Array',
      'Uint8ClampedArray',
      'Int16Array',
      'Uint16Array',
      'Int32Array',
      'Uint32Array',
      'Float32Array',
      'Float64Array',
      'BigInt64Array',
      'BigUint64Array',
      'DataView',
    ] as const
    const all = views.map((name) => {
      const View = globalThis[name] as new (buffer: ArrayBuffer, byteOffset: number, length: number) => ArrayBufferView
      return new View(new ArrayBuffer(length * 8 + 8), 8, length)
    })
    const buffer = Buffer.alloc(length, 'buffer')
    for (const value of [...all, buffer]) assert.deepStrictEqual(throughPipe([value]), [value])
    expect(Buffer.isBuffer(throughPipe([buffer])[0])).toBe(true)
    assert.deepStrictEqual(throughPipe(buffer.buffer), buffer.buffer)
  })

  test('in a small view takes no more of its buffer than it shows', () => {
    const large = new Uint8Array(10_000_000)
    expect(packetOf([large.subarray(64, 20_064)]).size).toBeLessThan(21_000)
    expect(packetOf([Buffer.from('from the pool')]).size).toBeLessThan(200)
  })

  test('stays one buffer where several views show parts of it', () => {
    const buffer = new ArrayBuffer(50_000)
    const [floats, bytes] = throughPipe([new Float64Array(buffer, 1_008, 4_000), new Uint8Array(buffer, 1_001, 100)])
    expect([bytes?.buffer === floats?.buffer, bytes?.length, floats?.length]).toEqual([true, 100, 4_000])
    ;(bytes as Uint8Array)[7] = 1
    expect(floats?.[0]).toBe(Number.MIN_VALUE)
  })

  test('stays one buffer where it stands beside its views', () => {
    const buffer = new ArrayBuffer(32)
    const value = { view: new Uint16Array(buffer, 4, 2), buffer }
    const copy = throughPipe(value)
    expect(copy.view.buffer).toBe(copy.buffer)
    expect([copy.view.byteOffset, copy.buffer.byteLength]).toEqual([4, 32])
  })

  test('stays resizable', () => {
    const buffer = new (ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer)(8, {
      maxByteLength: 64,
    })
    const view = new Uint8Array(buffer, 0, 4).fill(3)
    for (const through of [throughPipe, throughPort]) {
      const [copy] = through([view]) as [Uint8Array]
      expect(copy).toEqual(view)
      expect(copy.buffer).toMatchObject({ resizable: true, maxByteLength: 64, byteLength: 8 })
    }
  })

  test('may be empty', () => {
    const empty = () => [new ArrayBuffer(0), new Uint8Array(0), Buffer.alloc(0)]
    assert.deepStrictEqual(throughPipe(empty()), empty())
    assert.deepStrictEqual(throughPort(transfer(empty())), empty())
  })

  test('that was moved away is refused', () => {
    const view = new Uint8Array(10)
    structuredClone(view, { transfer: [view.buffer] })
    expect(refusal([{ view }]).message).toBe(
      'args[0].view cannot travel to or from a worker: its memory was moved away before',
    )
    expect(refusal([view.buffer]).message).toMatch(/^args\[0\] cannot travel/)
  })
})

describe('what is marked by transfer()', () => {
  test('is the value itself', () => {
    const value = { a: 1 }
    expect(transfer(value)).toBe(value)
  })

  test('moves, and leaves nothing behind', () => {
    const view = transfer(new Uint8Array(100_000))
    const { buffer } = view
    const { beside } = packetOf([view.subarray(10, 20)])
    expect((beside[0] as ArrayBuffer).byteLength).toBe(100_000)
    expect([buffer.byteLength, view.byteLength]).toEqual([0, 0])
  })

  test('keeps the range of its views', () => {
    const view = transfer(new Uint8Array(20_000).fill(9)).subarray(7, 9)
    const [moved] = throughPort([view]) as [Uint8Array]
    expect([...moved, moved.byteOffset, moved.buffer.byteLength, view.buffer.byteLength]).toEqual([9, 9, 7, 20_000, 0])
  })

  test('may stand in containers, which may be cyclic', () => {
    const bytes = [1, 2, 3, 4].map((n) => new Uint8Array([n]))
    const value: Record<string, unknown> = {
      map: new Map([['a', bytes[0]]]),
      set: new Set([bytes[1]]),
      list: [bytes[2]],
      buffer: bytes[3]?.buffer,
    }
    value.self = value
    throughPort(transfer(value))
    expect(bytes.map((view) => view.byteLength)).toEqual([0, 0, 0, 0])
  })

  test('stays where it is if something else cannot travel', () => {
    const bytes = transfer(new Uint8Array([1]))
    refusal([bytes, () => 1])
    expect(bytes.byteLength).toBe(1)
  })

  test('is copied if it is a part of what all Buffers share', () => {
    const buffer = Buffer.from('small')
    expect(throughPort([transfer(buffer)])).toEqual([Buffer.from('small')])
    expect(buffer.toString()).toBe('small')
  })

  test('is shared all the same if it is shared memory', () => {
    const memory = transfer(new SharedArrayBuffer(8))
    new Uint8Array((throughPort([memory]) as [SharedArrayBuffer])[0])[0] = 5
    expect(new Uint8Array(memory)[0]).toBe(5)
  })
})

describe('what only threads share', () => {
  test('shared memory is one memory, however many views show it', () => {
    const memory = new SharedArrayBuffer(16)
    const [view, other, copy] = throughPort([new Int32Array(memory, 4, 2), new Uint8Array(memory), memory]) as [
      Int32Array,
      Uint8Array,
      SharedArrayBuffer,
    ]
    expect([view.buffer === copy, other.buffer === copy]).toEqual([true, true])
    view[0] = 77
    expect(new Int32Array(memory)[1]).toBe(77)
  })

  test('a port moves, once', () => {
    const { port1, port2 } = new MessageChannel()
    const [moved] = throughPort([port2])
    port1.postMessage('hello')
    expect(receiveMessageOnPort(moved as typeof port2)).toEqual({ message: 'hello' })
    expect(refusal([port2], 'args', true).message).toBe(
      'args[0] cannot travel to or from a worker: it was moved away before',
    )
    port1.close()
  })

  test('blobs, keys and compiled WebAssembly pass', async () => {
    const module = new Wasm.Module(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]))
    const [blob, key, again] = throughPort([new Blob(['text']), createSecretKey(Buffer.from('key')), module])
    expect(await (blob as Blob).text()).toBe('text')
    expect((key as ReturnType<typeof createSecretKey>).export().toString()).toBe('key')
    expect(again).toBeInstanceOf(Wasm.Module)
  })

  test.each<[string, () => unknown]>([
    ['SharedArrayBuffer', () => new SharedArrayBuffer(8)],
    ['SharedArrayBuffer', () => new Uint8Array(new SharedArrayBuffer(8))],
    ['Blob', () => new Blob([])],
    ['MessagePort', () => new MessageChannel().port1],
  ])('a %s is refused on the way to a process', (name, make) => {
    expect(refusal([{ it: make() }]).message).toBe(
      `args[0].it is an instance of ${name}, which cannot travel to or from a worker: only threads can be given one: use a ThreadPoolExecutor, or pass its data`,
    )
  })
})

/** Its types come with those of browsers only. */
const Wasm = (globalThis as unknown as { WebAssembly: { Module: new (code: Uint8Array) => object } }).WebAssembly

class Socket {
  readonly fd = 7
}
class Vector extends Array<number> {}
class Dictionary extends Map<string, number> {}

describe('what cannot travel is refused, with its path,', () => {
  test.each<[path: string, what: string, value: unknown]>([
    ['args[0].config.socket', 'an instance of Socket', [{ config: { socket: new Socket() } }]],
    ['args[1].get("k")', 'an instance of Socket', [1, new Map([['k', new Socket()]])]],
    ['args[0].get(7)[0]', 'a function', [new Map([[7, [() => 1]]])]],
    [
      '[...args[0].keys()][1]',
      'a symbol',
      [
        new Map<unknown, unknown>([
          [1, 1],
          [Symbol('s'), 1],
        ]),
      ],
    ],
    ['[...args[0]][2]', 'a Promise', [new Set([1, 2, Promise.resolve()])]],
    ['args[0]["a b"].ünï.$_1', 'an instance of WeakMap', [{ 'a b': { ünï: { $_1: new WeakMap() } } }]],
    ['args[0]', 'an instance of Vector', [Vector.from([1])]],
    ['args[0]', 'an instance of Dictionary', [new Dictionary()]],
    ['args[0]', 'an instance of Date', [Object.create(Date.prototype)]],
    ['args[0]', 'a future', [constant(1)]],
    ['args[0]', 'an instance of an unknown class', [Object.create(Object.create(null))]],
    ['args[0].extra', 'a function', [Object.assign([1], { extra: () => 1 })]],
    ['args[0][20000]', 'a function', [Object.assign(Array(20_001).fill(0), { 20000: () => 1 })]],
    ['args[0]', 'an instance of Symbol', [Object(Symbol('boxed'))]],
  ])('%s is %s', (path, what, value) => {
    const message = `${path} is ${what}, which cannot travel to or from a worker: `
    expect(refusal(value).message.slice(0, message.length)).toBe(message)
  })

  test('in a result', () => {
    expect(refusal({ close: () => 1 }, 'result').message).toMatch(/^result\.close is a function/)
    expect(refusal(new Socket(), 'result').message).toMatch(/^result is an instance of Socket.*superjson/)
  })

  test('and what a getter throws is the cause', () => {
    const thrown = new Error('not now')
    const value = {
      list: [
        {
          get later(): never {
            throw thrown
          },
        },
      ],
    }
    const error = refusal([value])
    expect(error.message).toBe('args[0].list[0].later cannot travel to or from a worker: not now')
    expect(error.cause).toBe(thrown)
  })

  test('and so is what a proxy throws', () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    const error = refusal([{ proxy }])
    expect(error.message).toMatch(/^args\[0\]\.proxy cannot travel/)
    expect(error.cause).toBeInstanceOf(TypeError)
    expect(refusal(proxy, 'result').message).toMatch(/^result cannot travel/)
  })

  test('and of a long path only the ends are told', () => {
    let value: unknown = () => 1
    for (let i = 0; i < 1_000; i++) value = { [`level${i}`]: value }
    expect(refusal([value]).message).toMatch(/^args\[0\]\.level999.{1,120} … \.level9.{1,120}\.level0 is a function/)
  })
})

class Point {
  readonly x: number
  readonly bytes: Uint8Array | undefined

  constructor(x: number, bytes?: Uint8Array) {
    this.x = x
    this.bytes = bytes
  }

  double(): number {
    return this.x * 2
  }
}
class Money {
  readonly #cents: bigint

  constructor(cents: bigint) {
    this.#cents = cents
  }

  get cents(): bigint {
    return this.#cents
  }
}
class Holder {
  readonly held: unknown

  constructor(held: unknown) {
    this.held = held
  }
}
class QuotaError extends Error {
  readonly limit: number

  constructor(limit: number) {
    super(`more than ${limit}`)
    this.limit = limit
  }
}
SuperJSON.registerClass(Point)
SuperJSON.registerClass(Holder)
SuperJSON.registerClass(QuotaError)
SuperJSON.registerCustom<Money, string>(
  {
    isApplicable: (value): value is Money => value instanceof Money,
    serialize: ({ cents }) => String(cents),
    deserialize: (text) => new Money(BigInt(text)),
  },
  'Money',
)

describe('an instance of a class registered with superjson', () => {
  test('is one on the other side, wherever it stands', () => {
    const point = new Point(3)
    const [copy, map] = throughPipe([point, new Map([['p', point]])] as const)
    expect(copy).toBeInstanceOf(Point)
    expect([copy.double(), map.get('p') === copy]).toEqual([6, true])
  })

  test('may have a transformer', () => {
    expect(throughPipe({ price: new Money(5n) }).price.cents).toBe(5n)
  })

  test('may hold others, and what JSON cannot say', () => {
    const copy = throughPipe([new Holder([new Point(2), undefined, new ArrayBuffer(20_000)])])[0] as Holder
    const [point, nothing, buffer] = copy.held as [Point, undefined, ArrayBuffer]
    expect([point.double(), nothing, buffer.byteLength]).toEqual([4, undefined, 20_000])
  })

  test('is refused for what cannot travel in it', () => {
    expect(refusal([{ holder: new Holder(() => 1) }]).message).toMatch(/^args\[0\]\.holder.* is a function/)
  })

  test('may be an error, which keeps message, stack and properties', () => {
    const error = new QuotaError(5)
    const copy = throughPipe([error])[0] as QuotaError
    expect(copy).toBeInstanceOf(QuotaError)
    expect([copy.message, copy.stack, copy.limit]).toEqual([error.message, error.stack, 5])
  })

  test('has its memory moved with it, if that is marked and all else can travel', () => {
    const bytes = transfer(new Uint8Array(20_000))
    refusal([new Holder([bytes.buffer]), () => 1], 'args', true)
    expect(bytes.byteLength).toBe(20_000)
    const [copy] = throughPort([new Holder([bytes.buffer])]) as [Holder]
    expect([(copy.held as [ArrayBuffer])[0].byteLength, bytes.byteLength]).toEqual([20_000, 0])
  })

  test('is an error where the class is not registered', () => {
    const { bytes, beside, size } = packetOf([new Point(1)])
    const elsewhere = Buffer.from(bytes).toString('latin1').replaceAll('"Point"', '"Paint"')
    expect(() => decode({ bytes: Buffer.from(elsewhere, 'latin1'), beside, size })).toThrow(/cannot be read: .*Paint/)
  })

  test('is looked for in modules that have no superjson, or do not exist, without harm', () => {
    lookForCustomClassesIn('file:///nowhere/task.js')
    lookForCustomClassesIn('no url')
    expect(throughPipe([new Point(4)])[0]?.double()).toBe(8)
  })
})

describe('what arrives damaged', () => {
  const samples: unknown[] = [
    [new Map<string, unknown>([['k', { list: [1, 2.5, 'text', undefined] }]]), new Set([1n])],
    [Buffer.from('hello'), new Float64Array(3), new Date(), /x/g, new URL('http://x/'), new Uint8Array(10_000)],
    [Object.assign(new TypeError('t', { cause: new RangeError('r') }), { code: 'E', of: new Map() })],
    [Object.assign(Object.create(null), { a: 1 }), new Point(1)],
  ]

  test('is read as something else, or refused as what it is', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 })
    fc.assert(
      fc.property(fc.constantFrom(...samples), damage, fc.option(fc.nat()), (sample, changes, cut) => {
        const packet = packetOf(sample)
        const bytes = packet.bytes.slice(0, cut === null ? undefined : cut % packet.bytes.length)
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte
        expectReadOrRefused({ ...packet, bytes })
      }),
      { numRuns: 1_000 },
    )
  })

  test('is refused if a part of it is missing', () => {
    const packet = packetOf(samples[1])
    for (const broken of ['', '[1', 'undefined', { ...packet, bytes: new Uint8Array(0) }, { ...packet, beside: [] }])
      expect(() => decode(broken)).toThrow(SerializationError)
  })
})

function expectReadOrRefused(packet: Packet): void {
  try {
    decode(packet)
  } catch (error) {
    expect(error).toBeInstanceOf(SerializationError)
  }
}

function makeNode(kind: string): object {
  switch (kind) {
    case 'array':
      return []
    case 'map':
      return new Map()
    case 'set':
      return new Set()
    case 'error':
      return new Error('node')
    case 'null':
      return Object.create(null)
    default:
      return {}
  }
}

function link(from: object, to: object): void {
  if (Array.isArray(from)) from.push(to)
  else if (from instanceof Map) from.set(to, from.size)
  else if (from instanceof Set) from.add(to)
  else Object.assign(from, { [`to${Object.keys(from).length}`]: to })
}

function linksOf(node: object): unknown[] {
  if (node instanceof Map) return [...node.keys(), ...node.values()]
  return node instanceof Set ? [...node] : Object.values(node)
}

/** Whether each object of one graph has its own in the other, with the same kind, and the same objects behind its links. */
function expectSameShape(actual: object, expected: object): void {
  const twins = new Map<unknown, unknown>()
  const open: [unknown, unknown][] = [[actual, expected]]
  for (let pair = open.pop(); pair !== undefined; pair = open.pop()) {
    const [a, e] = pair
    if (typeof e !== 'object' || e === null) expect(a).toBe(e)
    else if (twins.has(e)) expect(twins.get(e)).toBe(a)
    else {
      twins.set(e, a)
      expect(Object.getPrototypeOf(a)).toBe(Object.getPrototypeOf(e))
      const [actualLinks, expectedLinks] = [linksOf(a as object), linksOf(e)]
      expect(actualLinks.length).toBe(expectedLinks.length)
      expectedLinks.forEach((it, i) => void open.push([actualLinks[i], it]))
    }
  }
  expect(new Set(twins.values()).size).toBe(twins.size)
}

function depthOf(value: unknown): number {
  let depth = 0
  for (let at = value; typeof at === 'object' && at !== null; depth++)
    at = at instanceof Map ? at.get(1) : linksOf(at)[0]
  return depth
}

test('keys with backslashes and quotes keep apart, whatever was read before', () => {
  const values = ['\\', '\\j', '"', 'j"', '\n', '\\n'].map((key) => ({ x: 0, [key]: 1 }))
  for (const value of [...values, ...values.toReversed()]) {
    const encoded = encode(value, 'result', false)
    expect(Object.keys(decode(encoded) as object)).toEqual(Object.keys(value))
  }
})
