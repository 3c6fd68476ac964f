import assert from 'node:assert/strict'
import fc from 'fast-check'
import SuperJSON from 'superjson'
import { describe, expect, test } from 'vitest'
import * as ownErrors from '../../src/errors.ts'
import { CancelledError, DependencyError, SerializationError, TapsError, TimeoutError } from '../../src/errors.ts'
import { shared } from '../../src/shared.ts'
import { encode } from '../../src/worker/codec.ts'
import { decodeFailure, encodeFailure } from '../../src/worker/failure.ts'

/** What the client gets for what a task threw. */
function arriving(thrown: unknown): unknown {
  const encoded = encodeFailure(thrown, false)
  if (typeof encoded !== 'string') expect(encoded.bytes.byteLength).toBeGreaterThan(0)
  return decodeFailure(encoded)
}

function arrivingError(thrown: unknown): Error & Record<string, unknown> {
  const error = arriving(thrown)
  expect(error).toBeInstanceOf(Error)
  return error as Error & Record<string, unknown>
}

class PaymentError extends Error {
  override readonly name = 'PaymentError'
  readonly status = 402
}
class Unnamed extends RangeError {}

describe('a failure of a task', () => {
  test.each([Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError])(
    'that is a %o arrives as one',
    (builtIn) => {
      const thrown = new builtIn('wrong')
      const error = arrivingError(thrown)
      expect(Object.getPrototypeOf(error)).toBe(builtIn.prototype)
      expect([error.message, error.stack, error.name]).toEqual(['wrong', thrown.stack, builtIn.name])
      expect(Object.keys(error)).toEqual([])
    },
  )

  test('is told in JSON, if that says all', () => {
    const cause = Object.assign(new RangeError('low'), { limit: { at: 7 } })
    expect(encodeFailure(new AggregateError([1, cause], 'wrong', { cause }), false)).not.toBeTypeOf('string')
    expect(encodeFailure(new AggregateError([1, new Error()], 'wrong', { cause }), false)).toBeTypeOf('string')
    expect(encodeFailure(new TimeoutError('late'), false)).toBeTypeOf('string')
  })

  test('that is an AggregateError keeps its errors', () => {
    const error = arrivingError(new AggregateError([1, new RangeError('low'), undefined], 'all failed'))
    expect(error).toBeInstanceOf(AggregateError)
    const { errors } = error as unknown as AggregateError
    expect(errors).toEqual([1, new RangeError('low'), undefined])
    expect(errors[1]).toBeInstanceOf(RangeError)
    expect(Object.keys(error)).toEqual([])
  })

  test('that is a DOMException arrives as one', () => {
    const error = arrivingError(AbortSignal.abort().reason)
    expect(error).toBeInstanceOf(DOMException)
    expect([error.name, error.code]).toEqual(['AbortError', 20])
  })

  test('of a class that is not known here arrives as an error of its name', () => {
    const thrown = new PaymentError('no money')
    const error = arrivingError(thrown)
    expect(Object.getPrototypeOf(error)).toBe(Error.prototype)
    expect([error.name, error.message, error.status, error.stack]).toEqual([
      'PaymentError',
      'no money',
      402,
      thrown.stack,
    ])
    expect(Object.keys(error)).toEqual(['status'])
  })

  test('of a class made of a built-in one arrives as one of those', () => {
    const error = arrivingError(new Unnamed('far'))
    expect(Object.getPrototypeOf(error)).toBe(RangeError.prototype)
    expect(error.name).toBe('Unnamed')
  })

  test.each(
    Object.entries(ownErrors).filter(([, it]) => typeof it === 'function' && it.prototype instanceof TapsError),
  )('that is a %s of this library arrives as one', (name, ownClass) => {
    const thrown =
      name === 'DependencyError'
        ? new DependencyError([], 1)
        : new (ownClass as new (message: string) => TapsError)('wrong')
    const error = arrivingError(thrown)
    expect(Object.getPrototypeOf(error)).toBe((ownClass as { prototype: object }).prototype)
    expect([error.message, error.name, error.code]).toEqual([thrown.message, name, thrown.code])
    expect(Object.keys(error)).toEqual(Object.keys(thrown))
  })

  test('that is a DependencyError keeps its path and what it leads to', () => {
    const path = [
      { id: '2', name: 'child' },
      { id: '1', name: 'parent' },
    ]
    const error = arrivingError(new DependencyError(path, new PaymentError('no money')))
    expect(error.path).toEqual(path)
    expect(error.cause).toMatchObject({ name: 'PaymentError', status: 402 })
  })

  test('that is an error of this library keeps its name, whatever a bundler called the class', () => {
    class _TimeoutError extends TimeoutError {}
    expect(arrivingError(new _TimeoutError('late')).name).toBe('TimeoutError')
  })

  test('that only has the name of an error of this library is none', () => {
    const error = arrivingError(Object.assign(new Error('theirs'), { name: 'TimeoutError', code: 'TIMEOUT' }))
    expect(error).not.toBeInstanceOf(TimeoutError)
    expect([error.name, error.code]).toEqual(['TimeoutError', 'TIMEOUT'])
  })

  test('is an error of the copy of this library that users import, where there are several', () => {
    class OtherCancelledError extends Error {}
    const all = shared()
    all.errorClasses = { CancelledError: OtherCancelledError }
    try {
      expect(arriving(new CancelledError())).toBeInstanceOf(OtherCancelledError)
    } finally {
      delete all.errorClasses
    }
    expect(arriving(new CancelledError())).toBeInstanceOf(CancelledError)
  })

  test('keeps the chain of its causes', () => {
    const thrown = new Error('1', { cause: new TypeError('2', { cause: { why: [3] } }) })
    const error = arrivingError(thrown)
    expect(error.cause).toBeInstanceOf(TypeError)
    expect(error.cause).toMatchObject({ message: '2', cause: { why: [3] } })
  })

  test('may be its own cause', () => {
    const thrown = new Error('round')
    thrown.cause = Object.assign(new TypeError('and round'), { cause: thrown })
    const error = arrivingError(thrown)
    expect((error.cause as Error).cause).toBe(error)
  })

  test('may have one cause in two places', () => {
    const cause = new Error('root')
    const error = arrivingError(new AggregateError([cause], 'all failed', { cause }))
    expect((error as unknown as AggregateError).errors[0]).toBe(error.cause)
  })

  test('may have more causes than anybody reads: the rest is named only', () => {
    let thrown = new Error('bottom')
    for (let i = 0; i < 10_000; i++) thrown = new Error(String(i), { cause: thrown })
    let depth = 0
    let last: unknown = arriving(thrown)
    for (; last instanceof Error; depth++) last = last.cause
    expect(depth).toBeGreaterThan(50)
    expect(last).toBe('an instance of Error')
  })

  test('keeps its own properties, of every kind that can travel', () => {
    const details = new Map([['at', new Date(0)]])
    const error = arrivingError(
      Object.assign(new Error('wrong'), { code: 'E_WRONG', details, bytes: new Uint8Array([1]) }),
    )
    expect(error).toMatchObject({ code: 'E_WRONG', details, bytes: new Uint8Array([1]) })
  })

  test('describes the properties that cannot travel', () => {
    class Socket {}
    const properties = { socket: new Socket(), retry: () => 1, deep: { list: [Symbol('s'), 1n] } }
    const error = arrivingError(Object.assign(new Error('wrong', { cause: new Socket() }), properties))
    expect(error).toMatchObject({
      cause: 'an instance of Socket',
      socket: 'an instance of Socket',
      retry: 'a function',
      deep: { list: ['a symbol', 1n] },
    })
  })

  test('keeps a code that it inherits', () => {
    class Coded extends Error {
      get code(): string {
        return 'E_CODED'
      }
    }
    const error = arrivingError(new Coded('wrong'))
    expect([error.code, Object.keys(error)]).toEqual(['E_CODED', []])
  })

  test('changes no prototype', () => {
    const properties = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":2}}}')
    for (const more of [{}, { big: 1n }]) {
      const thrown = new Error('wrong')
      for (const [key, value] of Object.entries({ ...properties, ...more }))
        Object.defineProperty(thrown, key, { value, enumerable: true })
      const error = arrivingError(thrown)
      expect(Object.getPrototypeOf(error)).toBe(Error.prototype)
      expect(Object.getOwnPropertyDescriptor(error, '__proto__')?.value).toEqual({ polluted: 1 })
      expect(Object.hasOwn(error, 'constructor')).toBe(true)
    }
    expect('polluted' in {}).toBe(false)
  })

  test('of a class registered with superjson arrives as one, with its message', () => {
    class LimitError extends Error {
      readonly limit = 5
    }
    SuperJSON.registerClass(LimitError)
    const error = arriving(new LimitError('too many'))
    expect(error).toBeInstanceOf(LimitError)
    expect(error).toMatchObject({ message: 'too many', limit: 5 })
  })

  test('of a class with a transformer arrives as what that makes', () => {
    class Wrapped extends Error {}
    SuperJSON.registerCustom<Wrapped, { message: string }>(
      {
        isApplicable: (value): value is Wrapped => value instanceof Wrapped,
        serialize: ({ message }) => ({ message }),
        deserialize: ({ message }) => new Wrapped(`${message} again`),
      },
      'Wrapped',
    )
    expect(arriving(new Wrapped('here'))).toMatchObject({ message: 'here again' })
  })
})

describe('what a task threw that is no error', () => {
  test.each([
    42,
    undefined,
    null,
    '',
    false,
    -0,
    1n,
    Number.NaN,
    { a: 1 },
    [undefined],
    new Map([[1, { b: new Date(0) }]]),
  ])('arrives as it was: %o', (thrown) => {
    expect(arriving(thrown)).toStrictEqual(thrown)
  })

  test('arrives as it was, whatever it is', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withMap: true, withSet: true }), (thrown) => {
        assert.deepStrictEqual(arriving(thrown), thrown)
      }),
    )
  })

  test.each<[string, unknown, string]>([
    ['a function', () => 1, 'The task threw a function'],
    ['a symbol', Symbol('s'), 'The task threw a symbol'],
    ['what holds a function', { close: () => 1 }, 'The task threw an object'],
    ['an instance of a class', new (class Socket {})(), 'The task threw an instance of Socket'],
  ])('and cannot travel, such as %s, is described', (_, thrown, message) => {
    const error = arrivingError(thrown)
    expect(error.message).toBe(message)
    expect(error.cause).toBeInstanceOf(SerializationError)
  })

  test('and cannot travel is described with the path of what kept it', () => {
    expect(arrivingError({ list: [{ close: () => 1 }] }).cause).toMatchObject({
      message: expect.stringMatching(/^thrown\.list\[0\]\.close is a function/),
    })
  })
})

describe('a hostile failure arrives too:', () => {
  const fail = (): never => {
    throw new Error('no')
  }
  const hostile = (target: object, ...keys: string[]) =>
    Object.defineProperties(target, Object.fromEntries(keys.map((key) => [key, { get: fail, enumerable: true }])))
  const revoked = (target: object) => {
    const { proxy, revoke } = Proxy.revocable(target, {})
    revoke()
    return proxy
  }
  const denying = new Proxy(new Error('hidden'), {
    get: fail,
    getPrototypeOf: fail,
    ownKeys: fail,
    getOwnPropertyDescriptor: fail,
    has: fail,
  })
  const endless = (): Error =>
    Object.defineProperties(new Error('endless'), {
      cause: { get: endless },
      other: { get: () => [endless(), endless()], enumerable: true },
    })

  test.each<[string, () => unknown]>([
    [
      'every getter throws',
      () => hostile(new Error('x'), 'name', 'message', 'stack', 'code', 'cause', 'errors', 'constructor', 'extra'),
    ],
    ['a value has a getter that throws', () => hostile({}, 'extra')],
    ['a property has a getter that throws', () => Object.assign(new Error('x'), { deep: hostile({}, 'extra') })],
    ['a revoked proxy', () => revoked({})],
    ['a revoked proxy of an error', () => revoked(new Error('x'))],
    ['a proxy that denies everything', () => denying],
    ['a cause that denies everything', () => new Error('x', { cause: denying })],
    [
      'its message cannot be made a string',
      () =>
        Object.assign(new Error('x'), { message: { toString: fail }, name: Object.create(null), stack: Symbol('s') }),
    ],
    ['its class has no name', () => Object.assign(new Error('x'), { constructor: { name: { toString: fail } } })],
    [
      'what a getter throws is hostile',
      () => ({
        get a(): never {
          throw denying
        },
      }),
    ],
    ['errors is no list', () => Object.assign(new AggregateError([], 'x'), { errors: { length: -1 } })],
    [
      'errors has a getter that throws',
      () =>
        new AggregateError([], 'x', {}) &&
        Object.defineProperty(new AggregateError([1]), 'errors', { value: hostile([1], '0') }),
    ],
    ['it goes on for ever', endless],
    ['only the prototype is that of an error', () => Object.create(TypeError.prototype)],
  ])('%s', (_, make) => {
    const failure = arriving(make())
    expect(failure).toBeInstanceOf(Error)
    expect(typeof (failure as Error).message).toBe('string')
  })

  test('what cannot be read says so, the rest is told', () => {
    const error = arrivingError(hostile(Object.assign(new Error('told'), { code: 'E_TOLD' }), 'extra'))
    expect(error).toMatchObject({ message: 'told', code: 'E_TOLD', extra: '(cannot be read)' })
  })
})

describe('a failure that arrives damaged', () => {
  test('is a failure nevertheless', () => {
    const { bytes, beside, size } = encode([1n], 'args', false) as Exclude<ReturnType<typeof encode>, string>
    for (const broken of [
      '',
      '[',
      'null',
      '7',
      '[1,2,3]',
      '[["error"],{},{}]',
      '[[],null,null]',
      { bytes: bytes.slice(0, 3), beside, size },
    ])
      expect(decodeFailure(broken)).toBeInstanceOf(Error)
  })
})
