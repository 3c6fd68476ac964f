// Tasks that take and give all kinds of values.
import { readFileSync } from 'node:fs'
import { types } from 'node:util'
import type { MessagePort } from 'node:worker_threads'
import superjson from 'superjson'
import { task } from '../../../src/index.ts'
import { transfer } from '../../../src/node/index.ts'

export const echo = task(function echo(value: unknown): unknown {
  return value
})

/** A class that workers and clients know. */
export class Temperature {
  readonly celsius: number

  constructor(celsius: number) {
    this.celsius = celsius
  }

  get fahrenheit(): number {
    return this.celsius * 1.8 + 32
  }
}
superjson.registerClass(Temperature)

/** A class that nobody knows. */
export class Socket {
  readonly port = 80
}

export const warmer = task(function warmer({ now }: { now: Temperature }): { next: Temperature; was: number } {
  return { next: new Temperature(now.celsius + 1), was: now.fahrenheit }
})

/** What an argument is where it arrives. */
export const kindOf = task(function kindOf(value: unknown): string {
  if (Buffer.isBuffer(value)) return 'Buffer'
  if (types.isSharedArrayBuffer(value)) return 'SharedArrayBuffer'
  return Object.prototype.toString.call(value).slice(8, -1)
})

let given: Uint8Array | undefined

/** A result of so many bytes that is moved, or copied. */
export const give = task(function give(size: number, isMoved: boolean): unknown {
  given = new Uint8Array(size).fill(7)
  return isMoved ? transfer({ deep: [given] }) : { deep: [given] }
})

/** How many bytes are left of the last result. */
export const leftOver = task(function leftOver(): number {
  return given?.byteLength ?? -1
})

/** Adds one to each byte, in place. */
export const increment = task(function increment(bytes: Uint8Array): Uint8Array {
  for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i] ?? 0) + 1
  return transfer(bytes)
})

export const store = task(function store(cells: Int32Array, value: number): void {
  Atomics.store(cells, 0, value)
})

export const answer = task(function answer({ port }: { port: MessagePort }, text: string): void {
  port.postMessage(`${text}!`)
  port.close()
})

let attempts = 0

/** Fails at first, although it has changed what it was given. */
export const secondTry = task(function secondTry(values: Map<string, Uint8Array>): unknown {
  const seen = [...(values.get('bytes') ?? [])].slice(0, 3)
  values.get('bytes')?.fill(0)
  values.clear()
  if (++attempts % 2 === 1) throw new Error('the first try')
  return seen
})

/** An error with all that hangs on one. */
class NotFound extends RangeError {
  override readonly name = 'NotFound'
  readonly code = 'E_NOT_FOUND'
  readonly details: unknown
  constructor(message: string, details: unknown, options?: ErrorOptions) {
    super(message, options)
    this.details = details
  }
}

function deepInside(): never {
  throw new NotFound('nothing there', { path: ['a', 1], at: new Date(0) }, { cause: new TypeError('the cause') })
}

export const failDeepInside = task(function failDeepInside(): void {
  deepInside()
})

export const failInMany = task(async function failInMany(): Promise<unknown> {
  return await Promise.any([Promise.reject(new TypeError('one')), Promise.reject(new URIError('two'))])
})

export const failInSystem = task(function failInSystem(path: string): string {
  return readFileSync(path, 'utf8')
})

export const failWith = task(function failWith(kind: 'text' | 'nothing' | 'object' | 'function'): void {
  throw { text: 'just a text', nothing: undefined, object: { just: ['an object'] }, function: () => {} }[kind]
})

export const giveSocket = task(function giveSocket(): unknown {
  return { list: [new Socket()] }
})
