import { relative } from 'node:path'
import type { Skipped } from './folder.ts'
import { type Job, mostFrequent } from './word-count.ts'

const BAR = 30
const LONGEST_WORD = 30
/** How many skipped files are named. */
const NAMED = 20

/** What came out, and what it took, as text. */
export function report({ counts, tasks, wallMs, busyMs }: Job, skipped: number, top: number): string {
  const all = [...counts.words.values()].reduce((sum, count) => sum + count, 0)
  return [
    ...ranking(mostFrequent(counts.words, top)),
    '',
    `files  ${number(counts.files)}, ${bytes(counts.bytes)}${skipped === 0 ? '' : `; left out ${number(skipped)}`}`,
    `words  ${number(all)}, of which ${number(counts.words.size)} are different`,
    `tasks  ${number(tasks)}: one for each file, and a tree that adds up`,
    `time   ${seconds(wallMs)}; busy ${seconds(busyMs)}: all tasks together, waiting for the disk included`,
    `       busy time over wall time: ${(busyMs / wallMs).toFixed(1)} tasks at a time`,
  ].join('\n')
}

function ranking(words: readonly (readonly [word: string, count: number])[]): string[] {
  if (words.length === 0) return ['There are no words in them.']
  const rows = words.map(([word, count], i) => ({ rank: `${i + 1}`, word: shorten(word), count: number(count) }))
  const width = (column: 'rank' | 'word' | 'count'): number =>
    rows.reduce((widest, row) => Math.max(widest, row[column].length), 0)
  const [ranks, names, counts] = [width('rank'), width('word'), width('count')]
  const most = words[0]?.[1] ?? 1
  return rows.map(({ rank, word, count }, i) => {
    const bar = '█'.repeat(Math.max(1, Math.round((BAR * (words[i]?.[1] ?? 0)) / most)))
    return `  ${rank.padStart(ranks)}  ${word.padEnd(names)}  ${count.padStart(counts)}  ${bar}`
  })
}

/** What was left out, and why, as text. */
export function listSkipped(skipped: readonly Skipped[], folder: string): string {
  const lines = skipped.slice(0, NAMED).map(({ path, reason }) => `  ${relative(folder, path)}: ${reason}`)
  if (skipped.length > NAMED) lines.push(`  and ${number(skipped.length - NAMED)} more`)
  return [`Left out ${number(skipped.length)}:`, ...lines].join('\n')
}

function shorten(word: string): string {
  const letters = [...word]
  return letters.length > LONGEST_WORD ? `${letters.slice(0, LONGEST_WORD - 1).join('')}…` : word
}

function number(value: number): string {
  return value.toLocaleString('en')
}

function bytes(value: number): string {
  if (value < 1e3) return `${value} bytes`
  return value < 1e6 ? `${(value / 1e3).toFixed(1)} kB` : `${(value / 1e6).toFixed(1)} MB`
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`
}
