import { type Case, type Figure, format, range, type Table, type Variant, verdict } from '../case.ts'
import { check, timedFor } from '../measure.ts'
import { ENGINE, type Kind, kinds, loadPool, openInProcess, type Pool, peerNames, WORKERS } from '../pools.ts'

const DOCUMENTS = 40
const WORDS = 100_000
const VOCABULARY = 1_000
const LEAST_MS = 1_000
const GOAL = 1.8
const IN_PROCESS = 'taps-sdk, Engine in this process'

/** The same documents in each process: words of 2 to 9 letters, one of a thousand. */
async function corpus(): Promise<string[]> {
  const { seededRandom } = await import('taps-sdk/testing')
  const random = seededRandom(2)
  const below = (n: number): number => Math.floor(random() * n)
  const letters = (n: number): string =>
    Array.from({ length: n }, () => 'abcdefghijklmnopqrstuvwxyz'[below(26)]).join('')
  const vocabulary = Array.from({ length: VOCABULARY }, () => letters(2 + below(8)))
  return Array.from({ length: DOCUMENTS }, () =>
    Array.from({ length: WORDS }, () => vocabulary[below(VOCABULARY)]).join(' '),
  )
}

/** ms to count all words: a call for each document, and the sums here. */
async function count(pool: Pool): Promise<number> {
  const countWords = pool.bind('countWords')
  const documents = await corpus()
  const run = async (): Promise<void> => {
    const counts = new Map<string, number>()
    for (const part of await pool.gather(documents.map((text) => countWords(text)))) {
      for (const [word, n] of Object.entries(part)) counts.set(word, (counts.get(word) ?? 0) + n)
    }
    let sum = 0
    for (const n of counts.values()) sum += n
    check(sum, DOCUMENTS * WORDS)
  }
  await timedFor(LEAST_MS, run)
  return timedFor(LEAST_MS, run)
}

const keyOf = (kind: Kind, name: string): string => `${kind}: ${name}`
/** poolifier once: its settings differ in how many calls they hand over. */
const namesOf = (kind: Kind): string[] => [ENGINE, ...peerNames(kind).filter((name) => !name.includes(','))]

function table(kind: Kind, figureOf: (key: string) => Figure): Table {
  const alone = figureOf(IN_PROCESS)
  return {
    head: [kind, 'ms', 'lowest – highest', 'faster than in this process', 'goal', ''],
    rows: [
      [IN_PROCESS, format(alone.median), range(alone), '', '', ''],
      ...namesOf(kind).map((name) => {
        const figure = figureOf(keyOf(kind, name))
        const ratio = alone.median / figure.median
        const judged = name === ENGINE ? [`≥ ${GOAL} ×`, verdict(ratio >= GOAL)] : ['', '']
        return [name, format(figure.median), range(figure), `${format(ratio)} ×`, ...judged]
      }),
    ],
  }
}

export const poolWords: Case = {
  name: 'pool-words',
  title: 'Workers: word count',
  about: `ms to count the words of ${DOCUMENTS} generated documents of ${WORDS.toLocaleString('en-US')} words, one call each with the text as its argument, on ${WORKERS} workers; the counts are added up by the caller.`,
  variants: new Map<string, Variant>([
    [IN_PROCESS, { run: async () => count(await openInProcess()) }],
    ...kinds.flatMap((kind) =>
      namesOf(kind).map((name): [string, Variant] => [
        keyOf(kind, name),
        { run: async () => count((await loadPool(kind, name))()) },
      ]),
    ),
  ]),
  tables: (figureOf) => kinds.map((kind) => table(kind, figureOf)),
}
