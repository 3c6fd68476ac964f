import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MessageChannel } from 'node:worker_threads'
import { afterAll, describe, expect, test } from 'vitest'
import { Engine, SerializationError } from '../../../src/index.ts'
import { ProcessPoolExecutor, ThreadPoolExecutor, transfer } from '../../../src/node/index.ts'
import {
  answer,
  echo,
  failDeepInside,
  failInMany,
  failInSystem,
  failWith,
  give,
  giveSocket,
  increment,
  kindOf,
  leftOver,
  Socket,
  secondTry,
  store,
  Temperature,
  warmer,
} from './data-tasks.ts'
import { failureOf, POOLS } from './each-pool.ts'

describe.each(POOLS)('a pool of $kind', ({ kind, Pool }) => {
  const pool = new Pool({ maxWorkers: 1 })
  afterAll(() => pool.shutdown())

  test.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['-0', -0],
    ['NaN', Number.NaN],
    ['a bigint', 2n ** 70n],
    ['a text', 'Grüße 🌍 \u2028 \ud800'],
    ['a date', new Date(0)],
    ['a regular expression', /a+/giu],
    ['an array with undefined and a hole in it', Object.assign([undefined, null, [undefined]], { length: 4 })],
    ['a map', new Map<unknown, unknown>([[{ key: 1 }, new Set([1n])]])],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1, __proto: 2 })],
    ['floats', new Float64Array([0, -0, Number.NaN, 1.5])],
    ['an ArrayBuffer', Uint8Array.of(1, 2, 3).buffer],
    ['a view of a part', new DataView(Uint8Array.of(1, 2, 3, 4).buffer, 1, 2)],
    ['an error', new RangeError('a value', { cause: new Error('and its cause') })],
  ])('carries %s there and back', async (_, value) => {
    expect(await pool.submit(echo, value)).toStrictEqual(value)
    expect(await pool.submit(echo, { deep: [value] })).toStrictEqual({ deep: [value] })
  })

  test('keeps cycles, and what is the same twice', async () => {
    const shared = { bytes: new Uint8Array(3) }
    const value: Record<string, unknown> = { one: shared, two: shared }
    value.self = value
    const back = (await pool.submit(echo, value)) as typeof value
    expect(back.self).toBe(back)
    expect(back.one).toBe(back.two)
    expect(back).not.toBe(value)
  })

  test('copies an argument when it is submitted', async () => {
    const list = [1]
    const bytes = new Uint8Array(20_000)
    const calls = [pool.submit(echo, list), pool.submit(echo, bytes)]
    list.push(2)
    bytes.fill(1)
    expect(await Promise.all(calls)).toEqual([[1], new Uint8Array(20_000)])
  })

  test.each([3, 20_000])('gives a Buffer of %i bytes as a Buffer, and no other bytes with it', async (size) => {
    const buffer = Buffer.alloc(size, 'abc')
    expect(await pool.submit(kindOf, buffer)).toBe('Buffer')
    const back = (await pool.submit(echo, buffer)) as Buffer
    expect(Buffer.isBuffer(back)).toBe(true)
    expect(back.equals(buffer)).toBe(true)
    expect(back.buffer.byteLength).toBeLessThanOrEqual(size + 8)
  })

  test('carries 50 MB there and back', async () => {
    const bytes = new Uint8Array(50_000_000)
    for (let i = 0; i < bytes.length; i += 4096) bytes[i] = i / 4096
    const back = (await pool.submit(echo, { bytes })) as { bytes: Uint8Array }
    expect(Buffer.compare(back.bytes, bytes)).toBe(0)
    expect(bytes.byteLength).toBe(50_000_000)
  })

  test.each<[string, (bytes: Uint8Array<ArrayBuffer>) => unknown]>([
    ['a view', (bytes) => bytes],
    ['its buffer', (bytes) => bytes.buffer],
    ['an object that holds it', (bytes) => ({ deep: [new Map([['k', bytes]])] })],
  ])('moves the memory of %s where that is asked for', async (_, wrap) => {
    const bytes = new Uint8Array(100_000).fill(7)
    const value = wrap(bytes)
    const call = pool.submit(echo, transfer(value))
    expect([bytes.byteLength, (bytes.buffer as ArrayBuffer & { detached: boolean }).detached]).toEqual([0, true])
    expect(await call).toEqual(wrap(new Uint8Array(100_000).fill(7)))
  })

  test('moves the memory of a result where that is asked for, and copies it else', async () => {
    const expected = { deep: [new Uint8Array(100_000).fill(7)] }
    expect(await pool.submit(give, 100_000, true)).toEqual(expected)
    expect(await pool.submit(leftOver)).toBe(0)
    expect(await pool.submit(give, 100_000, false)).toEqual(expected)
    expect(await pool.submit(leftOver)).toBe(100_000)
  })

  test('moves the same memory there and back, again and again', async () => {
    let bytes = new Uint8Array(100_000)
    for (let i = 0; i < 5; i++) bytes = (await pool.submit(increment, transfer(bytes))) as Uint8Array<ArrayBuffer>
    expect(bytes).toEqual(new Uint8Array(100_000).fill(5))
  })

  test('refuses memory that was moved before', async () => {
    const bytes = new Uint8Array(100_000)
    await pool.submit(kindOf, transfer(bytes))
    const error = await failureOf(pool.submit(echo, { bytes }))
    expect(error).toBeInstanceOf(SerializationError)
    expect(error.message).toContain('args[0].bytes')
  })

  test('gives each try of a task its arguments as they were, moved ones too', async () => {
    const engine = new Engine({ executor: pool })
    const bytes = new Uint8Array(100_000).fill(7)
    const call = engine.submit(secondTry.with({ retries: 1 }), transfer(new Map([['bytes', bytes]])))
    expect(bytes.byteLength).toBe(0)
    expect(await call).toEqual([7, 7, 7])
  })

  test('refuses an argument that cannot travel, with its path', async () => {
    const error = await failureOf(pool.submit(echo, { config: { socket: new Socket() } }))
    expect(error).toBeInstanceOf(SerializationError)
    expect(error.message).toContain('args[0].config.socket is an instance of Socket')
    expect((await failureOf(pool.submit(echo, [1, () => {}]))).message).toContain('args[0][1] is a function')
  })

  test('refuses a result that cannot travel, with its path', async () => {
    const error = await failureOf(pool.submit(giveSocket))
    expect(error).toBeInstanceOf(SerializationError)
    expect(error.message).toContain('result.list[0] is an instance of Socket')
    expect(await pool.submit(echo, 'still there')).toBe('still there')
  })

  test('carries instances of classes that are registered with superjson, both ways', async () => {
    const { next, was } = await pool.submit(warmer, { now: new Temperature(20) })
    expect([next, was]).toEqual([new Temperature(21), 68])
    expect(next).toBeInstanceOf(Temperature)
    expect(next.fahrenheit).toBeCloseTo(69.8)
  })

  test('tells of an error its class, its own properties and its cause', async () => {
    const error = await failureOf(pool.submit(failDeepInside))
    expect(error).toBeInstanceOf(RangeError)
    expect([error.name, error.message, error.code]).toEqual(['NotFound', 'nothing there', 'E_NOT_FOUND'])
    expect(error.details).toEqual({ path: ['a', 1], at: new Date(0) })
    expect(error.cause).toBeInstanceOf(TypeError)
    expect(error.cause).toMatchObject({ message: 'the cause' })
  })

  test('shows where in the file of the task it was thrown', async () => {
    const file = join(import.meta.dirname, 'data-tasks.ts')
    const line =
      1 +
      readFileSync(file, 'utf8')
        .split('\n')
        .findIndex((text) => text.includes('throw new NotFound'))
    const { stack = '', cause } = await failureOf(pool.submit(failDeepInside))
    const [first, second, third] = stack.split('\n')
    expect(first).toBe('NotFound: nothing there')
    expect(second).toBe(`    at deepInside (${pathToFileURL(file)}:${line}:9)`)
    expect(third).toContain(`at failDeepInside (${pathToFileURL(file)}:`)
    expect((cause as Error).stack).toContain(`${pathToFileURL(file)}:${line}:`)
  })

  test('tells of each error in an AggregateError', async () => {
    const error = (await failureOf(pool.submit(failInMany))) as unknown as AggregateError
    expect(error).toBeInstanceOf(AggregateError)
    expect(error.errors.map((each: Error) => [each.constructor.name, each.message])).toEqual([
      ['TypeError', 'one'],
      ['URIError', 'two'],
    ])
  })

  test('tells of an error of the system what Node tells', async () => {
    const error = await failureOf(pool.submit(failInSystem, '/no/such/file'))
    expect(error).toMatchObject({ code: 'ENOENT', errno: -2, syscall: 'open', path: '/no/such/file' })
  })

  test('carries whatever else is thrown', async () => {
    await expect(pool.submit(failWith, 'text')).rejects.toBe('just a text')
    await expect(pool.submit(failWith, 'nothing')).rejects.toBe(undefined)
    await expect(pool.submit(failWith, 'object')).rejects.toEqual({ just: ['an object'] })
    expect(String(await failureOf(pool.submit(failWith, 'function')))).toContain('function')
    expect(await pool.submit(echo, kind)).toBe(kind)
  })
})

describe('threads', () => {
  const pool = new ThreadPoolExecutor({ maxWorkers: 1 })
  afterAll(() => pool.shutdown())

  test('share what is shared memory, also where it is to be moved', async () => {
    const cells = new Int32Array(new SharedArrayBuffer(8))
    await pool.submit(store, cells, 42)
    await pool.submit(store, transfer(cells.subarray(1)), 43)
    expect([...cells]).toEqual([42, 43])
    const back = (await pool.submit(echo, { memory: cells.buffer })) as { memory: SharedArrayBuffer }
    new Int32Array(back.memory)[0] = 44
    expect(cells[0]).toBe(44)
  })

  test('take a port, which moves', async () => {
    const { port1, port2 } = new MessageChannel()
    const message = once(port1, 'message')
    await pool.submit(answer, { port: port2 }, 'hello')
    expect((await message)[0]).toBe('hello!')
    const error = await failureOf(pool.submit(answer, { port: port2 }, 'again'))
    expect(error).toBeInstanceOf(SerializationError)
    expect(error.message).toContain('args[0].port')
  })
})

test('processes refuse what only threads share, with its path', async () => {
  await using pool = new ProcessPoolExecutor({ maxWorkers: 1 })
  const { port1, port2 } = new MessageChannel()
  const shared = new SharedArrayBuffer(8)
  for (const [value, what] of [
    [shared, 'SharedArrayBuffer'],
    [new Int32Array(shared), 'SharedArrayBuffer'],
    [port2, 'MessagePort'],
  ] as const) {
    const error = await failureOf(pool.submit(echo, { config: { value } }))
    expect(error).toBeInstanceOf(SerializationError)
    expect(error.message).toContain('args[0].config.value')
    expect(error.message).toContain(what)
  }
  port1.close()
})
