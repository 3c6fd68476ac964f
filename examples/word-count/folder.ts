import { readdir } from 'node:fs/promises'
import { extname, join } from 'node:path'

/** What counts as a text file, by the end of its name. */
export const TEXT_FILES: readonly string[] = ['.md', '.markdown', '.txt', '.rst']

/** A file or folder that is left out, and why. */
export interface Skipped {
  readonly path: string
  readonly reason: string
}

/** What is in a folder, and in the folders below it. */
export interface Listing {
  /** The text files: each once, sorted. */
  readonly texts: readonly string[]
  /** How many files there are that are no text files. */
  readonly others: number
  /** Folders that cannot be read. */
  readonly skipped: readonly Skipped[]
}

/**
 * Looks for text files. Symbolic links are not followed, so that each file is found once, and a loop ends.
 * @throws what reading the folder itself fails with
 */
export async function listFolder(root: string): Promise<Listing> {
  const texts: string[] = []
  const skipped: Skipped[] = []
  let others = 0
  const open = [root]
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    try {
      for (const entry of await readdir(folder, { withFileTypes: true })) {
        const path = join(folder, entry.name)
        if (entry.isDirectory()) open.push(path)
        else if (entry.isFile() && TEXT_FILES.includes(extname(entry.name).toLowerCase())) texts.push(path)
        else others++
      }
    } catch (error) {
      if (folder === root) throw error
      skipped.push({ path: folder, reason: reasonOf(error) })
    }
  }
  return { texts: texts.sort(), others, skipped }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOENT: 'it does not exist',
  ENOTDIR: 'it does not exist',
  ELOOP: 'its symbolic links lead in a circle',
  EMFILE: 'too many files are open at the same time: try a lower --concurrency',
  ERR_FS_FILE_TOO_LARGE: 'it is too large',
  ERR_STRING_TOO_LONG: 'it is too large',
}

/** Why a file or folder could not be read, in words. */
export function reasonOf(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException
  return REASONS[code] ?? message
}
