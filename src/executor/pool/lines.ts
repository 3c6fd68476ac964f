import { StringDecoder } from 'node:string_decoder'

/** The longest line that is kept together, in characters. */
const LONGEST = 65_536

/** Takes chunks of a stream, and tells each line. What comes after the last line break is told with the next one. */
export function lineSplitter(tell: (line: string) => void): (chunk: Uint8Array) => void {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  return (chunk) => {
    const lines = (rest + decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) tell(line)
    for (; rest.length > LONGEST; rest = rest.slice(LONGEST)) tell(rest.slice(0, LONGEST))
  }
}
