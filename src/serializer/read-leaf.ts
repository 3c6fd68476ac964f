/** Values without parts, as they are read. */
import { globalClass, VIEWS } from '../worker/global-classes.ts'
import { NUMBERS, type Type } from './notation.ts'
import { symbolNamed, unregistered } from './registered.ts'

/** Reading more decimal digits at once would take too long. */
const MOST_DIGITS = 1_000_000

/** A value of one of superjson's types. @throws TypeError if it is none */
export function leafOf(type: Type, json: unknown): unknown {
  switch (typeof type === 'string' ? type : type[0]) {
    case 'undefined':
      return undefined
    case 'number':
      return readNumber(json)
    case 'bigint':
      return readBigInt(json)
    case 'Date':
      return readDate(json)
    case 'regexp':
      return readRegExp(json)
    case 'URL':
      return new URL(String(json))
    case 'symbol':
      return readSymbol(type[1] as string)
    case 'typed-array':
      return readTypedArray(type[1] as string, json)
    default:
      throw new TypeError(`it has a value of the type ${JSON.stringify(type)}, which this library does not know`)
  }
}

const OWN_LEAVES: Readonly<Record<string, (json: unknown) => unknown>> = {
  BigInt: readLargeBigInt,
  Boxed: readBoxed,
  Date: () => new Date(Number.NaN),
  RegExp: readUsedRegExp,
}

/** Whether a type that superjson does not have is that of a value without parts. */
export function isOwnLeaf(name: string): boolean {
  return Object.hasOwn(OWN_LEAVES, name)
}

/** A value of one of them. @throws TypeError if it is none */
export function ownLeafOf(name: string, json: unknown): unknown {
  return OWN_LEAVES[name]?.(json)
}

function readSymbol(identifier: string): symbol {
  const symbol = symbolNamed(identifier)
  if (symbol === undefined) throw unregistered('symbol', identifier)
  return symbol
}

function readNumber(json: unknown): number {
  const number = NUMBERS.get(json)
  if (number === undefined) throw new TypeError('there is no such number')
  return number
}

function readBigInt(json: unknown): bigint {
  if (!isText(json, /^-?\d+$/) || json.length > MOST_DIGITS) throw new TypeError('there is no such bigint')
  return BigInt(json)
}

function readLargeBigInt(json: unknown): bigint {
  if (!isText(json, /^-?[\da-f]+$/)) throw new TypeError('there is no such bigint')
  return json.startsWith('-') ? -BigInt(`0x${json.slice(1)}`) : BigInt(`0x${json}`)
}

function isText(json: unknown, pattern: RegExp): json is string {
  return typeof json === 'string' && pattern.test(json)
}

/** @throws TypeError for what {@link boxedJson} does not give */
function readBoxed(json: unknown): object {
  const [type, text] = Array.isArray(json) ? (json as unknown[]) : []
  if (typeof text !== 'string') throw new TypeError('there is no such object')
  switch (type) {
    case 'string':
      return new String(text)
    case 'number':
      return new Number(text)
    case 'boolean':
      return new Boolean(text === 'true')
    case 'bigint':
      return Object(readLargeBigInt(text))
    default:
      throw new TypeError('there is no such object')
  }
}

function readDate(json: unknown): Date {
  const date = new Date(typeof json === 'string' ? json : Number.NaN)
  if (Number.isNaN(date.getTime())) throw new TypeError('there is no such Date')
  return date
}

/** As `/source/flags`. */
function readRegExp(json: unknown): RegExp {
  const [, source, flags] = /^\/(.*)\/(\w*)$/s.exec(String(json)) ?? []
  if (source === undefined) throw new TypeError('there is no such RegExp')
  return new RegExp(source, flags)
}

/** As `[source, flags, lastIndex]`. */
function readUsedRegExp(json: unknown): RegExp {
  const [source, flags, lastIndex] = Array.isArray(json) ? (json as unknown[]) : []
  if (typeof source !== 'string' || typeof flags !== 'string' || !Number.isSafeInteger(lastIndex))
    throw new TypeError('there is no such RegExp')
  return Object.assign(new RegExp(source, flags), { lastIndex })
}

/** One that superjson wrote: a list of its elements. */
function readTypedArray(type: string, json: unknown): ArrayBufferView {
  const isOne = VIEWS.includes(type) && type !== 'DataView' && type !== 'Buffer'
  const View = isOne ? globalClass<new (elements: unknown[]) => ArrayBufferView>(type) : undefined
  if (View === undefined || !Array.isArray(json)) throw new TypeError(`there is no such ${type}`)
  return new View(json.map(elementOf))
}

function elementOf(json: unknown): number | bigint {
  // So much is left of NaN.
  if (json === null) return Number.NaN
  if (typeof json !== 'number' && typeof json !== 'bigint') throw new TypeError('there is no such typed array')
  return json
}
