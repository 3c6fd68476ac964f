// Counts the words of a folder: a task reads each file, and a tree of tasks adds up. This is what `npm start` runs.
// The tasks stand in tasks.ts, the graph in word-count.ts, where they run in ../where.ts.
import { DependencyError } from 'taps-sdk'
import { isProgram } from '../is-program.ts'
import { type Where, WhereError } from '../where.ts'
import { reasonOf } from './folder.ts'
import { type Arguments, checkFolder, findTexts, HELP, readArguments, UserError } from './input.ts'
import { Progress } from './progress.ts'
import { listSkipped, report } from './report.ts'
import { type Job, runJob } from './word-count.ts'

/** @returns the exit code */
export async function main(args: readonly string[] = []): Promise<number> {
  try {
    const given = readArguments(args)
    if (given.help) console.log(HELP)
    else await countFolder(given)
    return 0
  } catch (error) {
    const cause = error instanceof DependencyError ? error.cause : error
    console.error(
      `word-count: ${cause instanceof UserError || cause instanceof WhereError ? cause.message : reasonOf(cause)}`,
    )
    return 1
  }
}

/** What `main()` has to return. */
export const expected = 0

async function countFolder({ folder, top, ...where }: Arguments): Promise<void> {
  await checkFolder(folder)
  console.error(`Looking for text files in ${folder}`)
  const { texts, skipped: folders } = await findTexts(folder)
  console.error(`Counting the words of ${texts.length.toLocaleString('en')} ${texts.length === 1 ? 'file' : 'files'}`)
  const job = await runWithProgress(texts, where)
  const skipped = [...folders, ...job.counts.skipped]
  if (job.counts.files === 0)
    throw new UserError(`no text file in ${folder} can be read\n${listSkipped(skipped, folder)}`)
  if (skipped.length > 0) console.error(listSkipped(skipped, folder))
  console.log(`\n${report(job, skipped.length, top)}`)
}

async function runWithProgress(texts: readonly string[], where: Where): Promise<Job> {
  const progress = new Progress(process.stderr, texts.length)
  try {
    return await runJob(texts, { ...where, onFile: (files) => progress.update(files) })
  } finally {
    progress.end()
  }
}

if (isProgram(import.meta.url)) process.exitCode = await main(process.argv.slice(2))
