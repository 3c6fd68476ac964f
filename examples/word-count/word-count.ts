import { Engine, MemoryRecordLogger, type TaskFuture } from 'taps-sdk'
import { createExecutor, type Where } from '../where.ts'
import { addUp, type Counts, countFile } from './tasks.ts'

/** How many files are read at the same time in one process: while one waits for the disk, another one counts. */
const CONCURRENCY = 8
/** How many results one task adds up. */
const FAN_IN = 16

/** The graph: one task for each file, and a tree of tasks that add up. Returns at once; whoever awaits it has the sum. */
export function wordCount(engine: Engine, paths: readonly string[]): TaskFuture<Counts> {
  let parts: TaskFuture<Counts>[] = engine.map(countFile, paths)
  while (parts.length > FAN_IN) parts = groups(parts, FAN_IN).map((group) => engine.submit(addUp, group))
  return engine.submit(addUp, parts)
}

/** What came out, and what it took. */
export interface Job {
  readonly counts: Counts
  readonly tasks: number
  readonly wallMs: number
  /** How long all tasks ran, added up. */
  readonly busyMs: number
}

/** How to run the job. */
export interface JobOptions extends Where {
  /** Told after each file. */
  readonly onFile?: (files: number) => void
}

/** Counts the words of files. */
export async function runJob(paths: readonly string[], { onFile, ...where }: JobOptions): Promise<Job> {
  const recordLogger = new MemoryRecordLogger()
  const executor = createExecutor({ ...where, concurrency: where.concurrency ?? CONCURRENCY })
  await using engine = new Engine({ executor, recordLogger })
  let files = 0
  engine.on('settled', ({ name }) => {
    if (name === countFile.name) onFile?.(++files)
  })

  const start = performance.now()
  const counts = await wordCount(engine, paths)
  const wallMs = performance.now() - start

  const seen = counts.files + counts.skipped.length
  if (seen !== paths.length) throw new Error(`${paths.length} files were given, and ${seen} came back`)
  const busyMs = recordLogger.records.reduce((sum, { times }) => sum + times.runMs, 0)
  return { counts, tasks: engine.tasksExecuted, wallMs, busyMs }
}

/** The most frequent words first; those that are equally frequent in the order of the alphabet. */
export function mostFrequent(words: Counts['words'], top: number): [word: string, count: number][] {
  return [...words].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, top)
}

function groups<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size))
}
