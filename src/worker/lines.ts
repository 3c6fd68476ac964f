import { StringDecoder } from 'node:string_decoder'

/** The longest line that is kept together, in characters. */
const LONGEST = 65_536

/** Puts together what is written to a stream in pieces, and tells each line. */
export class Lines {
  readonly #tell: (line: string) => void
  #rest = ''
  #decoder: StringDecoder | undefined = undefined

  constructor(tell: (line: string) => void) {
    this.#tell = tell
  }

  /** Whether nothing is kept for what comes next. */
  get isEmpty(): boolean {
    return this.#rest === '' && this.#decoder === undefined
  }

  write(chunk: string | Uint8Array): void {
    const text = typeof chunk === 'string' ? chunk : this.#decode(chunk)
    // Without a look at what is there already: a line may come in very many pieces.
    if (!text.includes('\n')) this.#rest += text
    else {
      const lines = (this.#rest + text).split('\n')
      this.#rest = lines.pop() ?? ''
      for (const line of lines) this.#tell(line)
    }
    for (; this.#rest.length > LONGEST; this.#rest = this.#rest.slice(LONGEST)) this.#tell(this.#rest.slice(0, LONGEST))
  }

  /** Tells what came after the last line break. */
  end(): void {
    const rest = this.#rest + (this.#decoder?.end() ?? '')
    this.#rest = ''
    this.#decoder = undefined
    if (rest !== '') this.#tell(rest)
  }

  /** The bytes of a letter may come in two chunks. */
  #decode({ buffer, byteOffset, byteLength }: Uint8Array): string {
    this.#decoder ??= new StringDecoder('utf8')
    return this.#decoder.write(Buffer.from(buffer, byteOffset, byteLength))
  }
}
