// The tasks stand in a module of their own, so that workers can import it without starting the program.
import { isUtf8 } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import { task } from 'taps-sdk'
import { reasonOf, type Skipped } from './folder.ts'

/** What is known of some files: of one at first, of all of them in the end. */
export interface Counts {
  readonly files: number
  readonly bytes: number
  readonly words: ReadonlyMap<string, number>
  readonly skipped: readonly Skipped[]
}

/** Map: reads one file, and counts its words. What cannot be read, or is no text, is left out and named. */
export const countFile = task(async function countFile(path: string): Promise<Counts> {
  try {
    const data = await readFile(path)
    if (data.includes(0)) return nothing({ path, reason: 'it is binary' })
    if (!isUtf8(data)) return nothing({ path, reason: 'it is binary, or not encoded as UTF-8' })
    return { files: 1, bytes: data.length, words: countWords(data.toString()), skipped: [] }
  } catch (error) {
    // Not the fault of this file: without it, the sum would be wrong.
    if ((error as NodeJS.ErrnoException).code === 'EMFILE') throw error
    return nothing({ path, reason: reasonOf(error) })
  }
})

/** Reduce: adds up. Before files that wait, because what has been added up needs less memory than its parts. */
export const addUp = task({ name: 'addUp', priority: 1 }, (parts: readonly Counts[]): Counts => {
  const words = new Map<string, number>()
  for (const part of parts) {
    for (const [word, count] of part.words) words.set(word, (words.get(word) ?? 0) + count)
  }
  return {
    files: parts.reduce((sum, part) => sum + part.files, 0),
    bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
    words,
    skipped: parts.flatMap((part) => part.skipped),
  }
})

/** A word is a run of letters and digits of any script, in lower case. */
function countWords(text: string): Map<string, number> {
  const words = new Map<string, number>()
  for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}]+/gu)) words.set(word, (words.get(word) ?? 0) + 1)
  return words
}

function nothing(skipped: Skipped): Counts {
  return { files: 0, bytes: 0, words: new Map(), skipped: [skipped] }
}
