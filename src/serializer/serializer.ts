import { isInstance, messageOf, SerializationError } from '../errors.ts'
import { checkOptions, oneOf } from '../options.ts'
import { toJson } from '../worker/json-safe.ts'
import { readFrame, writeFrame } from './frame.ts'
import { isObject } from './raw.ts'
import { Reading } from './reading.ts'
import { Views } from './views.ts'
import { Writing } from './writing.ts'

/** How to write a value. */
export interface SerializeOptions {
  /** What to call the value in an error. @defaultValue 'value' */
  readonly root?: string | undefined
  /** Whether a reader shall notice damage: not needed where bytes stay in the memory of this machine. @defaultValue true */
  readonly checksum?: boolean | undefined
}
/** How to read a value. */
export interface DeserializeOptions {
  /** Whether binary data may be views of the bytes, instead of copies. @defaultValue false */
  readonly share?: boolean | undefined
}

const trueOrFalse = oneOf('true or false', (value) => typeof value === 'boolean')
const WRITING = { root: oneOf('a string', (value) => typeof value === 'string'), checksum: trueOrFalse }
const READING = { share: trueOrFalse }

/**
 * Writes a value in bytes, for a file, a data base, or another program: all that structured clone takes but for shared memory,
 * and what was registered with superjson. Getters are called, once; properties that are not enumerable and those whose keys are
 * symbols are left out, as are names of properties of arrays with more than 10,000 elements.
 * @returns the bytes, in pieces that belong together in this order: the first is new, others are the value's own memory, which is
 * not copied; a promise if there is a Blob or a File in the value
 * @throws SerializationError with the path of what cannot be written, such as `value.config.socket`; ConfigError for a wrong option
 */
export function serialize(
  value: unknown,
  options: SerializeOptions = {},
): readonly Uint8Array[] | Promise<readonly Uint8Array[]> {
  checkOptions('serialize', options, WRITING)
  const { root = 'value', checksum = true } = options
  const json = toJson(value)
  if (json !== undefined) return writeFrame({ text: `{"json":${json}}`, buffers: [] }, checksum)
  const writing = new Writing(value, root)
  writing.walk()
  const finish = (): readonly Uint8Array[] => writeFrame(writing.close(), checksum)
  if (writing.loads.length === 0) return finish()
  // The caller may change what he has while Blobs are read.
  writing.copyMemory()
  return Promise.all(writing.loads.map((load) => load())).then(finish)
}

/**
 * Reads what {@link serialize} wrote. Bytes of which nothing is known do no harm: they run no code but that of classes and
 * transformers that this program registered with superjson, and take time and memory in proportion to their number.
 * @param bytes - all of them, as one
 * @returns the value again; binary data has memory of its own, unless it may share that of `bytes`
 * @throws SerializationError for bytes that are damaged or of something else, and for what needs a class that is not registered here;
 * ConfigError for a wrong option
 */
export function deserialize(bytes: Uint8Array, options: DeserializeOptions = {}): unknown {
  checkOptions('deserialize', options, READING)
  try {
    return read(bytes, options.share === true)
  } catch (cause) {
    if (isInstance(cause, SerializationError)) throw cause
    throw new SerializationError(`A serialized value cannot be read: ${messageOf(cause)}`, { cause })
  }
}

function read(bytes: Uint8Array, share: boolean): unknown {
  const { text, buffers } = readFrame(bytes)
  const document: unknown = JSON.parse(text)
  if (!isObject(document) || !Object.hasOwn(document, 'json')) throw new TypeError('it has no value')
  const { json, meta } = document
  if (meta === undefined) return json
  if (!isObject(meta) || meta.v !== 1) throw new TypeError('its annotations have another version')
  return new Reading(json, new Views(buffers, share)).read(meta.values, meta.referentialEqualities)
}
