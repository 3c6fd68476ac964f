/** v8's own format. Node's `v8` module is not imported: it takes 2 ms, and many programs never need it. */
import type { Deserializer, Serializer } from 'node:v8'

/** Not all of it is known to Node's types. */
export interface Writer extends Serializer {
  _setTreatArrayBufferViewsAsHostObjects(flag: boolean): void
  _writeHostObject(number: Uint32Array): void
}

/** Not all of it is known to Node's types. */
export interface Reader extends Deserializer {
  _readHostObject(): unknown
}

/** Writes the number in place of each view: in what is written, the only views are numbers of parts. */
export function newWriter(): Writer {
  const writer = new (process.getBuiltinModule('node:v8').Serializer)() as Writer
  writer._setTreatArrayBufferViewsAsHostObjects(true)
  writer._writeHostObject = ([number]) => writer.writeUint32(number as number)
  writer.writeHeader()
  return writer
}

/** @param part - gives what stands for a number */
export function newReader(bytes: Uint8Array, part: (number: number) => unknown): Reader {
  const reader = new (process.getBuiltinModule('node:v8').Deserializer)(bytes) as Reader
  reader._readHostObject = () => part(reader.readUint32())
  reader.readHeader()
  return reader
}
