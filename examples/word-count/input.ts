// What the user gave: the command line and the folder. Whatever is wrong with it is told in a sentence.
import { stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { readWhere, WHERE_OPTIONS, type Where, whereHelp } from '../where.ts'
import { type Listing, listFolder, reasonOf, TEXT_FILES } from './folder.ts'

const endings = TEXT_FILES.map((ending) => `*${ending}`).join(', ')

export const HELP = `Counts the words of the text files in a folder and in the folders below it.

Usage: npm start -- [folder] [options]

  folder, --dir <folder>  where to look (default: node_modules, the documentation of the installed packages)
  --top <n>               how many words to show (default: 15)
${whereHelp('8')}
  --help                  show this

Text files are ${endings}. One that cannot be read, is binary, or is not encoded
as UTF-8 is named and left out. Symbolic links are not followed: every file is counted once.`

/** Something that the user can mend. */
export class UserError extends Error {}

export interface Arguments extends Where {
  readonly help: boolean
  readonly folder: string
  readonly top: number
}

/** @throws UserError, or WhereError, for an unknown option or a wrong value */
export function readArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parse(args)
  const folders = [...positionals, ...(values.dir ?? [])]
  if (folders.length > 1) {
    const given = folders.map((folder) => JSON.stringify(folder)).join(', ')
    throw new UserError(`it takes one folder, and got ${given}. A name with spaces needs quotes.`)
  }
  return {
    help: values.help,
    folder: toPath(folders[0]),
    top: wholeNumber('--top', values.top),
    ...readWhere(values),
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        dir: { type: 'string', multiple: true },
        top: { type: 'string', default: '15' },
        ...WHERE_OPTIONS,
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
  } catch (error) {
    const [sentence] = (error as Error).message.split(/\.\s/)
    throw new UserError(`${sentence?.replace(/\.$/, '')}. --help shows the options.`)
  }
}

function wholeNumber(option: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) {
    throw new UserError(`${option} takes a whole number of at least 1, not ${JSON.stringify(text)}`)
  }
  return Number(text)
}

function toPath(folder: string | undefined): string {
  if (folder === undefined) return fileURLToPath(new URL('../../node_modules', import.meta.url))
  if (folder.trim() === '') throw new UserError('the name of the folder is empty')
  // npm runs the program in the folder of the package, wherever the user is.
  const { npm_lifecycle_event: script, INIT_CWD: whereNpmWasCalled } = process.env
  return resolve(script === 'start' ? (whereNpmWasCalled ?? '') : '', folder)
}

/** @throws UserError if it is no folder */
export async function checkFolder(folder: string): Promise<void> {
  const stats = await stat(folder).catch((error: NodeJS.ErrnoException) => {
    const isMissing = error.code === 'ENOENT' || error.code === 'ENOTDIR'
    throw new UserError(
      isMissing ? `there is no folder ${folder}` : `the folder ${folder} cannot be read: ${reasonOf(error)}`,
    )
  })
  if (!stats.isDirectory()) {
    throw new UserError(`${folder} is not a folder but a file; try the folder that it is in, ${dirname(folder)}`)
  }
}

/** @throws UserError if it cannot be read, or has no text files */
export async function findTexts(folder: string): Promise<Listing> {
  const listing = await listFolder(folder).catch((error) => {
    throw new UserError(`the folder ${folder} cannot be read: ${reasonOf(error)}`)
  })
  if (listing.texts.length > 0) return listing
  if (listing.others === 0 && listing.skipped.length === 0) {
    throw new UserError(`the folder ${folder} is empty: there are no files in it to count`)
  }
  throw new UserError(`there are no text files (${endings}) in ${folder}${besides(listing)}`)
}

function besides({ others, skipped }: Listing): string {
  const parts: string[] = []
  if (others > 0) parts.push(`${others} ${others === 1 ? 'file' : 'files'} of other kinds`)
  if (skipped.length > 0)
    parts.push(`${skipped.length} ${skipped.length === 1 ? 'folder' : 'folders'} that cannot be read`)
  return `, but ${parts.join(' and ')}`
}
