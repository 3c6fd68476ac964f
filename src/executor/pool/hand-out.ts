import { WorkerCrashedError } from '../../errors.ts'
import type { Packet } from '../../worker/codec.ts'
import { copyOf } from '../../worker/packet.ts'

/** Packets that went to a thread themselves. */
const gone: WeakSet<Packet> = new WeakSet()

/**
 * What to send of a packet to a thread: a copy, if it may be needed again. Ports cannot be copied.
 * @throws WorkerCrashedError if it has gone already, with a thread that has ended
 */
export function handOut(packet: Packet, mayBeNeeded: boolean): Packet {
  if (gone.has(packet))
    throw new WorkerCrashedError('The arguments were moved to a worker that has ended: they cannot be sent again')
  if (mayBeNeeded && !packet.beside.some(isPort)) return copyOf(packet)
  gone.add(packet)
  return packet
}

function isPort(object: object): boolean {
  return object.constructor.name === 'MessagePort'
}
