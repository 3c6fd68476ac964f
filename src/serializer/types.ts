/**
 * The types that superjson does not have, as `['custom', 'taps-sdk.<name>']`, and what stands for such a value in JSON:
 *
 * | name | in JSON |
 * | --- | --- |
 * | `ArrayBuffer` | `[number of the buffer]`, `[number, maxByteLength]` if it can be resized |
 * | `Uint8Array` and the other views, `DataView`, `Buffer` | `[number of the buffer, byteOffset, length]` and perhaps `maxByteLength`; length in elements, of a DataView in bytes |
 * | `Blob` | `[[number of the buffer], type]` |
 * | `File` | `[[number of the buffer], type, name, lastModified]` |
 * | `Array` | `[length, { key: value }]`: one with holes, or with properties besides its elements |
 * | `Null` | an object: one without a prototype |
 * | `Boxed` | `[type, text]`, such as `['number', '1']` for `new Number(1)`; a bigint as `BigInt` |
 * | `Date` | null: an invalid one |
 * | `RegExp` | `[source, flags, lastIndex]`: one that has begun to search |
 * | `BigInt` | a large one: hexadecimal digits, perhaps after `-` |
 * | `Error` | `[class, name, message, stack, identifier of a registered class or '', enumerable properties, other properties]` |
 * | `Custom` | `[name, payload]`: what a transformer that users registered made, where that needs an annotation of its own |
 */
import { ownType, type Type } from './notation.ts'

export const UNDEFINED: Type = 'undefined'
export const NUMBER: Type = 'number'
export const BIGINT: Type = 'bigint'
export const DATE: Type = 'Date'
export const MAP: Type = 'map'
export const SET: Type = 'set'
export const REGEXP: Type = 'regexp'
export const LINK: Type = 'URL'
export const OWN_ARRAY: Type = ownType('Array')
export const OWN_NULL: Type = ownType('Null')
export const OWN_BOXED: Type = ownType('Boxed')
export const OWN_DATE: Type = ownType('Date')
export const OWN_REGEXP: Type = ownType('RegExp')
export const OWN_BIGINT: Type = ownType('BigInt')
export const OWN_ERROR: Type = ownType('Error')
export const OWN_CUSTOM: Type = ownType('Custom')
export const OWN_BUFFER: Type = ownType('ArrayBuffer')
export const OWN_BLOB: Type = ownType('Blob')
export const OWN_FILE: Type = ownType('File')
