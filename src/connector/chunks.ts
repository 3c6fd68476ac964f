/** How many bytes there are in all chunks. */
export function totalOf(chunks: readonly Uint8Array[]): number {
  let total = 0
  for (const chunk of chunks) total += chunk.byteLength
  return total
}

/** Copies chunks one after the other into memory, which has room for them. */
export function copyInto(target: Uint8Array, chunks: readonly Uint8Array[]): void {
  let offset = 0
  for (const chunk of chunks) {
    target.set(chunk, offset)
    offset += chunk.byteLength
  }
}

/** One copy of all chunks. */
export function concatenate(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(totalOf(chunks))
  copyInto(bytes, chunks)
  return bytes
}

/** From so many bytes on it is worth while. */
const LARGE = 65_536

/** Memory that its reader may free. */
const handedOver: WeakSet<Uint8Array> = new WeakSet()

/** Says of memory that whoever gets it has it alone. Connectors of others may give the same bytes again. */
export function handOver(bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength >= LARGE) handedOver.add(bytes)
  return bytes
}

/** Frees memory that a connector handed over, and that nobody needs any more. */
export function giveBack(bytes: Uint8Array): void {
  if (handedOver.has(bytes)) free(bytes)
}

/** Frees memory of which nobody else knows, without waiting for the garbage collector, which comes late and takes longer. */
export function free({ buffer, byteLength }: Uint8Array): void {
  if (byteLength < LARGE || byteLength !== buffer.byteLength || !(buffer instanceof ArrayBuffer)) return
  ;(buffer as ArrayBuffer & { transfer?(length: number): ArrayBuffer }).transfer?.(0)
}
