import type { Encoded, Packet } from '../../worker/packet.ts'

/** Arguments of a call that is no task of this language, with objects that travel beside the text of a pack. */
export interface ForeignPacket extends Packet {
  /** The arguments as JSON. @param first - the place among the objects of the pack where those of this call begin */
  textAt(first: number): string
}

/** How values travel to functions of another language. */
export interface ForeignCodec {
  /** What the modules of such functions begin with: `python:`. */
  readonly scheme: string
  /** A text is JSON of all arguments. @throws SerializationError with the path of what cannot travel */
  encode(args: readonly unknown[]): string | ForeignPacket
  /** @param payload - JSON. @param beside - the objects of the message that it came in */
  decode(payload: unknown, beside: readonly object[]): unknown
}

export function isForeignPacket(payload: Encoded): payload is ForeignPacket {
  return typeof payload !== 'string' && 'textAt' in payload
}
