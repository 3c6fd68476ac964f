import fc from 'fast-check'
import SuperJSON from 'superjson'
import { beforeAll, describe, expect, test } from 'vitest'
import { deserialize } from '../../src/serializer/serializer.ts'
import { bytesOf, errorOf, frameOf, readOrRefused, resealed, textOf } from './support.ts'

class Registered {
  readonly kind = 'registered'
}

beforeAll(() => {
  SuperJSON.registerClass(Registered, 'hostile.Registered')
  SuperJSON.registerCustom<typeof Registered, null>(
    {
      isApplicable: (value): value is typeof Registered => value === Registered,
      serialize: () => null,
      deserialize: () => Registered,
    },
    'hostile.custom',
  )
})

const sample = (): Record<string, unknown> => ({
  text: 'é "\\',
  list: [1, undefined, Number.NaN, 12n],
  map: new Map<unknown, unknown>([[{ a: 1 }, new Set([new Date(7)])]]),
  error: new RangeError('no', { cause: new Error('why') }),
  bytes: Uint8Array.of(1, 2, 3),
  floats: new Float64Array([0.5, Number.NaN]),
})

function cyclicSample(): unknown {
  const value = sample()
  value.self = value
  value.again = value.map
  return value
}

/** Reads a document that nobody wrote. */
function read(document: unknown, buffers?: readonly Uint8Array[]): unknown {
  return deserialize(frameOf(JSON.stringify(document), buffers))
}

function refusalOf(json: unknown, values: unknown, buffers?: readonly Uint8Array[]): string {
  return errorOf(() => read({ json, meta: { values, v: 1 } }, buffers)).message
}

describe('damage', () => {
  test.each([
    ['of a value of plain data', { a: [1, 'é', null] }],
    ['of a value with a bit of everything', cyclicSample()],
  ])('%s is noticed wherever a byte changes', (_, value) => {
    const frame = bytesOf(value)
    for (let at = 0; at < frame.length; at++) {
      const byte = frame[at] as number
      for (const other of [0, 255, byte ^ 1, byte ^ 128, 254]) {
        if (other === byte) continue
        frame[at] = other
        errorOf(() => deserialize(frame))
      }
      frame[at] = byte
    }
    deserialize(frame)
  })

  test.each([true, false])('that cuts the end off is noticed, checksum: %s', (checksum) => {
    const frame = bytesOf(cyclicSample(), { checksum })
    for (let length = 0; length < frame.length; length++) errorOf(() => deserialize(frame.subarray(0, length)))
    errorOf(() => deserialize(resealed(new Uint8Array([...frame, 0]))))
    errorOf(() => deserialize(resealed(new Uint8Array([...frame, ...new Uint8Array(8)]))))
  })

  test.each(['with the checksum made right again', 'where there is no checksum'])(
    'of every byte, %s, gives a value or one class of error',
    (how) => {
      const isChecked = how.startsWith('with')
      const frame = bytesOf(cyclicSample(), { checksum: isChecked })
      for (let at = 8; at < frame.length; at++) {
        const byte = frame[at] as number
        for (const other of [0, 1, 0x22, 0x30, 0x39, 0x5b, 0x7d, byte ^ 1, 255]) {
          frame[at] = other
          readOrRefused(isChecked ? resealed(frame) : frame)
        }
        frame[at] = byte
      }
    },
  )

  test('of the switch for the checksum does not switch it off', () => {
    const frame = bytesOf({ a: 1 })
    frame[9] = 0
    expect(errorOf(() => deserialize(frame)).message).toContain('its head is wrong')
  })

  test('of the text is noticed where it is no UTF-8 any more', () => {
    const frame = bytesOf('aaaa', { checksum: false })
    frame[frame.indexOf(0x61)] = 0xff
    errorOf(() => deserialize(frame))
  })
})

describe('bytes of something else', () => {
  test('say so', () => {
    const message = 'These bytes are not a value that serialize() has written'
    for (const bytes of ['', '{}', 'TAPS', 'TAPT'.padEnd(100)]) {
      expect(errorOf(() => deserialize(Buffer.from(bytes))).message).toBe(message)
    }
  })

  test('of a later version say which', () => {
    const frame = bytesOf(1)
    frame[8] = 2
    expect(errorOf(() => deserialize(resealed(frame))).message).toContain('it has version 2')
  })
})

describe('lengths that lie', () => {
  const lie = (at: number, length: bigint): Uint8Array => {
    const frame = bytesOf({ big: new Uint8Array(100) })
    new DataView(frame.buffer).setBigUint64(at, length, true)
    return resealed(frame)
  }

  test.each([16, 24])('at %d are refused', (at) => {
    for (const length of [0n, 200n, 1_000_000_000n, 2n ** 32n, 2n ** 53n, 2n ** 64n - 1n]) {
      errorOf(() => deserialize(lie(at, length)))
    }
  })

  test('of the table are refused', () => {
    for (const count of [0, 2, 1_000_000_000, 2 ** 32 - 1]) {
      const frame = bytesOf({ big: new Uint8Array(100) })
      new DataView(frame.buffer).setUint32(12, count, true)
      errorOf(() => deserialize(resealed(frame)))
    }
  })
})

describe('annotations that nobody wrote', () => {
  test.each<[string, unknown, unknown]>([
    ['a type', 1, ['nonsense']],
    ['a type of its own', 1, [['custom', 'taps-sdk.nonsense']]],
    ['a kind of type', 1, [['nonsense', 'x']]],
    ['no type', 1, [null]],
    ['a number', 1, 7],
    ['an inherited property', {}, { toString: ['undefined'] }],
    ['the prototype', {}, JSON.parse('{"__proto__":{"polluted":["undefined"]}}')],
    ['a constructor', {}, { 'constructor.prototype.x': ['undefined'] }],
    ['the length of a list', [1], { length: ['undefined'] }],
    ['an element beyond the end', [1], { 1: ['undefined'] }],
    ['an index that is none', [1], { '00': ['undefined'] }],
    ['a part of a text', 'text', { 0: ['undefined'] }],
    ['a part of a Date', '2020-01-01T00:00:00.000Z', ['Date', { x: ['undefined'] }]],
    ['a bad escape', { ab: 1 }, { 'a\\b': ['undefined'] }],
    ['a Map of no entries', [1], ['map']],
    ['a Map of text', 'text', ['map']],
    ['a Map of longer entries', [[1, 2, 3]], ['map']],
    ['a Set of an object', {}, ['set']],
    ['a Date of a word', 'yesterday', ['Date']],
    ['a Date of a number', 1, ['Date']],
    ['a number of a word', 'one', ['number']],
    ['a number of a method', 'toString', ['number']],
    ['a bigint of a word', 'one', ['bigint']],
    ['a bigint of nothing', '', ['bigint']],
    ['a RegExp that is none', '/(/', ['regexp']],
    ['a RegExp without slashes', 'abc', ['regexp']],
    ['flags that are none', '/a/xyz', ['regexp']],
    ['a URL that is none', 'not a url', ['URL']],
    ['an Error of text', 'text', ['Error']],
    ['an error without parts', [], [['custom', 'taps-sdk.Error']]],
    ['an array of negative length', [-1, {}], [['custom', 'taps-sdk.Array']]],
    ['an array of too great length', [2 ** 32, {}], [['custom', 'taps-sdk.Array']]],
    ['an array of a length that is text', ['9', {}], [['custom', 'taps-sdk.Array']]],
    ['an array with another length', [1, { length: 5 }], [['custom', 'taps-sdk.Array']]],
    ['a typed array of text', ['x'], [['typed-array', 'Uint8Array']]],
    ['a typed array of no such class', [1], [['typed-array', 'Array']]],
    ['a view of no such class', [0, 0, 0], [['custom', 'taps-sdk.SharedArrayBuffer']]],
    ['a view of no buffer', [0, 0, 0], [['custom', 'taps-sdk.Uint8Array']]],
    ['a Blob of no buffer', [[0], ''], [['custom', 'taps-sdk.Blob']]],
    ['a boxed object', ['object', '1'], [['custom', 'taps-sdk.Boxed']]],
  ])('are refused: %s', (_, json, values) => {
    refusalOf(json, values)
  })

  test('leave prototypes as they are', () => {
    const document = '{"json":{"__proto__":{"polluted":1},"a":{"constructor":{"prototype":{"polluted":1}}}}}'
    const value = deserialize(frameOf(document)) as object
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect(Object.keys(value)).toEqual(['__proto__', 'a'])
    for (const type of ['Null', 'Error'] as const) {
      const inside = '{"__proto__":{"polluted":1}}'
      const json = type === 'Null' ? inside : `["Error","n","m","s","",${inside},${inside}]`
      deserialize(frameOf(`{"json":${json},"meta":{"v":1,"values":[["custom","taps-sdk.${type}"]]}}`))
    }
    const instance = deserialize(
      frameOf('{"json":{"__proto__":{"polluted":1}},"meta":{"v":1,"values":[["class","hostile.Registered"]]}}'),
    )
    expect(Object.getPrototypeOf(instance)).toBe(Registered.prototype)
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })

  test('name a class that is not registered', () => {
    expect(refusalOf({}, [['class', 'Unheard']])).toContain('a class named "Unheard", which is not registered')
    expect(refusalOf({}, [['custom', 'constructor']])).toContain('a custom type named "constructor"')
    expect(refusalOf('x', [['symbol', 'unheard']])).toContain('a symbol named "unheard"')
  })

  test('that are the same twice are refused', () => {
    refusalOf({ 'a.b': 1, a: { b: [] } }, { 'a.b': ['map'], a: { b: ['map'] } })
  })

  test('have the version that is known', () => {
    errorOf(() => read({ json: null, meta: { values: ['undefined'], v: 2 } }))
    errorOf(() => read({ json: null, meta: { values: ['undefined'] } }))
    errorOf(() => read({ json: null, meta: [] }))
    errorOf(() => read({}))
    errorOf(() => read(null))
  })
})

describe('equalities that nobody wrote', () => {
  const equal = (json: unknown, referentialEqualities: unknown, values?: unknown): unknown =>
    read({ json, meta: { values, referentialEqualities, v: 1 } })

  test.each<[string, unknown]>([
    ['of a place that is missing', { x: ['a'] }],
    ['to a place that is missing', { a: ['x'] }],
    ['to an inherited one', { a: ['__proto__'] }],
    ['to one in a constructor', { a: ['constructor.prototype.x'] }],
    ['without a list', { a: 'b' }],
    ['of numbers', { a: [1] }],
    ['of a word', 'a'],
    ['of a list of words', ['a']],
    ['of null', null],
  ])('are refused: %s', (_, equalities) => {
    errorOf(() => equal({ a: {}, b: null }, equalities))
  })

  test('do not change the length of a list', () => {
    errorOf(() => equal({ n: 0, list: [1] }, { n: ['list.length'] }))
    errorOf(() => equal({ list: [1], x: null }, { 'list.length': ['x'] }))
  })

  test('may make rings', () => {
    const value = equal({ a: { b: null } }, { a: ['a.b'] }) as { a: { b: unknown } }
    expect(value.a.b).toBe(value.a)
    equal({ a: { b: null }, c: null }, { a: ['c'], c: ['a.b', 'a'] })
  })

  test('make no custom value a part of itself', () => {
    expect(() => equal({ a: { b: null } }, { a: ['a.b'] }, { a: [['custom', 'hostile.custom']] })).toThrow(
      'a part of itself',
    )
  })
})

describe('claims', () => {
  test('of a huge array take no memory', () => {
    const values = [['custom', 'taps-sdk.Array']]
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < 50; i++) {
      expect(read({ json: [30_000_000, { 5: 'x' }], meta: { values, v: 1 } })).toHaveLength(30_000_000)
    }
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(100_000_000)
  })

  test('of one buffer for many Blobs are refused', () => {
    const values = [0, 1].map((i) => [i, [['custom', 'taps-sdk.Blob']]])
    const json = [
      [[0], ''],
      [[0], ''],
    ]
    expect(refusalOf(json, Object.fromEntries(values), [new Uint8Array(8)])).toContain('no such Blob')
  })

  test('of buffers that grow for ever are refused', () => {
    const count = 100
    const values = Object.fromEntries(
      Array.from({ length: count }, (_, i) => [i, [['custom', 'taps-sdk.ArrayBuffer']]]),
    )
    const json = Array.from({ length: count }, (_, i) => [i, 2 ** 33])
    const buffers = json.map(() => new Uint8Array(8))
    expect(refusalOf(json, values, buffers)).toContain('may grow too large')
  })

  test.each([
    [0, 0, 9],
    [0, 8, 1],
    [0, 2 ** 40, 1],
    [0, -1, 1],
    [0, 0.5, 1],
    [1, 0, 1],
    [-1, 0, 1],
    [0, 0, 1, 2],
  ])('of a view that shows more than its buffer are refused: %j', (...json) => {
    for (const share of [true, false]) {
      const meta = { values: [['custom', 'taps-sdk.Uint8Array']], v: 1 }
      const frame = frameOf(JSON.stringify({ json, meta }), [new Uint8Array(8)])
      errorOf(() => deserialize(frame, { share }))
    }
  })

  test('of a view of another buffer are refused', () => {
    const meta = { values: [['custom', 'taps-sdk.Uint8Array']], v: 1 }
    const frame = frameOf(JSON.stringify({ json: [0, 8, 1], meta }), [new Uint8Array(8), new Uint8Array(8)])
    errorOf(() => deserialize(frame, { share: true }))
  })

  test('of a view off its alignment are refused', () => {
    refusalOf([0, 4, 1], [['custom', 'taps-sdk.Float64Array']], [new Uint8Array(16)])
  })

  test('of a bigint of a megabyte take linear time', () => {
    expect(refusalOf('9'.repeat(1_000_001), ['bigint'])).toContain('no such bigint')
    const hex = 'f'.repeat(1_000_000)
    expect(read({ json: hex, meta: { values: [['custom', 'taps-sdk.BigInt']], v: 1 } })).toBe(2n ** 4_000_000n - 1n)
  })

  test('of regular expressions that take long are refused', () => {
    const slow = '[\\p{L}]'
    const long = `/${slow.repeat(20_000)}/iu`
    expect(refusalOf(long, ['regexp'])).toContain('so many characters')
    expect(refusalOf([long, '', 1], [['custom', 'taps-sdk.RegExp']])).toContain('so many characters')
    const many = Array.from({ length: 20_000 }, (_, i) => `/${'a'.repeat(100)}${i}/`)
    expect(refusalOf(many, Object.fromEntries(many.map((_, i) => [i, ['regexp']])))).toContain('so many characters')
  })

  test('of deep nesting are refused', () => {
    const deep = (open: string, close: string): string => open.repeat(100_000) + close.repeat(100_000)
    expect(errorOf(() => deserialize(frameOf(`{"json":${deep('[', ']')}}`))).message).toContain('nested too deeply')
    errorOf(() => deserialize(frameOf(`{"json":${deep('{"a":', '}').replace('}', '1}')}}`)))
    errorOf(() => deserialize(frameOf(`{"json":1,"meta":{"v":1,"values":${deep('{"a":', '}').replace('}', '1}')}}}`)))
  })
})

test('random annotations of random JSON give a value or one class of error', () => {
  const names = ['a', 'b', '0', '1', '__proto__', 'length', 'a.b', '0.0', '0.1', '5.a', '1.a', '', 'constructor', '\\']
  const path = fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 3 }).map((keys) => keys.join('.'))
  const own =
    'ArrayBuffer Uint8Array Float64Array DataView Buffer Blob File Array Null Boxed Date RegExp BigInt Error Custom'
  const type = fc.constantFrom<unknown>(
    ...['undefined', 'number', 'bigint', 'Date', 'map', 'set', 'regexp', 'URL', 'Error'],
    ...own.split(' ').map((name) => ['custom', `taps-sdk.${name}`]),
    ['class', 'hostile.Registered'],
    ['custom', 'hostile.custom'],
    ['typed-array', 'Int16Array'],
  )
  const { json } = fc.letrec((tie) => ({
    json: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom<unknown>(null, 0, 1, 8, -1, 'x', '1', 'NaN', 'Error', '/a/g', 'hostile.custom', true),
      fc.array(tie('json'), { maxLength: 7 }),
      fc.dictionary(fc.constantFrom('a', 'b', '0', 'a.b', 'name', 'message', 'length'), tie('json'), { maxKeys: 3 }),
    ),
  }))
  const { node } = fc.letrec((tie) => {
    const inside = fc.dictionary(path, tie('node'), { maxKeys: 3 })
    return {
      node: fc.oneof({ depthSize: 'small' }, fc.tuple(type), fc.tuple(type, inside), inside),
    }
  })
  const paths = fc.array(path, { maxLength: 3 })
  const same = fc.dictionary(path, paths, { maxKeys: 3 })
  const equalities = fc.option(fc.oneof(same, fc.tuple(paths), fc.tuple(paths, same)), { nil: undefined })
  let values = 0
  fc.assert(
    fc.property(json, fc.option(node, { nil: undefined }), equalities, fc.boolean(), (it, annotations, same, share) => {
      const document = { json: it, meta: { values: annotations, referentialEqualities: same, v: 1 } }
      const frame = frameOf(JSON.stringify(document), [new Uint8Array(8), new Uint8Array(16)])
      if (!(readOrRefused(frame, { share }) instanceof Error)) values++
    }),
    { seed: 20_261_121, numRuns: 5_000 },
  )
  expect(values).toBeGreaterThan(400)
})

test('what a crafted frame is in these tests is what the serializer writes', () => {
  expect(frameOf(textOf(bytesOf({ a: 1 })))).toEqual(bytesOf({ a: 1 }))
})
